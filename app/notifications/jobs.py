"""What the worker does for notifications: who is told of what happens among people."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from app.core import database
from app.core.bell import Bell
from app.core.jobs import handles, is_first_run
from app.core.periodic import every
from app.notifications import actions, given_up
from app.notifications.given_up import MailGivenUp
from app.notifications.push import devices
from app.people.events import ContactAccepted, ContactRequested, ExportEnded


def register(bell: Bell) -> None:
    """Says who does the work; called once by the worker."""

    async def once(person: int, telling: Callable[[], Awaitable[int | None]]) -> None:
        """A worker that is killed leaves the job to the next, who tells it no second time to who has read or deleted it
        meanwhile."""
        async with database.transaction():
            number = await telling() if await is_first_run() else None
        if number is not None:
            bell.ring("b", person, number)

    @handles(ContactRequested)
    async def tell_who_is_asked(event: ContactRequested) -> None:
        await once(event.asked, lambda: actions.tell(event.asked, "contact_request", event.asker))

    @handles(ContactAccepted)
    async def tell_who_asked(event: ContactAccepted) -> None:
        await once(event.asker, lambda: actions.tell(event.asker, "contact_accepted", event.asked))

    @handles(ExportEnded)
    async def tell_who_asked_for_it(event: ExportEnded) -> None:
        await once(event.person, lambda: actions.tell_of_export(event.person, event.export, event.ready))

    @handles(MailGivenUp, at_once=1)  # each sees whether the one before has brought back a summary
    async def send_after_all(event: MailGivenUp) -> None:
        await given_up.again(event)

    @every(timedelta(hours=6), name="sweep notifications")
    async def what_was_told_long_ago(_due: datetime) -> bool:
        mails = await given_up.sweep()
        return await actions.sweep() or mails

    @every(timedelta(hours=1), name="sweep devices")
    async def devices_whose_session_is_over(_due: datetime) -> None:
        await devices.sweep()
