"""Closing one's account or deleting it: what of a person is in conversations goes with them, or is handed over."""

from contextlib import suppress
from typing import NamedTuple

from app.accounts import bots, leaving
from app.accounts.events import TextsUnwanted
from app.accounts.views import Me
from app.conversations import actions, blocks, history
from app.core import database, jobs
from app.core.errors import Invalid, NotFound
from app.core.i18n import _
from app.core.settings import Settings
from app.people import contacts

CHOICES = ("keep", "delete")


class Left(NamedTuple):
    """What is to be told: the sessions that ended, the conversations in which something changed, and the (person,
    conversation) of those in whose lists a name changed."""

    sessions: list[int]
    conversations: list[int]
    directs: list[tuple[int, int]]


async def close_account(settings: Settings, me: Me, current: str) -> Left:
    """Closes one's account, given the password; what was written stays, under the name, and the groups that they and
    their bots own go to others. Raises Invalid."""
    await leaving.require_proof(settings, me, current)
    async with database.transaction():
        await leaving.hold(me, even_alone=True)
        changed = await actions.hand_all_over(me, [me.id, *await bots.of(me.id)])
        return Left(await leaving.deactivate(me), changed, [])


async def remove_bot(me: Me, bot: int) -> list[int]:
    """Closes a bot: its tokens end, its messages stay under its name, its groups go to others; gives these. Raises
    NotFound unless it is theirs."""
    async with database.transaction():
        await leaving.one_goes()
        await bots.one(me, bot)
        changed = await actions.hand_all_over(me, [bot])
        await bots.close([bot])
    return changed


async def delete_account(settings: Settings, me: Me, current: str, messages: str) -> Left:
    """Deletes one's account, given the password. Of the person nothing stays; of their messages, as they chose, all
    ("keep", without their name) or the places where they were ("delete", which the worker does). Raises Invalid."""
    if messages not in CHOICES:
        raise Invalid(messages=_("Choose what happens to your messages."))
    await leaving.require_proof(settings, me, current)
    async with database.transaction():
        await leaving.hold(me)
        changed = await _leave_all(me)
        changed += await actions.hand_all_over(me, await bots.of(me.id))
        await contacts.forget_all(me.id)
        await blocks.forget_all(me.id)
        if messages == "delete":
            await jobs.defer(TextsUnwanted(me.id))
        directs = await _close_directs(me)
        # Last: it takes the person's row from all who point to it, when nothing is waited for any more.
        ended = await leaving.erase(settings, me)
    return Left(ended, changed, [(row["person"], row["conversation"]) for row in directs])


async def _close_directs(me: Me) -> list[database.Row]:
    """The other ones go on reading them, and write to nobody there: for whoever owns what is closed it is closed (see
    OPEN in `messages/sending`). In one order, for others may leave at this moment too."""
    return await database.fetch(
        """
        WITH mine AS MATERIALIZED (
            SELECT c.id, o.person FROM membership m
            JOIN conversation c ON c.id = m.conversation AND c.kind = 'direct'
            JOIN membership o ON o.conversation = c.id AND o.person <> m.person
            WHERE m.person = $1 ORDER BY c.id FOR NO KEY UPDATE OF c
        )
        UPDATE conversation c SET closed_at = now(), owner = mine.person FROM mine WHERE c.id = mine.id
        RETURNING mine.person, c.id AS conversation
        """,
        me.id,
    )


async def _leave_all(me: Me) -> list[int]:
    """Leaves whatever others are in together; gives where that was told. In direct conversations they stay, for the
    other one goes on reading them."""
    # The memberships first, then the conversations, both in one order: two who leave at once come to no deadlock.
    rows = await database.fetch(
        """
        SELECT m.conversation, c.kind FROM membership m JOIN conversation c ON c.id = m.conversation
        WHERE m.person = $1 AND c.kind <> 'direct' AND c.deleted_at IS NULL
        ORDER BY m.conversation FOR UPDATE OF m
        """,
        me.id,
    )
    for conversation, kind in rows:
        if kind == "group":
            with suppress(NotFound):  # its owner deletes it at this moment
                await actions.remove_member(me, conversation, me.id)
            continue
        await database.fetch("DELETE FROM membership WHERE conversation = $1 AND person = $2", conversation, me.id)
        if kind == "general":
            await history.record(conversation, me.id, "left", subject=me.id)
    return [conversation for conversation, kind in rows if kind != "announcements"]
