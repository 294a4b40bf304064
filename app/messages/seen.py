"""Of one's own messages: who has received and who has read them."""

from collections.abc import Sequence

from markupsafe import Markup

from app.accounts.views import Me
from app.conversations import receipts
from app.conversations.views import ReceiptView
from app.core.database import Row
from app.core.i18n import _
from app.messages import access
from app.messages.views import MessageView, SeenView


async def seen(message_id: int, me: Me) -> SeenView:
    """Raises NotFound, and Forbidden for the message of someone else."""
    may = await access.message(message_id, me)
    may.require_mine()
    found = await receipts.of_others(may.conversation, me)
    read = [each.person for each in found if each.read >= may.position]
    delivered = [each.person for each in found if each.read < may.position <= each.delivered]
    counted = bool(await receipts.counted([may.conversation]))
    return SeenView(message_id, may.conversation, may.position, read, delivered, counted)


async def told(conversation: int, me: Me, messages: Sequence[MessageView]) -> list[ReceiptView]:
    """Writes into one's own of these messages how far they have come; gives how far the others are."""
    mine = [message for message in messages if message.author.id == me.id and message.kind != "system"]
    found = await receipts.of_others(conversation, me) if mine else []
    for message in mine:
        message.status = receipts.status(found, message.position)
    return found


def own_last(rows: Sequence[Row], me: Me) -> Row | None:
    """The last thing that was said, if it was said by the reader, of the end of a conversation."""
    last = next((row for row in reversed(rows) if row["kind"] != "system" and row["deleted_at"] is None), None)
    return last if last is not None and last["author"] == me.id else None


def words(found: Sequence[ReceiptView], position: int, direct: bool) -> Markup:
    """Of one's own last message, as static/js/receipts.js says it."""
    read = [each.person.name for each in found if each.read >= position]
    names = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in zip("ab", read, strict=False)}
    if direct and read:
        return Markup(_("Read"))
    if len(read) == 1:
        return Markup(_("Read by {a}")).format(**names)
    if len(read) == 2:
        return Markup(_("Read by {a} and {b}")).format(**names)
    if read:
        return Markup(_("Read by {a} and {n} more")).format(n=len(read) - 1, **names)
    return Markup(_("Delivered") if any(each.delivered >= position for each in found) else _("Sent"))
