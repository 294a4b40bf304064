"""Coming into a group by its code: a link that the owner hands out, with an end and a number of uses."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.accounts.views import Me
from app.conversations import access, history, permission
from app.conversations.queries import many
from app.conversations.views import CodeView, InvitationView
from app.core import database
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.people import policy
from app.people.access import visible

LASTS = {"day": timedelta(days=1), "week": timedelta(weeks=1), "month": timedelta(days=30), "ever": None}
MOST_USES = 1000
# A code that opens, for the person $2: it has not ended, its group is there, its owner may bring them in (neither has
# blocked the other), and they were not removed since it was made: neither they nor, of a bot, its owner, nor their
# bots.
OPENS = f"""
    join_code j JOIN conversation c ON c.id = j.conversation AND {access.HERE}
    JOIN person p ON p.id = c.owner AND {visible("$2")}
    WHERE j.code = $1 AND (j.expires_at IS NULL OR j.expires_at > now()) AND (j.uses_left IS NULL OR j.uses_left > 0)
      AND NOT EXISTS (
        SELECT FROM person me JOIN person q
          ON q.id = coalesce(me.bot_owner, me.id) OR q.bot_owner = coalesce(me.bot_owner, me.id)
        JOIN message x ON x.subject = q.id
        WHERE me.id = $2 AND x.conversation = c.id AND x.event = 'removed' AND x.created_at > j.created_at
      )
"""


class Code(NamedTuple):
    """A code that opens."""

    conversation: int
    owner_role: str
    title: str
    members: int


async def code_of(me: Me, conversation: int) -> CodeView | None:
    """The code of a group as its owner sees it; None when there is none that opens. Raises NotFound, Forbidden."""
    (await access.member(conversation, me)).require_owner()
    row = await database.fetch_row(
        """
        SELECT code, created_at, expires_at, uses_left FROM join_code WHERE conversation = $1
          AND (expires_at IS NULL OR expires_at > now()) AND (uses_left IS NULL OR uses_left > 0)
        """,
        conversation,
    )
    return CodeView(**row) if row else None


async def renew(me: Me, conversation: int, lasts: str, uses: int | str | None) -> CodeView:
    """Makes a new code, which ends the one before; for a "day", a "week", a "month" or "ever", and for so many people
    or (None, or an empty text) for all. Raises NotFound, Forbidden, Invalid."""
    (await access.member(conversation, me)).require_owner()
    permission.require_invitations(me)
    wrong = {}
    if lasts not in LASTS:
        wrong["lasts"] = _("Choose how long the link is valid.")
    if uses in (None, ""):
        uses = None
    elif not str(uses).isdecimal() or not 1 <= int(str(uses)[:9]) <= MOST_USES:
        wrong["uses"] = _("Enter a number from 1 to %(most)d, or leave it empty.") % {"most": MOST_USES}
    if wrong:
        raise Invalid(**wrong)
    time = LASTS[lasts]
    row = await database.fetch_row(
        """
        INSERT INTO join_code (conversation, code, expires_at, uses_left) VALUES ($1, $2, $3, $4)
        ON CONFLICT (conversation) DO UPDATE SET
            code = excluded.code, created_at = now(), expires_at = excluded.expires_at, uses_left = excluded.uses_left
        RETURNING code, created_at, expires_at, uses_left
        """,
        conversation,
        secrets.token_urlsafe(16),
        datetime.now(UTC) + time if time else None,
        int(uses) if uses is not None else None,
    )
    assert row is not None
    return CodeView(**row)


async def withdraw(me: Me, conversation: int) -> None:
    """Ends the code of a group; where there is none, nothing changes. Raises NotFound, Forbidden."""
    (await access.member(conversation, me)).require_owner()
    await database.fetch("DELETE FROM join_code WHERE conversation = $1", conversation)


async def invitation(me: Me, code: str) -> InvitationView:
    """What a code opens, for who thinks about it. Raises NotFound."""
    found = await _opens(me, code)
    inside = await database.fetch_value(
        "SELECT EXISTS (SELECT FROM membership WHERE conversation = $1 AND person = $2)", found.conversation, me.id
    )
    return InvitationView(code, found.title, found.members, found.conversation if inside else None)


async def join(me: Me, code: str) -> int:
    """Comes in; gives the id of the group. Who is in it already uses nothing up. Raises NotFound."""
    async with database.transaction():
        found = await _opens(me, code)
        if not await history.enter(found.conversation, me.id):
            return found.conversation
        await _opens(me, code)  # while this waited for the lock, the owner may have removed whose bot it is
        # The row is locked by now: of two who come for the last place one is too late.
        used = await database.fetch_value(
            """
            UPDATE join_code SET uses_left = uses_left - 1
            WHERE code = $1 AND (expires_at IS NULL OR expires_at > now()) AND (uses_left IS NULL OR uses_left > 0)
            RETURNING id
            """,
            code,
        )
        if used is None:
            raise NotFound
        await history.record(found.conversation, me.id, "joined")
    return found.conversation


async def _opens(me: Me, code: str) -> Code:
    row = await database.fetch_row(
        f"""
        SELECT c.id, p.role, c.title, {many("c")} FROM {OPENS}
        """,
        code[:100],
        me.id,
    )
    if row is None:
        raise NotFound
    found = Code(*row)
    # By the rules of now, whatever they were when the link was handed out.
    by_policy = policy.may_make_groups(me.policy, found.owner_role)
    if not by_policy or not policy.may_write_to(me.policy, found.owner_role, me.role):
        raise NotFound
    return found
