"""What changes conversations. One action is one transaction; the caller rings the bell for what it gives back."""

from app.accounts import leaving
from app.accounts.views import Me
from app.conversations import access, blocks, history, permission
from app.core import database, text
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.people import policy
from app.people import queries as people
from app.people.views import PersonCard

LONGEST_TITLE = 100
MOST_AT_ONCE = 100
# Who becomes the owner: of those who may look after a group by the rules ({roles}) whoever has been in longest, else of
# the others; nobody whose account is closed, or is about to be ({going}), and no bot.
HEIR = """
    SELECT m.person FROM membership m JOIN person p ON p.id = m.person AND p.deactivated_at IS NULL AND NOT p.bot
    WHERE m.conversation = {conversation} AND m.person <> ALL({going}::bigint[])
    ORDER BY p.role = ANY({roles}) DESC, m.joined_at, m.person LIMIT 1
"""


async def create_group(me: Me, title: str, usernames: list[str]) -> tuple[int, list[int]]:
    """Makes a group owned by `me`; gives its id and the ids of its people. Raises Invalid, and NotFound when their
    account was closed meanwhile."""
    title, wrong = checked_title(title)
    names = list(dict.fromkeys(name.strip().lower().removeprefix("@") for name in usernames if name.strip()))
    found = await _people(me, names)
    if len(names) > MOST_AT_ONCE:
        wrong["members"] = _("Add at most 100 people at a time.")
    elif missing := [name for name in names if name not in found]:
        wrong["members"] = _("Nobody here has the username %(names)s.") % {"names": ", ".join(missing[:5])}
    if wrong:
        raise Invalid(**wrong)
    permission.require_invitations(me, *(person.role for person in found.values()))
    people_in = list(dict.fromkeys([me.id, *(person.id for person in found.values())]))
    async with database.transaction():
        await leaving.nobody_goes()  # who goes hands over what they own by then, and this would stay without anyone
        conversation: int | None = await database.fetch_value(
            """
            INSERT INTO conversation (kind, title, owner)
            SELECT 'group', $1, id FROM person WHERE id = $2 AND deactivated_at IS NULL RETURNING id
            """,
            title,
            me.id,
        )
        if conversation is None:
            raise NotFound
        await history.record(conversation, me.id, "created", body=title)
        await database.fetch(
            "INSERT INTO membership (conversation, person, read_position) SELECT $1, unnest($2::bigint[]), 1",
            conversation,
            people_in,
        )
    return conversation, people_in


async def open_direct(me: Me, username: str) -> tuple[int, list[int]]:
    """The id of the one direct conversation with that person; and, when it had to be made, the ids of its people.

    Raises NotFound, Invalid."""
    other = await people.person(me, username)
    if other.id == me.id:
        raise Invalid(username=_("This is you. Choose someone else."))
    key = f"{min(me.id, other.id)}:{max(me.id, other.id)}"
    found = await database.fetch_value("SELECT id FROM conversation WHERE direct_key = $1", key)
    if found is not None:
        return int(found), []
    if reason := permission.why_not(me, "direct", None, other.role, everyone_writes=False):
        raise Forbidden(reason)
    people_in = sorted([me.id, other.id])
    async with database.transaction():
        if await blocks.are_apart(me.id, other.id):  # at this very moment
            raise NotFound
        # Whoever comes second waits here for the first, then finds what the first made.
        await database.fetch(
            "INSERT INTO conversation (kind, direct_key, owner) VALUES ('direct', $1, $2) ON CONFLICT DO NOTHING",
            key,
            me.id,
        )
        conversation: int = await database.fetch_value("SELECT id FROM conversation WHERE direct_key = $1", key)
        await database.fetch(
            "INSERT INTO membership (conversation, person) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING",
            conversation,
            people_in,
        )
    return conversation, people_in


async def rename(me: Me, conversation: int, title: str) -> None:
    """Gives a group another title; the owner may. Raises NotFound, Forbidden, Invalid."""
    may = await access.member(conversation, me)
    may.require_owner()
    title, wrong = checked_title(title)
    if wrong:
        raise Invalid(**wrong)
    async with database.transaction():
        await _lock_as_owner(me, conversation)
        changed = await database.fetch_value(
            "UPDATE conversation SET title = $2 WHERE id = $1 AND title <> $2 RETURNING id", conversation, title
        )
        if changed is not None:
            await history.record(conversation, me.id, "renamed", body=title)


