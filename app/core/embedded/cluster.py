"""One cluster as a process: who may run it, how it is started, when it is ready, how it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from app.core.embedded import creation, places
from app.core.embedded.places import EmbeddedError, Places
from app.core.supervisor import Process, spawn

SETTINGS = {
    "listen_addresses": "",  # the socket's folder is the only door
    "unix_socket_permissions": "0700",
    "cluster_name": "causerie",
    "max_connections": "200",  # sixteen web processes and a worker, with the pools that they have by default
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_error_statement": "panic",  # a failed statement may hold what someone wrote:
    "log_error_verbosity": "terse",  # it stays out of the log, and so does the row it met
    # On the command line these win over any configuration file: an acknowledged commit is kept.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
LARGEST_LOG = 5 * 2**20
PATIENCE = 120.0  # recovery after a power cut replays up to max_wal_size


class Cluster:
    """DATA_DIR/postgres. `embedded.prepare` calls `own` and `settle`; then it can be started, again and again."""

    def __init__(self, data_dir: Path, durable: bool) -> None:
        self.data_dir = data_dir
        self.durable = durable
        self.data = data_dir / "postgres"  # or a link to it
        self.log = data_dir / "postgres.log"
        self.lock_path = data_dir / "postgres.lock"
        self.places: Places | None = None
        self._log_start = 0
        self._owned = False
        self._lock = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def dsn(self) -> str:
        """For asyncpg: the superuser `causerie`, through the socket of whoever runs Postgres."""
        lines = self._pid_file()
        folder = lines[4] if len(lines) > 4 else str(self._settled().sockets)
        return f"postgresql://causerie@/causerie?host={quote(folder)}"

    def own(self) -> bool:
        """Whether Postgres is ours to run: takes the lock when nobody has it."""
        if not self._owned:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._forget_dead_postmaster()
            self._owned = True
        return True

    def settle(self) -> None:
        """Finds binaries, user and folders, and makes the cluster if it is not there and is ours to make."""
        self.places = places.find(self.data_dir)
        if self._owned and not (self.places.data / "PG_VERSION").exists():
            creation.create(self.places, self.data, self.log, durable=self.durable)

    def start(self) -> Process | None:
        """Starts Postgres; None while another program on this DATA_DIR runs it. Raises OSError or EmbeddedError."""
        if not self.own():
            return None
        at = self._settled()
        settings = SETTINGS | ({} if self.durable else THROWAWAY) | {"unix_socket_directories": f'"{at.sockets}"'}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            return spawn(
                [at.binaries / "postgres", "-D", at.data, *options],
                death_signal=signal.SIGINT,  # a fast, clean shutdown
                user=at.user,
                env=creation.ENVIRONMENT,
                pass_fds=(self._lock,),
                output=output,
            )

    def wait_ready(self, process: Process) -> None:
        """Returns once `process` answers; raises EmbeddedError with what its log says when it ends instead."""
        deadline = time.monotonic() + PATIENCE
        while not self.answers(process.pid):
            if process.poll() is not None:
                raise EmbeddedError(f"Postgres did not start: {self.complaint()}")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Postgres was not ready after {PATIENCE:.0f} s: see {self.log}")
            time.sleep(0.02)

    def answers(self, pid: int | None = None) -> bool:
        """Whether Postgres (the one with this pid) says that it is ready, and takes connections."""
        lines = self._pid_file()
        if len(lines) < 8 or lines[7].strip() != "ready" or (pid is not None and lines[0] != str(pid)):
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(f"{lines[4]}/.s.PGSQL.{lines[3]}")
            except OSError:
                return False
        return True

    def complaint(self) -> str:
        """Why Postgres ended, from what it logged since it was last started."""
        if shutil.disk_usage(self.data_dir).free < 2**20:
            return f"the disk of {self.data_dir} is full"
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return f"{creation.worst_line(log.read().decode(errors='replace'))} (more in {self.log})"

    def stop(self, process: Process) -> None:
        """A fast, clean shutdown; an immediate one (recovered at the next start) if that takes too long."""
        for number, patience in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 6.0)):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                return

    def close(self) -> None:
        """Lets go of the lock."""
        os.close(self._lock)

    def _settled(self) -> Places:
        if self.places is None:
            raise RuntimeError("prepare() was not called")
        return self.places

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _forget_dead_postmaster(self) -> None:
        """Removes the pid file of a killed run.

        Postgres would trust it while any process of that number lives, and after a restart of the machine or of a
        container one often does. We hold the lock, so none that we started is left; one that was started by hand works
        in the data folder.
        """
        lines = self._pid_file()
        if not lines:
            return
        with contextlib.suppress(OSError):  # no such process
            if Path(f"/proc/{lines[0]}/cwd").readlink() == self.data.resolve():
                raise EmbeddedError(
                    f"a Postgres started by hand (process {lines[0]}) runs in {self.data}: stop it first"
                )
        (self.data / "postmaster.pid").unlink(missing_ok=True)
