"""Runs the benchmark: `python -m bench`; with `--quick` a smoke test of under a minute."""

import argparse
import asyncio
import contextlib
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core import database
from bench import cast, fanout, memory, pages, report, sends, servers
from bench.clients import LostError
from bench.scale import FULL, QUICK, Scale
from bench.scenario import Client, FailedError, Load, Turn, take_turns
from bench.servers import Server
from bench.wire import Wire

Pair = tuple[Server, Wire]


@dataclass(frozen=True)
class Scenario:
    """One thing that is measured."""

    name: str
    load: Load
    figures: Callable[[Turn], dict[str, float]]
    fresh: bool = False  # begins with servers just started


SCENARIOS = {
    "fanout": (Scenario("fanout", fanout.load, fanout.figures),),
    "sends": (
        Scenario("sends, one", sends.load_one, sends.figures_one),
        Scenario("sends, many", sends.load_many, sends.figures_many),
    ),
    "pages": (Scenario("pages", pages.load, pages.figures),),
    "idle": (Scenario("idle", memory.load_idle, memory.figures_idle),),
    # What was freed before would be used again, and the streams would seem cheaper than they are.
    "memory": (Scenario("memory", memory.load_memory, memory.figures_memory, fresh=True),),
}


def main() -> int:
    """Measures what was asked for and prints it; 1 when anything was lost or failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--rounds", type=int, help="how often each pair is measured (3)")
    parser.add_argument("--quick", action="store_true", help="small and short: does it all work?")
    parser.add_argument("--json", type=Path, help="writes the figures to this file")
    given = parser.parse_args()
    chosen = given.only.split(",")
    if unknown := set(chosen) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and folders go, as with Ctrl-C
    scale = QUICK if given.quick else FULL
    if given.rounds:
        scale = replace(scale, rounds=given.rounds)
    try:
        return _run([scenario for name in chosen for scenario in SCENARIOS[name]], scale, given.json)
    except FailedError as failure:
        _say(f"FAILED: {failure}")
        return 1


def _run(scenarios: Sequence[Scenario], scale: Scale, json_file: Path | None) -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a stream is a file in the client too
    with tempfile.TemporaryDirectory(prefix="causerie-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # as root, Postgres runs as another user
        machine = _machine(folder)
        _say(", ".join(f"{key} {value}" for key, value in machine.items()))
        pairs = _start_both(folder, scale, stack)
        measured = report.Measured()
        for scenario in scenarios:
            for number in range(scale.rounds):
                _say(f"{scenario.name}, round {number + 1} of {scale.rounds}")
                _measure(scenario, pairs, scale, measured)
    print(measured.table())
    if json_file:
        measured.write_json(json_file, machine)
    for problem in measured.lost:
        _say(problem)
    return 1 if measured.lost else 0


def _start_both(folder: Path, scale: Scale, stack: contextlib.ExitStack) -> list[Pair]:
    """Both servers, each on its own Postgres, with people, rooms and history; they end with the stack."""
    dsn, postgres = stack.enter_context(servers.database(folder, "ours"))
    asyncio.run(database.migrate(dsn))
    ours = servers.ours(folder, dsn, postgres, scale.heartbeat)
    stack.callback(ours.stop)
    _start(ours)
    _say(f"ours is process {ours.pid()}; people sign up, rooms fill")
    event = folder / "event"
    try:
        our_wire = asyncio.run(cast.prepare_ours(ours.port, scale))
        event.write_bytes(asyncio.run(cast.event_of(our_wire)))
    except (LostError, TimeoutError) as error:
        raise FailedError(f"people, rooms and messages cannot be made: {error}\n{ours.complaint()}") from error

    dsn, postgres = stack.enter_context(servers.database(folder, "raw"))
    raw = servers.raw(folder, dsn, postgres, scale.heartbeat, event)
    stack.callback(raw.stop)
    _start(raw)
    raw_wire = asyncio.run(cast.prepare_raw(raw.port, scale))
    return [(ours, our_wire), (raw, raw_wire)]


def _start(server: Server) -> None:
    try:
        server.start()
    except FailedError as failure:
        raise FailedError(f"{failure}\n{server.complaint()}") from failure


def _measure(scenario: Scenario, pairs: Sequence[Pair], scale: Scale, measured: report.Measured) -> None:
    clients = []
    try:
        for server, wire in pairs:
            if scenario.fresh:
                server.stop()
                server.start()
            client = Client(scenario.load, wire, scale, server.sample)
            clients.append(client)
            client.reach()
        take_turns(clients)
    except FailedError as failure:
        logs = [server.complaint() for server, _ in pairs]
        raise FailedError("\n".join([f"{scenario.name}: {failure}", *logs])) from failure
    finally:
        for client in clients:
            client.end()
    for client in clients:
        assert client.result is not None  # it took all its turns
        turns = [Turn(samples, seen) for samples, seen in zip(client.turns, client.result.turns, strict=True)]
        measured.add(client.name, [scenario.figures(turn) for turn in turns], client.result.whole)
        measured.add_busy(scenario.name, client.name, [turn.busy() for turn in turns])
        measured.lost += [f"{scenario.name}, {client.name}: {problem}" for problem in client.result.lost]


def _machine(folder: Path) -> dict[str, object]:
    """What the figures depend on. An fsync that costs nothing (a memory disk) makes every send look cheap."""
    path = folder / "fsync"
    with path.open("wb") as file:
        began = time.perf_counter()
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        milliseconds = (time.perf_counter() - began) * 10
    path.unlink()
    return {"cores": os.cpu_count(), "python": platform.python_version(), "fsync ms": round(milliseconds, 3)}


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