async def let_everyone_write(me: Me, conversation: int, everyone: bool) -> None:
    """Opens the general room to all, or to teachers and administrators alone, where the rules of a school hold; an
    administrator may. Raises NotFound, Forbidden."""
    may = await access.member(conversation, me)
    if may.kind != "general" or not me.is_admin:
        raise Forbidden(_("Only an administrator can do this."))
    await database.fetch("UPDATE conversation SET everyone_writes = $2 WHERE id = $1", conversation, everyone)


async def add_member(me: Me, conversation: int, username: str) -> int:
    """Adds a person to a group; the owner may. Adding someone who is in changes nothing. Gives the person's id."""
    may = await access.member(conversation, me)
    may.require_owner()
    try:
        person = await people.person(me, username)
    except NotFound as error:
        raise Invalid(
            username=_("Nobody here has the username %(names)s.") % {"names": username.strip()[:30]}
        ) from error
    permission.require_invitations(me, person.role)
    async with database.transaction():
        entered = await history.enter(conversation, person.id)
        await _lock_as_owner(me, conversation)
        if entered:
            await history.record(conversation, me.id, "added", subject=person.id)
    return person.id


async def remove_member(me: Me, conversation: int, person: int) -> list[int]:
    """Removes someone from a group (the owner may), or leaves it oneself; gives who is out. Raises NotFound, Forbidden.

    Who is removed is out with their bots, by which they would go on reading.

    An owner who leaves hands over to whoever has been in longest; when the last of the people leaves, the group is
    deleted: bots alone are none.
    """
    may = await access.member(conversation, me)
    if may.kind != "group":
        raise Forbidden(_("You cannot leave this conversation."))
    if person != me.id:
        may.require_owner()
    async with database.transaction():
        if person == me.id:
            await leaving.nobody_goes()  # the heir
        removed = await database.fetch_value(
            "DELETE FROM membership WHERE conversation = $1 AND person = $2 RETURNING id", conversation, person
        )
        if removed is None:
            raise NotFound
        if person != me.id:
            bots = await _take_bots_out(conversation, person)
            await _lock_as_owner(me, conversation)
            # Also those that came in while this waited for the lock.
            out = [person, *bots, *await _take_bots_out(conversation, person)]
            for each in out:
                await history.record(conversation, me.id, "removed", subject=each)
            return out
        head = await history.lock(conversation)
        await history.record(conversation, me.id, "left", subject=me.id)
        if head.owner == me.id:
            await _hand_over(me, conversation)
    return [person]


async def _take_bots_out(conversation: int, owner: int) -> list[int]:
    rows = await database.fetch(
        """
        WITH theirs AS MATERIALIZED (
            SELECT m.id FROM membership m JOIN person p ON p.id = m.person AND p.bot_owner = $2
            WHERE m.conversation = $1 AND m.person <> (SELECT c.owner FROM conversation c WHERE c.id = $1)
            ORDER BY m.id FOR UPDATE OF m
        )
        DELETE FROM membership m USING theirs WHERE m.id = theirs.id RETURNING m.person
        """,
        conversation,
        owner,
    )
    return [row["person"] for row in rows]


async def hand_over(me: Me, conversation: int, username: str) -> None:
    """Makes another member the owner. Raises NotFound, Forbidden, Invalid."""
    may = await access.member(conversation, me)
    may.require_owner()
    async with database.transaction():
        await leaving.nobody_goes()
        await _lock_as_owner(me, conversation)
        heir = await database.fetch_row(
            """
            SELECT p.id, p.role FROM membership m JOIN person p ON p.id = m.person
            WHERE m.conversation = $1 AND p.username = $2 AND p.id <> $3 AND p.deactivated_at IS NULL AND NOT p.bot
            """,
            conversation,
            username.strip().lower().removeprefix("@"),
            me.id,
        )
        if heir is None:
            raise Invalid(username=_("Choose a member of the group."))
        if not policy.may_make_groups(me.policy, heir["role"]):
            raise Invalid(username=_("In this school, only teachers and administrators can manage groups."))
        await _set_owner(me, conversation, heir["id"])


