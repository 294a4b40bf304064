"""The two servers of a run, each with a throwaway Postgres of its own, so that what each costs can be told apart."""

import contextlib
import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core import embedded
from app.core.supervisor import Process, spawn
from bench import processes
from bench.processes import Sample
from bench.scenario import FailedError

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0  # seconds that a server may take to start; machines are busy
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")  # of our environment: no setting of the caller reaches the servers


@dataclass
class Server:
    """One server as a process, on a port that stays the same when it is started again."""

    name: str
    command: tuple[str, ...]
    environ: dict[str, str]
    port: int
    postgres: int
    log: Path
    process: Process | None = None

    def start(self) -> None:
        """Returns once it answers; raises FailedError when it does not."""
        environ = {name: os.environ[name] for name in KEPT if name in os.environ} | self.environ
        with self.log.open("ab") as output:
            self.process = spawn(self.command, env=environ, output=output, folder=str(PROJECT))
        end = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise FailedError(f"{self.name} does not answer on port {self.port}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            processes.stop(self.process)
            self.process = None

    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def sample(self, client: int) -> Sample:
        """What it, its Postgres and the client have used until now."""
        children = processes.families()
        mine = processes.tree(self.pid(), children)
        machine, stolen = processes.machine_cpu()
        return Sample(
            at=time.monotonic(),
            server=processes.cpu(mine),
            postgres=processes.cpu(processes.tree(self.postgres, children)),
            client=processes.cpu([client]),
            machine=machine,
            stolen=stolen,
            memory=processes.memory(mine),
        )

    def complaint(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"The log of {self.name} ends:", *(f"  {line}" for line in lines)])

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health" if self.name == "ours" else "/page/0")
            return connection.getresponse().status == 200
        return False


@contextlib.contextmanager
def database(folder: Path, name: str) -> Iterator[tuple[str, int]]:
    """A durable Postgres for one server: its DSN and its pid."""
    data_dir = folder / name
    with embedded.running(data_dir) as dsn:
        yield dsn, int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def ours(folder: Path, dsn: str, postgres: int, heartbeat: float) -> Server:
    """One web process of Causerie, with the limits that would hinder a load test off."""
    port = free_port()
    environ = {
        "DATABASE_URL": dsn,
        "DATA_DIR": str(folder / "ours"),
        "PORT": str(port),
        "RATE_LIMITS": "off",
        "MAX_CONNECTIONS_PER_USER": "100000",
        "ACCESS_TOKEN_MINUTES": "1440",
        "HEARTBEAT_SECONDS": str(heartbeat),
        "WEB_CONCURRENCY": "1",
    }
    command = (sys.executable, "-m", "app", "serve", "--web-only")
    return Server("ours", command, environ, port, postgres, folder / "ours.log")


def raw(folder: Path, dsn: str, postgres: int, heartbeat: float, event: Path) -> Server:
    """The raw server; `event` is a file with one event of ours, which it sends the same."""
    port = free_port()
    command = (sys.executable, "-m", "bench.raw_server", dsn, str(port), str(event), str(heartbeat))
    return Server("raw", command, {}, port, postgres, folder / "raw.log")


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
