"""Eight people who reload a long conversation as fast as it comes: pages a second."""

from bench.callers import Caller, together, warm_up
from bench.clients import Exchange, LostError, connect, percentile
from bench.scale import Scale
from bench.scenario import Result, Stage, Turn
from bench.wire import Wire


class Reader(Caller):
    """Asks for the same page, again and again."""

    def __init__(self, exchange: Exchange, page: bytes) -> None:
        super().__init__(exchange, 200)
        self.page = page
        self.size = 0

    def request(self) -> bytes:
        return self.page

    def accepted(self, body: bytes) -> None:
        self.size = len(body)
        if not body.rstrip().endswith((b"</html>", b"</ol>")):
            raise LostError(f"a page is not whole: it ends in {body[-200:]!r}")


async def load(wire: Wire, scale: Scale, stage: Stage) -> Result:
    """Reads the latest page of the long room."""
    page = wire.page(wire.long_room)
    readers = [Reader(await connect(wire.port), page) for _ in range(scale.readers)]
    await warm_up(readers)
    result = Result()
    for _ in range(scale.page_turns):
        await stage("start")
        first = sum(len(reader.took) for reader in readers)
        elapsed = await together(readers, scale.page_seconds)
        pages = sum(len(reader.took) for reader in readers) - first
        result.turns.append({"pages": pages, "rate": pages / elapsed})
        await stage("end")
    took = [value for reader in readers for value in reader.took]
    result.whole = {
        "pages.p50": percentile(took, 0.5),
        "pages.p99": percentile(took, 0.99),
        "pages.size": readers[0].size / 1000,
    }
    return result


def figures(turn: Turn) -> dict[str, float]:
    """Of one turn."""
    return {
        "pages.rate": turn.seen["rate"],
        "pages.cpu": turn.cpu() / turn.seen["pages"] * 1000,
        "pages.server": turn.server_cpu() / turn.seen["pages"] * 1000,
    }
