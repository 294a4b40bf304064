"""May this person see, or change, this conversation? Every query for a person passes here.

No access is NotFound, the same as missing: that a conversation exists is itself a secret of its members.
"""

from dataclasses import dataclass

from app.accounts.views import Me
from app.conversations import history
from app.core import database
from app.core.errors import Forbidden, NotFound
from app.core.i18n import _

# A membership `m` and its conversation `c`, for the person $1; joined by every query of the package.
# It is there: nobody deleted it, and neither of the two in it has blocked the other.
HERE = "c.deleted_at IS NULL AND NOT c.blocked"
OF_PERSON = f"membership m JOIN conversation c ON c.id = m.conversation AND {HERE}"


@dataclass(frozen=True, slots=True)
class Access:
    """What a member may do: loading is authorising, so whoever holds one has the right to see."""

    conversation: int
    kind: str
    owner: int | None
    person: int
    read_position: int
    position: int
    change: int

    @property
    def is_owner(self) -> bool:
        return self.kind == "group" and self.owner == self.person

    def require_owner(self) -> None:
        """Raises Forbidden for a member who is not the owner, and for what has none."""
        if not self.is_owner:
            raise Forbidden(_("Only the owner of the group may do that."))


async def member(conversation: int, me: Me) -> Access:
    """The access of a member; raises NotFound. Everyone is in the general room: who is new there joins by looking."""
    access = await _find(conversation, me.id)
    if access is None:
        await join_general(me.id, only=conversation)
        access = await _find(conversation, me.id)
    if access is None:
        raise NotFound
    return access


async def _find(conversation: int, person: int) -> Access | None:
    row = await database.fetch_row(
        f"""
        SELECT c.id, c.kind, c.owner, m.person, m.read_position, c.position, c.change
        FROM {OF_PERSON} WHERE m.person = $1 AND m.conversation = $2
        """,
        person,
        conversation,
    )
    return Access(*row) if row else None


async def join_general(person: int, only: int | None = None) -> int | None:
    """Puts the person into the general room if they are not in it; gives its id unless they were in before."""
    async with database.transaction():
        room = await database.fetch_value(
            """
            SELECT c.id FROM conversation c WHERE c.kind = 'general' AND ($2::bigint IS NULL OR c.id = $2)
              AND NOT EXISTS (SELECT FROM membership m WHERE m.conversation = c.id AND m.person = $1)
            """,
            person,
            only,
        )
        if room is None:
            return None
        if await history.enter(room, person):  # or another request of theirs was first
            await history.record(room, person, "joined")
    return int(room)
