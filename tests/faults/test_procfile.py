"""The Procfile as Heroku and honcho run it: release first, then web and worker, with two web processes."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from tests.faults.conftest import Postgres, Report
from tests.faults.crowd import Crowd
from tests.faults.people import Sender, Watcher, forgot, make_room, sign_up
from tests.faults.processes import PROJECT, Program, kill, until
from tests.faults.wire import Connection
from tests.processes import free_port

pytestmark = pytest.mark.xdist_group("cuts")
# What the smallest plan of app.json allows, for all processes and exports together.
CONNECTIONS = 20
PASSWORD = "four green goats dance"


async def test_the_procfile_serves_mails_and_ends_on_sigterm(folder: Path, postgres: Postgres, report: Report) -> None:
    port = free_port()
    settings = {
        "PORT": str(port),
        # Without it the worker would take its own PORT for the address: honcho gives every process another one.
        "BASE_URL": f"http://localhost:{port}",
        "DATABASE_URL": await of_a_small_plan(postgres.dsn),
        "DATABASE_POOL_SIZE": json.loads((PROJECT / "app.json").read_text())["env"]["DATABASE_POOL_SIZE"]["value"],
        "WEB_CONCURRENCY": "2",
        "ENV": "production",
        "RATE_LIMITS": "on",
        "SECRET_KEY": "0123456789" * 4,
    }
    honcho = ["honcho", "start", "-d", str(PROJECT), "-f", str(PROJECT / "Procfile"), "web", "worker"]
    with Program(folder, honcho, **settings) as program:
        await program.serves()
        assert len(program.children("web")) == 2
        people = await sign_up(program.port, 3)
        room = await make_room(program.port, people)
        crowd = Crowd(program.port, [Watcher(program.port, who, {room: 0}) for who in people * 4])
        async with crowd.at_work([Sender(crowd, who, [room], seed) for seed, who in enumerate(people)]):
            await crowd.more(30)
        await crowd.judge(postgres.dsn)
        assert "TooManyConnections" not in program.output

        await forgot(program.port, people[0])
        link = re.compile(rf"http://localhost:{program.port}/auth/reset-password\?token=([\w-]+)")
        await until(lambda: link.search(program.output), 20, "the mail is shown on the console")
        found = link.search(program.output)
        assert found
        assert re.search(r"worker\.1 .*reset-password", program.output), "it is the worker that sends it"
        given = {"token": found[1], "password": PASSWORD}
        answer = await Connection(program.port).ask("POST", "/auth/reset-password", given)
        assert answer.status == 204, answer

        everything = program.tree()
        asked = time.monotonic()
        kill(program.process.pid, signal.SIGTERM)
        await until(lambda: program.process.poll() is not None, 20, "honcho ends")
        await until(lambda: not program.left(), 5, "nothing is left")
        lasted = time.monotonic() - asked
        assert not re.search(r"sending SIGKILL", program.output), "honcho had to kill"
        assert program.trouble() == []
    report(f"honcho with two web processes and a worker: {len(everything)} processes had ended after {lasted:.2f} s")
    assert lasted < 10


async def of_a_small_plan(dsn: str) -> str:
    """The address of the same database for somebody who may do in it what the plan of a provider allows."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        f"""
        CREATE ROLE rented LOGIN CONNECTION LIMIT {CONNECTIONS};
        GRANT ALL ON SCHEMA public TO rented;
        GRANT ALL ON ALL TABLES IN SCHEMA public TO rented;
        GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO rented;
        """
    )
    await connection.close()
    return dsn.replace("//causerie", "//rented", 1)
