"""One room, a thousand streams, ten messages a second: what one delivery costs, and how late it comes."""

import asyncio
import time

from bench.clients import Exchange, arrived, ask, close, connect, heads, open_streams, percentile, quiet, stamped
from bench.scale import Scale
from bench.scenario import Result, Stage, Turn
from bench.wire import Wire

AUTHORS = 8  # several, so that not every message is grouped under the one before it


class Author:
    """Says one thing after the other: when the server is late the next waits, and its delay counts from its time."""

    def __init__(self, wire: Wire, exchange: Exchange, room: int, who: int) -> None:
        self.wire = wire
        self.exchange = exchange
        self.room = room
        self.who = who
        self.turn = asyncio.Lock()

    async def say(self, body: str) -> None:
        async with self.turn:
            await ask(self.exchange, self.wire.send(self.room, self.who, body), 201)


async def load(wire: Wire, scale: Scale, stage: Stage) -> Result:
    """Sends at a steady pace and counts every delivery on every stream; times those of fifty streams."""
    room = wire.rooms[0]
    change = (await heads(wire, [room]))[room]
    requests = [wire.live(room, change, who) for who in range(scale.fanout_streams)]
    streams = await open_streams(wire.port, requests, sampled=50)
    authors = [Author(wire, await connect(wire.port), room, who) for who in range(AUTHORS)]
    await quiet(streams)
    before = sum(stream.bytes for stream in streams)
    result, sent = Result(), set[bytes]()
    for _ in range(scale.fanout_turns):
        await stage("start")
        said = await _say(authors, scale)
        sent |= said
        result.lost += await arrived(streams, [sent] * len(streams))
        result.turns.append({"deliveries": len(said) * len(streams)})
        await stage("end")
    late = [nanoseconds / 1e6 for stream in streams for nanoseconds in stream.late or ()]
    result.whole = {
        "fanout.p50": percentile(late, 0.5),
        "fanout.p99": percentile(late, 0.99),
        "fanout.bytes": (sum(stream.bytes for stream in streams) - before) / len(sent) / len(streams),
    }
    close(streams)
    return result


async def _say(authors: list[Author], scale: Scale) -> set[bytes]:
    """The messages of one turn, each at its time; gives their stamps once all were answered."""
    said, posts = set(), []
    began = time.perf_counter()
    for number in range(scale.fanout_rate * scale.fanout_seconds):
        await asyncio.sleep(began + number / scale.fanout_rate - time.perf_counter())
        stamp, body = stamped()
        posts.append(asyncio.create_task(authors[number % len(authors)].say(body)))
        said.add(stamp)
    await asyncio.gather(*posts)
    return said


def figures(turn: Turn) -> dict[str, float]:
    """Of one turn, in microseconds."""
    return {"fanout.cpu": turn.cpu() / turn.seen["deliveries"] * 1e6}
