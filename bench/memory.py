"""What a stream on which nothing happens costs: in memory, and in CPU for its heartbeats."""

import asyncio
from collections.abc import Sequence

from bench.clients import Stream, close, heads, open_streams, quiet
from bench.scale import Scale
from bench.scenario import Result, Stage, Turn
from bench.wire import Wire


async def load_memory(wire: Wire, scale: Scale, stage: Stage) -> Result:
    """Opens some streams, then more; the slope between them is the cost of one."""
    await stage("start")
    streams = await _open(wire, scale.memory_first)
    await stage("some")
    streams += await _open(wire, scale.memory_more)
    result = Result([{"first": scale.memory_first, "more": scale.memory_more}], lost=_closed(streams))
    await stage("end")
    close(streams)
    return result


async def load_idle(wire: Wire, scale: Scale, stage: Stage) -> Result:
    """Holds streams open for a while, heartbeats and all."""
    streams = await _open(wire, scale.idle_streams)
    await stage("start")
    await asyncio.sleep(scale.idle_seconds)
    result = Result([{"streams": len(streams)}], lost=_closed(streams))
    await stage("end")
    close(streams)
    return result


async def _open(wire: Wire, count: int) -> list[Stream]:
    room = wire.rooms[0]
    change = (await heads(wire, [room]))[room]
    streams = await open_streams(wire.port, [wire.live(room, change, who) for who in range(count)])
    await quiet(streams)
    return streams


def _closed(streams: Sequence[Stream]) -> list[str]:
    closed = sum(stream.closed for stream in streams)
    return [f"LOST: {closed} of {len(streams)} idle streams were closed"] if closed else []


def figures_memory(turn: Turn) -> dict[str, float]:
    """Kilobytes a stream, among the first and between the two numbers of streams."""
    none, some, many = (turn.samples[stage].memory for stage in ("start", "some", "end"))
    return {
        "memory.stream": (many - some) / turn.seen["more"] / 1000,
        "memory.first": (some - none) / turn.seen["first"] / 1000,
        "memory.process": none / 1e6,
    }


def figures_idle(turn: Turn) -> dict[str, float]:
    """Per cent of a core for a thousand idle streams."""
    return {"idle.cpu": turn.cpu() / turn.seconds() * 100 * 1000 / turn.seen["streams"]}