async def delete(me: Me, conversation: int) -> None:
    """Deletes a group for everyone; the owner may. Its messages cannot be read by anyone from then on."""
    may = await access.member(conversation, me)
    may.require_owner()
    async with database.transaction():
        await _lock_as_owner(me, conversation)
        await database.fetch("UPDATE conversation SET deleted_at = now() WHERE id = $1", conversation)


async def mark_read(me: Me, conversation: int, position: int) -> bool:
    """Moves the mark of what was read forward, never back nor past the end; says whether it moved. Raises NotFound."""
    moved = await database.fetch_value(
        f"""
        UPDATE membership m SET read_position = least($3, c.position) FROM conversation c
        WHERE m.conversation = $1 AND m.person = $2 AND c.id = m.conversation AND {access.HERE}
          AND m.read_position < least($3, c.position) RETURNING m.id
        """,
        conversation,
        me.id,
        position,
    )
    if moved is None:
        await access.member(conversation, me)
    return moved is not None


async def _lock_as_owner(me: Me, conversation: int) -> None:
    """Takes the lock and asks once more who the owner is: while this waited, the group may have been handed over."""
    head = await history.lock(conversation)
    if head.owner != me.id:
        raise Forbidden(_("Only the owner of the group can do this."))


async def _hand_over(me: Me, conversation: int) -> None:
    heir = await database.fetch_value(
        HEIR.format(conversation="$1", roles="$2", going="$3"), conversation, _who_may_own(me), [me.id]
    )
    if heir is None:
        await database.fetch("UPDATE conversation SET deleted_at = now(), owner = NULL WHERE id = $1", conversation)
    else:
        await _set_owner(me, conversation, heir)


async def hand_all_over(me: Me, going: list[int]) -> list[int]:
    """What those own whose accounts are about to be closed, `me` and bots, goes to the heirs; gives the groups. Where
    nobody is who could be one, all stays as it is. Stands inside a transaction in which nobody else goes."""
    # Waited for by a statement of its own: the next one sees who left meanwhile. In one order, see `leaving`.
    rows = await database.fetch(
        """
        SELECT id FROM conversation WHERE owner = ANY($1) AND kind = 'group' AND deleted_at IS NULL
        ORDER BY id FOR NO KEY UPDATE
        """,
        going,
    )
    handed = await database.fetch(
        f"""
        WITH heirs AS MATERIALIZED (
            SELECT c.id, c.owner, h.person FROM conversation c
            CROSS JOIN LATERAL ({HEIR.format(conversation="c.id", roles="$3", going="$2")}) h WHERE c.id = ANY($1)
        ), bumped AS (
            UPDATE conversation c SET owner = h.person, change = change + 1, position = position + 1,
                   last_activity_at = clock_timestamp()
            FROM heirs h WHERE c.id = h.id
            RETURNING c.id, c.change, c.position, c.last_activity_at, h.owner AS actor, h.person
        )
        INSERT INTO message (conversation, position, change, author, kind, event, subject, body, created_at)
        SELECT id, position, change, actor, 'system', 'handed_over', person, '', last_activity_at FROM bumped
        RETURNING conversation
        """,
        [row["id"] for row in rows],
        going,
        _who_may_own(me),
    )
    return [row["conversation"] for row in handed]


def _who_may_own(me: Me) -> list[str]:
    return [role for role in policy.ROLES if policy.may_make_groups(me.policy, role)]


async def _set_owner(me: Me, conversation: int, heir: int) -> None:
    await database.fetch("UPDATE conversation SET owner = $2 WHERE id = $1", conversation, heir)
    await history.record(conversation, me.id, "handed_over", subject=heir)


async def _people(me: Me, usernames: list[str]) -> dict[str, PersonCard]:
    """Those of the usernames that this person can see, in one query."""
    wanted = [name for name in usernames[: MOST_AT_ONCE + 1] if text.storable(name)]
    return {card.username: card for card in await people.people_called(me, wanted)}


def checked_title(title: str, missing: str = "") -> tuple[str, dict[str, str]]:
    """The title as it will be kept, and what is wrong with it; `missing` is said where there is none."""
    if not text.storable(title):
        return title, {"title": _("This contains a character that cannot be stored.")}
    title = text.one_line(title)
    if text.is_blank(title):
        return title, {"title": missing or _("Enter a name for the group.")}
    if len(title) > LONGEST_TITLE:
        return title, {"title": _("Use at most 100 characters.")}
    return title, {}
