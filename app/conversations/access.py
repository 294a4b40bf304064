"""May this person see, or change, this conversation? Every query for a person passes here.

No access is NotFound, the same as missing: that a conversation exists is itself a secret of its members.
"""

from dataclasses import dataclass

from app.accounts.views import Me
from app.conversations import history
from app.core import database
from app.core.errors import Forbidden, NotFound
from app.core.i18n import _
from app.people import policy
from app.people.access import visible

# A membership `m` and its conversation `c`, for the person $1; joined by every query of the package.
# It is there: nobody deleted it, and neither of the two in it has blocked the other.
HERE = "c.deleted_at IS NULL AND NOT c.blocked"
OF_PERSON = f"membership m JOIN conversation c ON c.id = m.conversation AND {HERE}"
# Where a membership says that it was put away: never in the list, whatever comes, until its person takes part.
NOT_LISTED = 2**63 - 1


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
    # The place of the last message whose time was over: what is there comes after it.
    kept_after: int = 0
    # Whenever a message in it may look different, this is another (see messages/stretch.py); None: it was not read.
    state: tuple[object, ...] | None = None

    @property
    def is_owner(self) -> bool:
        return self.kind == "group" and self.owner == self.person

    def require_owner(self) -> None:
        """Raises Forbidden for a member who is not the owner, and for what has none."""
        if not self.is_owner:
            raise Forbidden(_("Only the owner of the group can do this."))


async def member(conversation: int, me: Me) -> Access:
    """The access of a member; raises NotFound. Who is new joins by looking: see `join_by_looking`."""
    access = await _find(conversation, me.id)
    if access is None:
        await join_by_looking(me, conversation)
        access = await _find(conversation, me.id)
    if access is None:
        raise NotFound
    return access


async def _find(conversation: int, person: int) -> Access | None:
    row = await database.fetch_row(
        f"""
        SELECT c.id, c.kind, c.owner, m.person, m.read_position, c.position, c.change, c.kept_after
        FROM {OF_PERSON} WHERE m.person = $1 AND m.conversation = $2
        """,
        person,
        conversation,
    )
    return Access(*row) if row else None


async def join_by_looking(me: Me, conversation: int) -> None:
    """Everyone is in the general room and hears the announcements; each of the staff sees what the staff is asked."""
    if not await join_general(me.id, only=conversation) and policy.may_answer(me.policy, me.role):
        async with database.transaction():
            await join_team(conversation, me.id)


async def join_team(conversation: int, person: int) -> bool:
    """Lets one of the team into a support conversation; says whether they may see it. Stands inside a transaction.

    Out of their list, for the team is asked much; what they answer, or are given to look after, comes into it. They are
    out again with their role (by a trigger, in the transaction that takes it) and with a block between them and the
    asker: the locks here make sure that neither is overlooked. A bot is never of it, whatever its role."""
    await database.fetch(
        """
        SELECT id FROM person WHERE id = $2 OR id = (SELECT owner FROM conversation WHERE id = $1 AND kind = 'support')
        ORDER BY id FOR SHARE
        """,
        conversation,
        person,
    )
    may = await database.fetch_value(
        f"""
        SELECT p.id FROM person p, conversation c
        WHERE c.id = $1 AND c.kind = 'support' AND {HERE} AND p.id = $2 AND p.role = ANY($3) AND NOT p.bot
          AND {visible("c.owner")}
          AND EXISTS (SELECT FROM person q WHERE q.id = c.owner AND q.deactivated_at IS NULL)
        """,
        conversation,
        person,
        list(policy.STAFF),
    )
    if may is None:
        return False
    await database.fetch(
        """
        INSERT INTO membership (conversation, person, of_team, archived_position) VALUES ($1, $2, true, $3)
        ON CONFLICT DO NOTHING
        """,
        conversation,
        person,
        NOT_LISTED,
    )
    return True


async def join_general(person: int, only: int | None = None) -> bool:
    """Puts the person into what everyone is in, the general room and the announcements (with `only`, provided that this
    is one of them); says whether they were not there before. Of the announcements the last one is new to them."""
    async with database.transaction():
        rooms = await database.fetch(
            """
            SELECT c.id, c.kind, c.position FROM conversation c
            WHERE c.kind IN ('general', 'announcements') AND ($2::bigint IS NULL OR $2 IN (
                SELECT o.id FROM conversation o WHERE o.kind IN ('general', 'announcements')
              ))
              AND NOT EXISTS (SELECT FROM membership m WHERE m.conversation = c.id AND m.person = $1) ORDER BY c.id
            """,
            person,
            only,
        )
        for room in rooms:
            # Unless another request of theirs was first.
            if room["kind"] == "general" and await history.enter(room["id"], person):
                await history.record(room["id"], person, "joined")
            elif room["kind"] == "announcements":
                await database.fetch(
                    """
                    INSERT INTO membership (conversation, person, read_position) VALUES ($1, $2, $3)
                    ON CONFLICT DO NOTHING
                    """,
                    room["id"],
                    person,
                    max(0, room["position"] - 1),
                )
    return bool(rooms)
