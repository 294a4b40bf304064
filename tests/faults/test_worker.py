"""The worker dies in the middle of a job: the job is done all the same."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Report
from tests.faults.people import forgot, sign_up
from tests.faults.processes import Program, kill, until

pytestmark = pytest.mark.xdist_group("waits")


class MailServer:
    """Speaks just enough SMTP. While `silent` it lets clients wait for its greeting for ever."""

    def __init__(self) -> None:
        self.silent = True
        self.port = 0
        self.visits = 0
        self.mails: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[MailServer]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        if self.silent:
            await reader.read()  # until the client is gone
        else:
            writer.write(b"220 test\r\n")
            while line := await reader.readline():
                if line.startswith(b"DATA"):
                    writer.write(b"354 go on\r\n")
                    self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 fine\r\n")
        writer.close()


async def test_a_mail_whose_worker_was_killed_while_sending_it_is_sent_by_the_next(
    folder: Path, report: Report
) -> None:
    async with MailServer().open() as mail:
        with Program(folder, ["app", "serve"], SMTP_URL=f"smtp://127.0.0.1:{mail.port}") as program:
            await program.serves()
            (who,) = await sign_up(program.port, 1)
            worker = await program.one("worker")
            await forgot(program.port, who)
            await until(lambda: mail.visits, 20, "the worker begins to send")
            killed = time.monotonic()
            kill(worker, signal.SIGKILL)
            mail.silent = False
            await program.one("worker", but=worker)
            await until(lambda: mail.mails, 60, "the mail is sent")
            lasted = time.monotonic() - killed
            assert f"{who.username}@example.org" in mail.mails[0]
            assert "/auth/reset-password?token=" in mail.mails[0].replace("=\r\n", "").replace("=3D", "=")
            assert program.trouble() == []
    report(f"the mail of a worker that was killed while sending it was sent after {lasted:.1f} s")
