"""A scenario: what its client process does, and how the harness gives each client its turn and samples its server.

Both clients get ready, then ours and raw take turns of a few seconds: what disturbs the machine disturbs both.
"""

import asyncio
import gc
import multiprocessing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from bench.processes import Sample
from bench.scale import Scale
from bench.wire import Wire

PATIENCE = 120.0  # seconds that a client may be silent before the run is given up


@dataclass
class Result:
    """What a client has seen itself: in each of its turns, and in all of them."""

    turns: list[dict[str, float]] = field(default_factory=list)
    whole: dict[str, float] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


# A client calls `stage("start")` when it is ready for a turn and `stage("end")` after it; both wait for the harness.
Stage = Callable[[str], Awaitable[None]]
Load = Callable[[Wire, Scale, Stage], Awaitable[Result]]


@dataclass
class Turn:
    """A few seconds of one server: a sample for each stage, and what its client has seen."""

    samples: dict[str, Sample]
    seen: dict[str, float]

    def seconds(self) -> float:
        return self.samples["end"].at - self.samples["start"].at

    def cpu(self) -> float:
        """CPU seconds of the server and of its Postgres."""
        first, last = self.samples["start"], self.samples["end"]
        return last.server - first.server + last.postgres - first.postgres

    def server_cpu(self) -> float:
        """CPU seconds of the server alone: what one core would be full of, wherever Postgres runs."""
        return self.samples["end"].server - self.samples["start"].server

    def busy(self) -> dict[str, float]:
        """Who used how much of one core meanwhile; the host of a virtual machine takes ("stolen") what it wants."""
        first, last = self.samples["start"], self.samples["end"]
        used = {name: getattr(last, name) - getattr(first, name) for name in ("server", "postgres", "client")}
        used["others"] = max(0.0, last.machine - first.machine - sum(used.values()))
        used["stolen"] = last.stolen - first.stolen
        return {name: value / self.seconds() for name, value in used.items()}


class FailedError(Exception):
    """A server or a client could not do its part."""


class Client:
    """A client process, as the harness sees it."""

    def __init__(self, load: Load, wire: Wire, scale: Scale, sample: Callable[[int], Sample]) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = wire.name
        self.sample = sample
        self.turns: list[dict[str, Sample]] = []
        self.result: Result | None = None
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_client, args=(theirs, load, wire, scale), daemon=True)
        self.process.start()
        theirs.close()

    def reach(self) -> str:
        """Waits for its next stage and names it; "" once it has given its result. Raises FailedError if it cannot."""
        if not self.pipe.poll(PATIENCE):
            raise FailedError(f"the client of {self.name} said nothing for {PATIENCE:g} s")
        try:
            said = self.pipe.recv()
        except EOFError as error:
            raise FailedError(f"the client of {self.name} could not go on: its traceback is above") from error
        if isinstance(said, Result):
            self.result = said
            return ""
        return str(said)

    def go(self) -> None:
        """Lets it continue."""
        self.pipe.send(None)

    def take_turn(self) -> None:
        """From "start", where it waits, to "end", where it waits again."""
        samples = {"start": self.sample(self.process.pid or 0)}
        while "end" not in samples:
            self.go()
            stage = self.reach()  # first: only then is there something to sample
            samples[stage] = self.sample(self.process.pid or 0)
        self.turns.append(samples)

    def end(self) -> None:
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def take_turns(clients: Sequence[Client]) -> None:
    """Runs clients that wait for their first turn to the end of their last."""
    waiting = list(clients)
    while waiting:
        for client in waiting:
            client.take_turn()
        for client in waiting:
            client.go()
            client.reach()
        waiting = [client for client in waiting if client.result is None]


def _client(pipe: "Connection[Any, Any]", load: Load, wire: Wire, scale: Scale) -> None:
    gc.disable()  # it lives for seconds; its pauses would be taken for the server's

    async def stage(name: str) -> None:
        pipe.send(name)
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    async def whole() -> Result:
        return await load(wire, scale, stage)

    pipe.send(uvloop.run(whole()))
