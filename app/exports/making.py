"""The worker's part: it starts the program that makes an export, watches over it, and says how it ended.

Whatever happens to the program or to the worker, nobody ever sees half a file: each try has a name of its own, begins
by taking away what another one left, and what it writes counts only as long as it is the try of the row.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4

import structlog

from app.core import database, jobs
from app.core.bell import Bell
from app.core.database import Row
from app.core.settings import Settings
from app.exports import keys, out, program, signing, storage
from app.exports.keys import Signer
from app.people.events import ExportEnded

Failure = Literal["time", "memory", "access", "room", "fault"]
PROGRAM = [sys.executable, "-m", "app.exports.start"]
PROJECT = Path(__file__).parent.parent.parent
# So many in all workers together: two leave the machine to the web, and a long one keeps not all short ones waiting.
AT_ONCE = 2
# A fault of ours is mostly the same the second time; one of the machine is over soon.
TRIES = 3
WALL_SECONDS = 90 * 60  # twice what it may have of CPU, for one that rests, and some
LOOK = 0.5  # seconds between two looks at how far it is, and whether it is still wanted
# Of the environment it gets what an interpreter and its libraries (fonts) may need to start, and none of our secrets
# beside the address of the database.
KEPT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "FONTCONFIG_FILE"),
    *("FONTCONFIG_PATH", "XDG_DATA_DIRS", "XDG_CACHE_HOME", "CAUSERIE_THROWAWAY_DATABASE"),
)
log = structlog.get_logger()


class _FullError(Exception):
    """All exports together take up what they may."""


class ExportError(Exception):
    """The program that makes it failed by a fault of ours, or of the machine."""


async def make(settings: Settings, bell: Bell, export: int) -> None:
    """Makes the export, unless it is made, or not wanted any more. Raises ExportError when it is worth another try."""
    attempt = uuid4()
    begun = await _begin(export, attempt)
    if begun is None:
        return
    person = begun["person"]
    bell.ring("e", person, export)
    try:
        key = signing.Guarded(await keys.current(settings), begun) if begun["archive"] else None
        full = await storage.is_full(settings)  # others were made while it waited
        failure = "room" if full else await _watched(settings, bell, export, attempt, person, key)
        if failure == "fault":
            raise ExportError
        if failure is not None:
            await fail(export, attempt, failure)
    except (Exception, asyncio.CancelledError):
        # Another try follows; until then it waits. Where this does not work either, that try does it.
        with contextlib.suppress(*database.FAILED):
            await asyncio.wait_for(_back(export, attempt), 2)
        raise
    finally:
        bell.ring("e", person, export)


async def give_up(bell: Bell, export: int) -> None:
    """After the last try: its person is told that it failed."""
    person = await fail(export, None, "fault")
    if person is not None:
        bell.ring("e", person, export)


async def fail(export: int, attempt: UUID | None, failure: Failure) -> int | None:
    """It failed for good, for that reason; its person is told. With `attempt` only if that is still its try. Gives
    whose it is, or None when it was not under way."""
    async with database.transaction():
        person: int | None = await database.fetch_value(
            """
            UPDATE export SET status = 'failed', failure = $3, ended_at = now()
            WHERE id = $1 AND attempt = coalesce($2, attempt) AND status = 'working'
               OR id = $1 AND $2 IS NULL AND status = 'queued'
            RETURNING person
            """,
            export,
            attempt,
            failure,
        )
        if person is not None:
            await database.fetch("DELETE FROM export_part WHERE export = $1", export)
            await jobs.defer(ExportEnded(export, person, ready=False))
    return person


async def _begin(export: int, attempt: UUID) -> Row | None:
    """From now on this is its try, and what others wrote is gone. Gives what was asked for, or None when it is not to
    be made. One that failed is, when an administrator has it tried again."""
    async with database.transaction():
        begun = await database.fetch_row(
            """
            UPDATE export SET status = 'working', attempt = $2, done = 0, total = NULL, failure = NULL, ended_at = NULL
            WHERE id = $1 AND (status IN ('queued', 'working') OR (status = 'failed' AND failure = 'fault'))
            RETURNING person, archive, kind, format, conversation, asked_at, from_at, to_at
            """,
            export,
            attempt,
        )
        if begun is not None:
            await database.fetch("DELETE FROM export_part WHERE export = $1", export)
    return begun


async def _back(export: int, attempt: UUID) -> None:
    """It waits again."""
    async with database.transaction():
        mine = await database.fetch_value(
            """
            UPDATE export SET status = 'queued', attempt = NULL, done = 0, total = NULL
            WHERE id = $1 AND attempt = $2 AND status = 'working' RETURNING id
            """,
            export,
            attempt,
        )
        if mine is not None:
            await database.fetch("DELETE FROM export_part WHERE export = $1", export)


async def _watched(
    settings: Settings, bell: Bell, export: int, attempt: UUID, person: int, key: Signer | None
) -> Failure | None:
    """Runs the program to its end; gives why it made nothing, or None when it did, or nobody wants it any more. Where
    there is a key it may have its archive signed."""
    # What one that was killed left behind goes first.
    folder = settings.data_dir / "exports" / str(export)
    await asyncio.to_thread(_fresh, folder)
    child = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *(str(export), attempt.hex, str(os.getpid())),
        stdin=asyncio.subprocess.PIPE if key else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if key else asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=PROJECT,
        env=_environment(settings, folder) | (signing.described(key) if key else {}),
    )
    assert child.stderr is not None
    saying = asyncio.create_task(_last_words(child.stderr))
    answering = asyncio.create_task(signing.answer(key, child)) if key else None
    wanted, full, limit = True, False, asyncio.timeout(WALL_SECONDS)
    try:
        async with limit:
            wanted = await _until_it_ends(settings, bell, child, export, attempt, person)
    except _FullError:
        full = True
    except TimeoutError:
        if not limit.expired():  # it is the database that took too long
            raise
    finally:
        if child.returncode is None:  # its time or the room is over, nobody wants it, or this worker is told to stop
            child.kill()
        await child.wait()
        said = await saying
        if answering is not None:
            await answering
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    if not wanted:
        return None
    failure = "room" if full else "time" if limit.expired() else _failure(child.returncode)
    if failure is not None:
        log.error("export failed", export=export, why=failure, code=child.returncode, said=said)
    return failure


async def _until_it_ends(
    settings: Settings, bell: Bell, child: asyncio.subprocess.Process, export: int, attempt: UUID, person: int
) -> bool:
    """Tells those who look how far it is; whether it is still wanted when the program ends, which may be over then.
    Raises ExportError when the disk is nearly full, and _FullError when exports take up what they may."""
    ending = asyncio.create_task(child.wait())
    before = None
    try:
        while not (await asyncio.wait([ending], timeout=LOOK))[0]:
            row = await database.fetch_row(
                "SELECT done, total FROM export WHERE id = $1 AND attempt = $2 AND status IN ('working', 'ready')",
                export,
                attempt,
            )
            if row is None:
                return False
            if shutil.disk_usage(settings.data_dir).free < out.SPARE // 2:  # sooner than all the rest stands still
                raise ExportError
            if await storage.is_full(settings):
                raise _FullError
            if tuple(row) != before:
                before = tuple(row)
                bell.ring("e", person, export)
    finally:
        ending.cancel()
    return True


def _failure(code: int | None) -> Failure | None:
    """What its exit code says. What ends by the signal that cannot be refused was ended by the kernel, out of memory;
    or by an operator, who had their reason. Libraries in C that get no memory end by two others."""
    if code in (0, program.UNWANTED):
        return None
    if code == program.NO_ACCESS:
        return "access"
    if code in (program.TOO_LARGE, -signal.SIGKILL, -signal.SIGABRT, -signal.SIGTRAP):
        return "memory"
    return "time" if code == -signal.SIGXCPU else "fault"


def _environment(settings: Settings, folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {
        "DATABASE_URL": settings.database_url or "",
        "BASE_URL": settings.base_url,
        "DATA_DIR": str(settings.data_dir),
        "TMPDIR": str(folder),
        "MALLOC_ARENA_MAX": "2",  # each thread would reserve 64 MB of what it may have
    }


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)


async def _last_words(stream: asyncio.StreamReader) -> str:
    """The end of what it says; read to its end, or a program that says much would wait for ever."""
    said = b""
    while more := await stream.read(4096):
        said = (said + more)[-500:]
    return said.decode(errors="replace")
