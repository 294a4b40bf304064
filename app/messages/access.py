"""May this person see, or change, this message? Every query for a person passes here or `conversations/access`."""

from dataclasses import dataclass

from app.accounts.views import Me
from app.conversations import access as conversations
from app.conversations.access import HERE
from app.core import database
from app.core.errors import Forbidden, NotFound
from app.core.i18n import _


@dataclass(frozen=True, slots=True)
class MessageAccess:
    """A message of a conversation that the person is in."""

    id: int
    conversation: int
    position: int
    mine: bool
    kind: str
    deleted: bool
    # Of its conversation.
    where: str

    def require_mine(self) -> None:
        """Raises Forbidden unless the person wrote it; NotFound when it is gone already."""
        if not self.mine or self.kind == "system":
            raise Forbidden(_("Only the author of a message can change it."))
        if self.deleted:
            raise NotFound


async def message(message_id: int, me: Me, *, enter: bool = True) -> MessageAccess:
    """The access of a reader; raises NotFound, whether it does not exist or is in a conversation of others. Whoever may
    come in by looking does so by this, with `enter`."""
    found = await _find(message_id, me)
    if found is None and enter:
        conversation = await database.fetch_value("SELECT conversation FROM message WHERE id = $1", message_id)
        await conversations.member(conversation or 0, me)
        found = await _find(message_id, me)
    if found is None:
        raise NotFound
    return found


async def _find(message_id: int, me: Me) -> MessageAccess | None:
    row = await database.fetch_row(
        f"""
        SELECT x.id, x.conversation, x.position, x.author = $2 AS mine, x.kind, x.deleted_at IS NOT NULL AS deleted,
               c.kind AS where
        FROM message x JOIN membership m ON m.conversation = x.conversation AND m.person = $2
        JOIN conversation c ON c.id = x.conversation AND {HERE}
        WHERE x.id = $1
        """,
        message_id,
        me.id,
    )
    return MessageAccess(*row) if row else None
