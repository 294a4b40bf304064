"""What the worker does with messages."""

from app.accounts.events import TextsUnwanted
from app.core.jobs import handles
from app.core.settings import Settings
from app.messages import erasing, retention


def register(settings: Settings) -> None:
    """Says who does the work; called once by the worker."""
    retention.register(settings)

    @handles(TextsUnwanted)
    async def erase_what_they_wrote(event: TextsUnwanted) -> None:
        await erasing.erase_texts(event.person)
