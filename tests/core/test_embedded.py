"""The private Postgres: real clusters, each in a folder of its own. As root it runs as another user."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import app
from app.core import embedded
from app.core.embedded import EmbeddedError, places
from tests.conftest import unpack

PROJECT = Path(app.__file__).parent.parent
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may become another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may enter (pytest's own are private, and root's Postgres is another user)."""
    made = Path(tempfile.mkdtemp(prefix="causerie-test-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    eventually(lambda: unlocked(made))  # the last process of any Postgres here has ended
    shutil.rmtree(made)


@pytest.fixture
def used(folder: Path, prepared: Path) -> Path:
    """A folder with a cluster that was made before, for the tests that are not about its making."""
    unpack(prepared, folder)
    return folder


def unlocked(data_dir: Path) -> bool:
    with (data_dir / "postgres.lock").open("a") as lock, suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@pytest.fixture
def shelter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stands in for /var/lib."""
    made = Path(tempfile.mkdtemp(prefix="causerie-shelter-", dir="/tmp"))
    made.chmod(0o755)
    monkeypatch.setattr(places, "SHELTER", made)
    yield made
    shutil.rmtree(made)


def running(folder: Path) -> AbstractContextManager[str]:
    """A throwaway: what these tests kill are processes, never the power."""
    return embedded.running(folder, durable=False)


def ask(dsn: str, sql: str) -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def state(data_dir: Path) -> str:
    """What Postgres itself says of a cluster that does not run: "shut down" when it ended cleanly."""
    at = places.find(data_dir)
    said = subprocess.run(
        [at.binaries / "pg_controldata", at.data], check=True, capture_output=True, text=True, env={"LC_ALL": "C"}
    )
    found = re.search(r"cluster state: +(.*)", said.stdout)
    assert found
    return found[1]


class Program:
    """Another program on the same DATA_DIR: holds the database open until it is told to end."""

    def __init__(self, data_dir: Path, *, before: str = "", script: str | None = None) -> None:
        script = (
            script
            or f"""
            import sys
            from pathlib import Path
            from app.core import embedded
            {before}
            with embedded.running(Path({str(data_dir)!r}), durable=False) as dsn:
                print(dsn, flush=True)
                sys.stdin.read()
            """
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )

    def dsn(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(30)


@pytest.fixture
def program() -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def start(*arguments: Any, **options: Any) -> Program:
        programs.append(Program(*arguments, **options))
        return programs[-1]

    yield start
    for each in programs:
        each.process.kill()
        each.process.wait()


Start = Callable[..., Program]


def eventually(what: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def test_what_was_written_is_there_at_the_next_start(folder: Path) -> None:
    with running(folder) as dsn:
        assert ask(dsn, "SELECT current_database() || ' of ' || current_user") == "causerie of causerie"
        ask(dsn, "CREATE TABLE kept AS SELECT 'bonjour' AS word")
    assert state(folder) == "shut down"
    with running(folder) as dsn:
        assert ask(dsn, "SELECT word FROM kept") == "bonjour"


def test_an_acknowledged_commit_is_kept_whatever_the_files_say(used: Path) -> None:
    with (used / "postgres" / "postgresql.auto.conf").open("a") as conf:
        conf.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
    with embedded.running(used) as dsn:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(dsn, f"SHOW {name}") == "on"


def test_nobody_else_reaches_it(folder: Path) -> None:
    with running(folder) as dsn:
        assert ask(dsn, "SHOW listen_addresses") == ""
        sockets = Path(dsn.partition("host=")[2])
        for private in (sockets, folder / "postgres"):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert postmaster_user(folder) not in (0, None)


def postmaster_user(data_dir: Path) -> int:
    return Path(f"/proc/{postmaster(data_dir)}").stat().st_uid


def test_it_ends_cleanly_when_its_program_is_killed(used: Path, program: Start) -> None:
    first = program(used)
    ask(first.dsn(), "CREATE TABLE kept AS SELECT 'bonjour' AS word")
    first.process.kill()
    first.process.wait()
    second = program(used)  # at once: it waits until the old one has ended
    assert ask(second.dsn(), "SELECT word FROM kept") == "bonjour"
    second.process.kill()
    second.process.wait()
    eventually(lambda: not (used / "postgres" / "postmaster.pid").exists())
    eventually(lambda: state(used) == "shut down")


def test_two_programs_share_one(used: Path, program: Start) -> None:
    first = program(used)
    theirs = first.dsn()
    ask(theirs, "CREATE TABLE shared AS SELECT 1 AS one")
    pid = postmaster(used)
    with running(used) as ours:
        assert ours == theirs
        assert ask(ours, "SELECT one FROM shared") == 1
    assert postmaster(used) == pid, "the second has not ended it"
    assert ask(theirs, "SELECT one FROM shared") == 1
    assert first.end() == 0
    assert state(used) == "shut down"


def test_two_that_start_at_once_on_a_new_folder_share_one(folder: Path, program: Start) -> None:
    programs = [program(folder) for _ in range(3)]
    assert len({each.dsn() for each in programs}) == 1


def test_the_second_takes_over_when_the_first_has_ended(used: Path, program: Start) -> None:
    first = program(used)
    first.dsn()
    cluster = embedded.prepare(used, durable=False)
    try:
        assert cluster.start() is None, "the first one runs it"
        assert first.end() == 0
        process = cluster.start()
        assert process is not None
        cluster.wait_ready(process)
        assert ask(cluster.dsn, "SELECT 1") == 1
        cluster.stop(process)
    finally:
        cluster.close()


def test_it_starts_again_after_a_crash_with_every_commit(used: Path) -> None:
    cluster = embedded.prepare(used)
    try:
        process = cluster.start()
        assert process is not None
        cluster.wait_ready(process)
        ask(cluster.dsn, "CREATE TABLE kept AS SELECT 'bonjour' AS word")
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = restart(cluster)
        assert ask(cluster.dsn, "SELECT word FROM kept") == "bonjour"
        cluster.stop(process)
    finally:
        cluster.close()


def restart(cluster: embedded.Cluster) -> Any:
    """As the supervisor does: once more while the processes of the killed one have not yet noticed."""
    for _ in range(20):
        process = cluster.start()
        assert process is not None
        try:
            cluster.wait_ready(process)
            return process
        except EmbeddedError as error:
            assert "shared memory" in str(error)
            time.sleep(0.1)
    raise AssertionError("it did not start again")


def test_the_pid_file_of_a_killed_run_is_no_obstacle(used: Path) -> None:
    with running(used):
        left = (used / "postgres" / "postmaster.pid").read_text()
    owner = (used / "postgres").stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid) as other:
        try:  # its number now belongs to something else of the same user, as after a restart of the machine
            pid_file = used / "postgres" / "postmaster.pid"
            pid_file.write_text(re.sub(r"^\d+", str(other.pid), left))
            os.chown(pid_file, owner.st_uid, owner.st_gid)
            with running(used) as dsn:
                assert ask(dsn, "SELECT 1") == 1
        finally:
            other.kill()


def test_a_cluster_that_was_half_made_is_made_anew(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running(folder) as dsn:
        assert ask(dsn, "SELECT 1") == 1
    assert not (folder / "postgres.new").exists()


def test_another_version_is_refused_with_what_to_do(used: Path) -> None:
    (used / "postgres" / "PG_VERSION").write_text("9.6\n")
    with (
        pytest.raises(EmbeddedError, match=r"made by Postgres 9\.6, .* are of 18.*Install postgresql-9\.6"),
        running(used),
    ):
        pass


def test_a_broken_configuration_is_told_in_the_words_of_postgres(used: Path) -> None:
    with (used / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("work_mem = lots\n")
    with pytest.raises(EmbeddedError, match=r"did not start: .*postgresql\.conf"), running(used):
        pass


def test_a_path_too_long_for_a_socket_is_no_obstacle(folder: Path) -> None:
    deep = folder / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    with running(deep) as dsn:
        sockets = Path(dsn.partition("host=")[2])
        assert ask(dsn, "SELECT 1") == 1
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    shutil.rmtree(sockets)


def test_a_socket_folder_that_someone_planted_is_refused(folder: Path) -> None:
    (folder / "socket").mkdir(mode=0o777)
    (folder / "socket").chmod(0o777)
    with pytest.raises(EmbeddedError, match="not a private folder"), running(folder):
        pass
    (folder / "socket").rmdir()
    (folder / "socket").symlink_to("/tmp")
    with pytest.raises(EmbeddedError, match="not a private folder"), running(folder):
        pass


def test_the_log_does_not_grow_for_ever(used: Path) -> None:
    with (used / "postgres.log").open("a") as log:
        log.truncate(6 * 2**20)
    with running(used):
        pass
    assert (used / "postgres.log").stat().st_size < 10_000
    assert (used / "postgres.log.1").exists()


def test_what_someone_wrote_does_not_get_into_the_log(used: Path) -> None:
    with running(used) as dsn:
        ask(dsn, "CREATE TABLE note (text text UNIQUE)")
        ask(dsn, "INSERT INTO note VALUES ('my diary')")
        with pytest.raises(asyncpg.UniqueViolationError):
            ask(dsn, "INSERT INTO note VALUES ('my diary')")
    log = (used / "postgres.log").read_text()
    assert "duplicate key" in log, "or this means nothing"
    assert "my diary" not in log


@as_root
def test_it_works_for_a_normal_user(folder: Path, program: Start) -> None:
    binaries = next(places._candidates())
    nobody = pwd.getpwnam("nobody")
    if places._version(binaries, nobody) is None:
        pytest.skip("this checkout lies in a folder that only root may enter")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    become = f"import os; os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})"
    first = program(folder, before=become)
    assert ask(first.dsn(), "SELECT 1") == 1
    assert postmaster_user(folder) == nobody.pw_uid
    assert first.end() == 0
    # Root takes it up as the user that it belongs to.
    with running(folder) as dsn:
        assert ask(dsn, "SELECT 1") == 1
        assert postmaster_user(folder) == nobody.pw_uid


@as_root
def test_root_s_own_files_are_refused_with_what_to_do(folder: Path) -> None:
    (folder / "postgres").mkdir()
    with pytest.raises(EmbeddedError, match="chown -R postgres"), running(folder):
        pass


@as_root
def test_in_a_folder_of_root_alone_data_and_binaries_go_elsewhere(
    folder: Path, shelter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(next(places._candidates())).parent.parent
    private = folder / "root"
    private.mkdir(mode=0o700)
    install = private / "site-packages" / package.name / "pginstall18"
    for part in ("bin", "lib", "share"):
        shutil.copytree(package / "pginstall18" / part, install / part)
    shutil.copytree(package.parent / f"{package.name}.libs", private / "site-packages" / f"{package.name}.libs")
    monkeypatch.setattr(places, "_candidates", lambda: iter([install / "bin"]))
    data_dir = private / ".data"
    for _ in range(2):
        with running(data_dir) as dsn:
            assert ask(dsn, "SELECT 1") == 1
            assert postmaster_user(data_dir) != 0
    assert (data_dir / "postgres").is_symlink(), "whoever looks for the data finds the way"
    assert (data_dir / "postgres").resolve().is_relative_to(shelter)
    assert len(list(shelter.iterdir())) == 2, "one folder of data, one of binaries, used again"
    assert stat.S_IMODE(private.stat().st_mode) == 0o700, "and the private folder stayed so"

    shutil.rmtree(data_dir)  # whoever removes DATA_DIR begins anew, and the old data is still there
    with running(data_dir) as dsn:
        assert ask(dsn, "SELECT 1") == 1
    assert list(shelter.glob("causerie-*/postgres-old-*/postgres/PG_VERSION"))


@as_root
def test_a_full_disk_is_told(folder: Path) -> None:
    script = f"""
        mount -t tmpfs -o size=20m,mode=0711 none {folder} || exit 77
        exec {sys.executable} -c '
import sys
from pathlib import Path
from app.core import embedded
try:
    with embedded.running(Path("{folder}")): pass
except embedded.EmbeddedError as error: print(error)
'
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], check=False, capture_output=True, text=True, cwd=PROJECT
    )
    if done.returncode in (1, 77) and not done.stdout:
        pytest.skip("no small disk can be mounted here")
    assert re.fullmatch(r"the disk of \S+ has \d+ MB left, and the database needs 200 MB\n", done.stdout), done


def test_a_program_that_holds_the_lock_without_an_answer_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PATIENCE", 0.2)
    holder = embedded.Cluster(folder, durable=False)
    assert holder.own()
    try:
        with pytest.raises(EmbeddedError, match=r"another program holds .*postgres\.lock"), running(folder):
            pass
    finally:
        holder.close()
