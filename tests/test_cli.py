"""The program as an operator meets it: real processes, started from the command line."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import app
from app.core import embedded, upkeep
from app.core.supervisor import CannotStartError
from tests.conftest import stop_kept, unpack
from tests.nursery import nursery
from tests.processes import free_port

PROJECT = Path(app.__file__).parent.parent


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that any user may enter: as root, Postgres runs as another one."""
    made = Path(tempfile.mkdtemp(prefix="causerie-test-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


class Served:
    """A running `python -m app serve`."""

    def __init__(self, data_dir: Path, *options: str, **settings: str) -> None:
        self.port = free_port()
        self.out = data_dir / f"out-{self.port}"
        with self.out.open("wb") as out:
            made = environment(DATA_DIR=str(data_dir), PORT=str(self.port), **settings)
            self.process = nursery.command(["app", "serve", *options], made, out.fileno())

    def eventually(self, what: Callable[[], object], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.02)

    def printed(self) -> str:
        return self.out.read_text()

    def until_running(self) -> None:
        self.eventually(lambda: "Causerie is running" in self.printed())

    def healthy(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def children(self, role: str = "") -> list[int]:
        """The process ids of its children whose command line holds `role`."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                command = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
            if parent == self.process.pid and command and role in command:
                found.append(int(stat.parent.name))
        return sorted(found)

    def stop(self) -> tuple[int, float]:
        """Asks it to end; the exit code, and the seconds that it took."""
        asked = time.monotonic()
        self.process.terminate()
        return self.process.wait(20), time.monotonic() - asked


Serve = Callable[..., Served]


@pytest.fixture
def started_before(data_dir: Path, prepared: Path) -> None:
    """The database is there already, with its tables, as at each start but the first."""
    unpack(prepared, data_dir)


@pytest.fixture
def serve(data_dir: Path) -> Iterator[Serve]:
    running: list[Served] = []

    def start(*options: str, **settings: str) -> Served:
        running.append(Served(data_dir, *options, **settings))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.stop()


@pytest.fixture
def database(data_dir: Path) -> Iterator[str]:
    """The address of an empty database."""
    with embedded.running(data_dir / "other", durable=False) as dsn:
        yield dsn


def environment(**settings: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"CAUSERIE_THROWAWAY_DATABASE": "yes"} | settings


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return nursery.run(["app", *arguments], environment(**settings))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def assert_told(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It ended with "wrong configuration" and said why in a line or two."""
    assert done.returncode == 2, done
    assert 1 <= len(done.stderr.splitlines()) <= 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_it_serves_says_where_and_ends_with_all_its_children(serve: Serve, data_dir: Path) -> None:
    served = serve(WEB_CONCURRENCY="2")
    served.until_running()
    assert served.healthy()
    assert f"http://localhost:{served.port}" in served.printed()
    assert "becomes the administrator" in served.printed()
    children = served.children()
    assert [len(served.children(role)) for role in ("app web", "app worker", "bin/postgres")] == [2, 1, 1]

    code, seconds = served.stop()
    assert code == 0
    assert seconds < 10
    assert not [pid for pid in children if alive(pid)]
    assert "database system is shut down" in (data_dir / "postgres.log").read_text().splitlines()[-1]


def test_a_second_start_changes_nothing_and_is_quick(serve: Serve) -> None:
    served = serve()
    served.until_running()
    assert "applied migration" in served.printed()
    served.stop()
    again = serve()
    again.until_running()
    assert "applied migration" not in again.printed()
    assert "creating the database" not in again.printed()


@pytest.mark.usefixtures("started_before")
def test_all_end_when_it_is_killed(serve: Serve, data_dir: Path) -> None:
    served = serve()
    served.until_running()
    children = served.children()
    assert len(children) == 3
    served.process.kill()
    served.process.wait()
    served.eventually(lambda: not [pid for pid in children if alive(pid)], seconds=30)
    assert "database system is shut down" in (data_dir / "postgres.log").read_text().splitlines()[-1]


@pytest.mark.usefixtures("started_before")
def test_a_killed_web_process_is_replaced_and_no_request_is_refused(serve: Serve) -> None:
    served = serve()
    served.until_running()
    for _ in range(2):
        (web,) = served.children("app web")
        os.kill(web, signal.SIGKILL)
        assert httpx.get(f"http://127.0.0.1:{served.port}/health", timeout=20).status_code == 200
        assert served.children("app web") != [web]


@pytest.mark.usefixtures("started_before")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT], ids=["killed", "stopped at once"])
def test_postgres_is_started_again_while_the_web_stays_up(serve: Serve, number: signal.Signals) -> None:
    served = serve()
    served.until_running()
    web, postgres = served.children("app web"), served.children("bin/postgres")
    os.kill(postgres[0], number)
    served.eventually(lambda: served.children("bin/postgres") not in ([], postgres))
    served.eventually(served.healthy, seconds=30)
    assert served.children("app web") == web


@pytest.mark.usefixtures("started_before")
def test_two_on_one_data_dir_share_and_the_second_takes_over(serve: Serve) -> None:
    first = serve()
    first.until_running()
    second = serve()
    second.until_running()
    assert second.children("bin/postgres") == []
    first.stop()
    second.eventually(lambda: second.children("bin/postgres"))
    second.eventually(second.healthy, seconds=30)


def test_a_worker_whose_database_is_away_ends_so_that_it_is_started_again(data_dir: Path) -> None:
    away = f"postgresql://postgres@127.0.0.1:{free_port()}/causerie"
    done = run("worker", DATABASE_URL=away, DATA_DIR=str(data_dir))
    assert done.returncode == 1, "and not with the code that ends the web servers beside it"
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("started_before")
def test_with_web_only_no_worker_runs(serve: Serve) -> None:
    served = serve("--web-only")
    served.until_running()
    assert served.children("app worker") == []


def test_with_a_database_of_its_own_no_postgres_is_started(serve: Serve, database: str, data_dir: Path) -> None:
    production = {"ENV": "production", "SECRET_KEY": "k" * 64, "BASE_URL": "https://chat.example.org"}
    done = run("serve", DATABASE_URL=database, PORT=str(free_port()), DATA_DIR=str(data_dir), **production)
    assert_told(done, "app migrate")
    migrated = run("migrate", DATABASE_URL=database, DATA_DIR=str(data_dir))
    assert migrated.returncode == 0, migrated
    assert "applied migration" in migrated.stderr
    served = serve(DATABASE_URL=database)
    served.until_running()
    assert served.healthy()
    assert served.children("bin/postgres") == []
    assert not (data_dir / "postgres").exists()


def test_while_one_tries_it_out_an_empty_database_is_migrated_at_the_start(serve: Serve, database: str) -> None:
    served = serve(DATABASE_URL=database)
    served.until_running()
    assert served.healthy()


def test_a_taken_port_is_named_with_another_to_try(data_dir: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        done = run("serve", PORT=str(port), DATA_DIR=str(data_dir))
    assert_told(done, f"port {port} is taken", f"PORT={port + 1} make run")


def test_a_wrong_setting_is_named(data_dir: Path) -> None:
    assert_told(run("serve", PORT="http", DATA_DIR=str(data_dir)), "PORT")


def test_a_data_dir_that_cannot_be_is_named(data_dir: Path) -> None:
    (data_dir / "file").touch()
    assert_told(run("serve", PORT=str(free_port()), DATA_DIR=str(data_dir / "file" / "data")), "DATA_DIR")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:{closed}/chat", "127.0.0.1:{closed}/chat cannot be used"),
        ("postgres://ada:hunter2@nowhere.invalid/chat", "nowhere.invalid:5432/chat cannot be used"),
        ("postgresql://ada:hunter2@127.0.0.1:port/chat", "must look like"),
        ("postgresql://ada:hun/ter2@127.0.0.1:5432/chat", "DATABASE_URL"),
        ("postgresql://ada:hun?ter2@127.0.0.1:5432/chat", "DATABASE_URL"),
        ("mysql://ada:hunter2@127.0.0.1/chat", "postgresql://"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(url: str, said: str, data_dir: Path) -> None:
    closed = free_port()
    address = url.format(closed=closed)
    done = run("serve", DATABASE_URL=address, PORT=str(free_port()), DATA_DIR=str(data_dir))
    assert_told(done, said.format(closed=closed))
    assert not re.search("hun|ter2", done.stderr)


def test_a_database_that_does_not_exist_is_named(database: str, data_dir: Path) -> None:
    missing = database.replace("/causerie?", "/missing?")
    assert_told(run("migrate", DATABASE_URL=missing, DATA_DIR=str(data_dir)), 'database "missing" does not exist')


async def test_an_up_to_date_database_passes_the_check(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await stop_kept()
    with pytest.raises(CannotStartError, match="python -m app migrate"), monkeypatch.context() as hasty:
        hasty.setattr(upkeep, "PATIENCE", 1.0)
        await upkeep.require_up_to_date(database)
    assert await upkeep.migrate(database)
    await upkeep.require_up_to_date(database)
    assert await upkeep.migrate(database) == []


async def test_whoever_migrates_at_this_moment_is_waited_for(database: str) -> None:
    await stop_kept()
    waiting = asyncio.create_task(upkeep.require_up_to_date(database))
    await asyncio.sleep(0)
    assert await upkeep.migrate(database)
    await waiting


def test_a_redis_that_is_not_there_is_named_without_its_password(data_dir: Path) -> None:
    closed = free_port()
    settings = {"CHANNELS_URL": f"redis://:hunter2@localhost:{closed}", "DATA_DIR": str(data_dir)}
    done = run("serve", PORT=str(free_port()), **settings)
    assert_told(done, "CHANNELS_URL", f"localhost:{closed}")
    assert "hunter2" not in done.stderr


def test_help_names_the_commands() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "worker", "migrate", "demo"):
        assert command in done.stdout


def test_the_procfile_names_commands_that_exist() -> None:
    processes = dict(line.split(": python -m app ") for line in (PROJECT / "Procfile").read_text().splitlines())
    assert list(processes) == ["release", "web", "worker"]
    for command in processes.values():
        assert run(*command.split(), "--help").returncode == 0


def test_app_json_sets_settings_that_exist() -> None:
    described = json.loads((PROJECT / "app.json").read_text())
    source = (PROJECT / "app" / "core" / "settings.py").read_text()
    for name in described["env"]:
        assert f'"{name}"' in source
