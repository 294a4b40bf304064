"""The program that makes an export, with a writer that does what a test says: in the file `export-script` of DATA_DIR.

1000000         so many bytes
hold            a part and a half; then it waits, saying that it goes on, until `export-go` is there, and ends well
ignore          the same, but never asks whether it is still wanted
fault           a part, then an exception with a text that nobody is to see
gone            NotFound
memory          takes all that it can get
killed          ends as what the kernel ends, when the machine runs out of memory
spin            works for ever
itself          what it is: its environment, its limits, what it was asked for
partner         waits until the test has taken the export from it, and writes on
"""

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

import msgspec

from app.core.errors import NotFound
from app.exports import program
from app.exports.model import Order
from app.exports.out import PART, PartsOut
from app.exports.start import step_back

FOLDER = Path(os.environ.get("DATA_DIR", "."))


async def write(order: Order, instance: str, out: PartsOut) -> None:
    script = (FOLDER / "export-script").read_text()
    await out.expect(100)
    if script.isdecimal():
        await many(out, int(script))
    elif script in ("hold", "ignore"):
        await out.write(b"h" * PART)
        await out.write(b"h" * (PART // 2))
        messages = 50
        while not (FOLDER / "export-go").exists():
            await asyncio.sleep(0.02)  # nobody tells
            if script == "hold":
                await out.done(messages)
        await out.write(b"!" * PART)
    elif script == "fault":
        await out.write(b"f" * PART)
        raise ValueError("what somebody wrote in confidence")
    elif script == "gone":
        raise NotFound
    elif script == "memory":
        print(len(bytearray(8 * program.MEMORY)))
    elif script == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif script == "spin":
        while True:
            pass
    elif script == "itself":
        await out.write(json.dumps(itself(order, instance)).encode())
    elif script == "partner":
        (FOLDER / "export-reached").touch()
        while not (FOLDER / "export-go").exists():
            await asyncio.sleep(0.02)
        await out.write(b"p" * PART)


async def many(out: PartsOut, size: int) -> None:
    for start in range(0, size, 10_000):
        await out.write(bytes((start // 10_000) % 251 for _ in range(min(10_000, size - start))))
        await out.done(start * 100 // size)


def itself(order: Order, instance: str) -> dict[str, object]:
    return {
        "environment": dict(os.environ),
        "nice": os.nice(0),
        "session": os.getsid(0) == os.getpid(),
        "group": Path("/proc/self/autogroup").read_text().split()[-1]
        if Path("/proc/self/autogroup").exists()
        else None,
        "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
        "file": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "cpu": resource.getrlimit(resource.RLIMIT_CPU)[0],
        "first_to_go": Path("/proc/self/oom_score_adj").read_text().strip(),
        "folder": os.environ["TMPDIR"],
        "folder_is_there": Path(os.environ["TMPDIR"]).is_dir(),
        "order": msgspec.to_builtins(order, builtin_types=()),
        "instance": instance,
    }


if __name__ == "__main__":
    step_back()
    sys.exit(program.main(sys.argv[1:], write))
