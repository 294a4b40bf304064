"""What the worker does for notifications: who is told of what happens among people."""

from datetime import datetime, timedelta

from app.core.bell import Bell
from app.core.jobs import handles
from app.core.periodic import every
from app.notifications import actions, given_up
from app.notifications.given_up import MailGivenUp
from app.notifications.push import devices
from app.people.events import ContactAccepted, ContactRequested, ExportEnded


def register(bell: Bell) -> None:
    """Says who does the work; called once by the worker."""

    async def tell(person: int, kind: str, actor: int) -> None:
        number = await actions.tell(person, kind, actor)
        if number is not None:
            bell.ring("b", person, number)

    @handles(ContactRequested)
    async def tell_who_is_asked(event: ContactRequested) -> None:
        await tell(event.asked, "contact_request", event.asker)

    @handles(ContactAccepted)
    async def tell_who_asked(event: ContactAccepted) -> None:
        await tell(event.asker, "contact_accepted", event.asked)

    @handles(ExportEnded)
    async def tell_who_asked_for_it(event: ExportEnded) -> None:
        number = await actions.tell_of_export(event.person, event.export, event.ready)
        if number is not None:
            bell.ring("b", event.person, number)

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
