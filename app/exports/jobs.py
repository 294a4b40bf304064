"""Exports' work in the worker."""

from datetime import datetime, timedelta

from app.core.bell import Bell
from app.core.jobs import defer, handles
from app.core.periodic import every
from app.core.settings import Settings
from app.exports import making, queries, sweeping
from app.exports.events import ExportRequested

# Until one looks again whether it is the turn of an export.
LATER = timedelta(seconds=3)


def register(settings: Settings, bell: Bell) -> None:
    """Says who does the work; called once by the worker."""

    async def given_up(event: ExportRequested) -> None:
        await making.give_up(bell, event.export)

    @handles(ExportRequested, at_once=making.AT_ONCE, tries=making.TRIES, given_up=given_up)
    async def make(event: ExportRequested) -> None:
        if await queries.is_first(event.export):
            await making.make(settings, bell, event.export)
        else:
            await defer(event, wait=LATER)

    @every(timedelta(minutes=10), name="sweep exports")
    async def exports_whose_time_is_over(_due: datetime) -> bool:
        return await sweeping.sweep()
