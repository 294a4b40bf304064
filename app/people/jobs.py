"""What the worker does for people."""

from app.core.jobs import handles
from app.people import contacts
from app.people.events import ContactAskedByAddress


def register() -> None:
    """Says who does the work; called once by the worker."""

    @handles(ContactAskedByAddress)
    async def ask_whoever_has_the_address(event: ContactAskedByAddress) -> None:
        await contacts.ask_address(event.asker, event.address)
