"""How much of everything one run does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The sizes; those of FULL are the ones that the targets speak of. A round has so many turns of so many seconds."""

    rounds: int = 3
    people: int = 64
    rooms: int = 100
    history: int = 2000
    fanout_streams: int = 1000
    fanout_rate: int = 10
    fanout_turns: int = 5
    fanout_seconds: int = 3
    senders: int = 32
    receivers: int = 32
    send_turns: int = 4
    send_seconds: float = 2
    readers: int = 8
    page_turns: int = 4
    page_seconds: float = 2
    idle_streams: int = 1000
    idle_seconds: float = 20
    heartbeat: float = 20
    memory_first: int = 1000  # opened before memory is first compared: the first streams fill what the process keeps
    memory_more: int = 2000


FULL = Scale()
QUICK = Scale(
    rounds=1,
    people=12,
    rooms=16,
    history=200,
    fanout_streams=200,
    fanout_turns=1,
    send_turns=1,
    page_turns=1,
    idle_streams=200,
    idle_seconds=4,
    heartbeat=2,
    memory_first=200,
    memory_more=400,
)
