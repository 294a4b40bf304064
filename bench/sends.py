"""Thirty-two people who send as fast as they are answered, with thirty-two who read along: durable sends a second."""

from bench.callers import Caller, together, warm_up
from bench.clients import Exchange, arrived, close, connect, heads, open_streams, percentile, quiet, stamped
from bench.scale import Scale
from bench.scenario import Result, Stage, Turn
from bench.wire import Wire


class Sender(Caller):
    """Sends to one room after another; keeps what was acknowledged."""

    def __init__(self, exchange: Exchange, wire: Wire, rooms: tuple[int, ...], who: int) -> None:
        super().__init__(exchange, 201)
        self.wire = wire
        self.rooms = rooms
        self.who = who
        self.number = who * 7  # so that they do not walk through the rooms in step
        self.sending = (0, b"")
        self.acknowledged: list[tuple[int, bytes]] = []

    def request(self) -> bytes:
        self.number += 1
        room = self.rooms[self.number % len(self.rooms)]
        stamp, body = stamped()
        self.sending = (room, stamp)
        return self.wire.send(room, self.who, body)

    def accepted(self, body: bytes) -> None:
        self.acknowledged.append(self.sending)


async def load_one(wire: Wire, scale: Scale, stage: Stage) -> Result:
    """All into one room."""
    return await _load("sends.one", wire, wire.rooms[:1], scale, stage)


async def load_many(wire: Wire, scale: Scale, stage: Stage) -> Result:
    """Spread over all rooms."""
    return await _load("sends.many", wire, wire.rooms, scale, stage)


async def _load(name: str, wire: Wire, rooms: tuple[int, ...], scale: Scale, stage: Stage) -> Result:
    before = await heads(wire, rooms)
    watched = [rooms[number % len(rooms)] for number in range(scale.receivers)]
    requests = [wire.live(room, before[room], who) for who, room in enumerate(watched)]
    streams = await open_streams(wire.port, requests)
    senders = [Sender(await connect(wire.port), wire, rooms, who) for who in range(scale.senders)]
    await quiet(streams)
    await warm_up(senders)

    result = Result()
    sent: dict[int, set[bytes]] = {room: set() for room in rooms}
    for _ in range(scale.send_turns):
        await stage("start")
        first = sum(len(sender.took) for sender in senders)
        elapsed = await together(senders, scale.send_seconds)
        for sender in senders:
            for room, stamp in sender.acknowledged:
                sent[room].add(stamp)
            sender.acknowledged.clear()
        result.lost += await arrived(streams, [sent[room] for room in watched])
        sends = sum(len(sender.took) for sender in senders) - first
        result.turns.append({"sends": sends, "rate": sends / elapsed})
        await stage("end")
    close(streams)

    after = await heads(wire, rooms)
    result.lost += [
        f"LOST: room {room} acknowledged {len(sent[room])} sends and moved by {after[room] - before[room]}"
        for room in rooms
        if wire.head(room) and after[room] - before[room] != len(sent[room])
    ]
    took = [value for sender in senders for value in sender.took]
    result.whole = {f"{name}.p50": percentile(took, 0.5), f"{name}.p99": percentile(took, 0.99)}
    return result


def figures_one(turn: Turn) -> dict[str, float]:
    """Of one turn, all sends into one room."""
    return _figures("sends.one", turn)


def figures_many(turn: Turn) -> dict[str, float]:
    """The same, over all rooms."""
    return _figures("sends.many", turn)


def _figures(name: str, turn: Turn) -> dict[str, float]:
    return {
        f"{name}.rate": turn.seen["rate"],
        f"{name}.cpu": turn.cpu() / turn.seen["sends"] * 1000,
        f"{name}.server": turn.server_cpu() / turn.seen["sends"] * 1000,
    }
