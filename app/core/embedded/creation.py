"""Makes a new cluster, whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from app.core.embedded.places import EmbeddedError, Places
from app.core.supervisor import identity, say

ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}  # English messages, and no PG* variable of the caller
NEEDED_SPACE = 200 * 2**20  # an empty cluster and its first log


def create(at: Places, link: Path, log: Path, *, durable: bool) -> None:
    """initdb and our database; `link` will lead to it. Raises EmbeddedError.

    It is made under another name and renamed: a run that is killed leaves no half cluster behind.
    """
    free = shutil.disk_usage(at.data.parent).free
    if free < NEEDED_SPACE:
        raise EmbeddedError(f"the disk of {at.data.parent} has {free >> 20} MB left, and the database needs 200 MB")
    say(f"creating the database in {link}")
    fresh = at.data.with_name("postgres.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    if at.user is not None:
        os.chown(fresh, at.user.pw_uid, at.user.pw_gid)
    _initdb(at, fresh, log, durable)
    fresh.rename(at.data)
    _sync(at.data.parent)  # or a power cut could undo the rename, and with it every message since
    if at.data.parent != link.parent:
        link.symlink_to(at.data)
        _sync(link.parent)


def worst_line(text: str) -> str:
    """The line of a log that says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    bad = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "ERROR:", "error:"))]
    return (bad or lines or ["it gave no reason"])[-1]


def _initdb(at: Places, fresh: Path, log: Path, durable: bool) -> None:
    # The builtin provider sorts alike whatever the C library: indexes survive an upgrade of the system.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    locale = builtin if at.version >= 17 else ["--locale=C.UTF-8"]
    private = ["--auth=trust"]  # who can enter the socket's folder is already trusted with everything
    options = ["-U", "causerie", "--encoding=UTF8", *locale, *private, *([] if durable else ["--no-sync"])]
    _tool(at, log, [at.binaries / "initdb", "-D", fresh, *options])
    sync = "on" if durable else "off"
    single: list[str | Path] = ["--single", "-D", fresh, "-c", f"fsync={sync}", "postgres"]
    _tool(at, log, [at.binaries / "postgres", *single], "CREATE DATABASE causerie\n")


def _tool(at: Places, log: Path, command: Sequence[str | Path], script: str = "") -> None:
    done = subprocess.run(
        command,
        check=False,
        input=script,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd="/",
        timeout=300,
        **identity(at.user),
    )
    with log.open("a") as output:
        output.write(done.stderr)
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise EmbeddedError(f"the database could not be made: {worst_line(done.stderr)}")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
