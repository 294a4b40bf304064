"""How the program that makes an export starts: it steps behind all others before it imports what takes a while."""

import contextlib
import os
import sys
from pathlib import Path

NICE = 10


def step_back() -> None:
    """From now on all else that the machine does goes first.

    Where the kernel shares time among sessions before it looks at processes (sched(7), "The autogroup feature"), as
    most do that run no services in groups of their own, `nice` alone counts beside the worker and nobody else.
    """
    os.nice(NICE)
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    with contextlib.suppress(OSError):  # there are no groups here, or others have just asked: then nice must do
        Path("/proc/self/autogroup").write_text(str(NICE))


if __name__ == "__main__":
    step_back()
    from app.exports import program

    sys.exit(program.main(sys.argv[1:]))
