"""What people do with messages: send, edit, delete. The caller rings the bell after each."""

from uuid import UUID, uuid4

from app.accounts.views import Me
from app.conversations import access as conversations
from app.conversations import support
from app.conversations.body import checked_body
from app.conversations.queries import require_writer
from app.core import database
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.settings import Settings
from app.messages import access, markup, mentions, queries, quotes, sending, statements
from app.messages.lines import line
from app.messages.sending import Draft
from app.messages.views import Author, MessageView


async def send(
    settings: Settings, me: Me, conversation: int, body: str, key: str = "", reply_to: int | None = None
) -> MessageView:
    """Sends a message and gives it back once it is kept. The same key with the same text gives the same message.

    Raises NotFound, Invalid, and Conflict for a key that was used for another text.
    """
    body = checked_body(settings, body)
    unique = _checked_key(key)
    if me.role == "admin" and not me.is_admin:  # the statement that keeps it asks for the role alone, not for scopes
        await require_writer(conversation, me)
    answered = None
    if reply_to is not None:
        await conversations.member(conversation, me)  # first: which message is where is a secret of its members
        answered = await quotes.answerable(conversation, reply_to)
        # A reply that is kept stays kept, when what it answers was deleted before it was tried again.
        if answered is None and not await sending.earlier(conversation, Draft(me.id, unique, body, reply_to)):
            raise Invalid(reply_to=_("The message you are replying to no longer exists."))
    names, every = mentions.asked(me, body)
    people = await mentions.named(conversation, me, names)
    sent = await sending.send(conversation, Draft(me.id, unique, body, reply_to, me.policy, people, every))
    if sent is None:
        # Not in it, unless they enter it by this (newcomers the general room, the team what it is asked); or not
        # allowed to write in it; or they have more to ask after it was closed.
        await require_writer(conversation, me)
        await support.reopen_by_asking(me, conversation)
        sent = await sending.send(conversation, Draft(me.id, unique, body, reply_to, me.policy, people, every))
    if sent is None:
        raise NotFound
    if sent.again:
        row = await queries.one(sent.id)
        assert row is not None
        return line(row).message
    return MessageView(
        id=sent.id,
        conversation_id=conversation,
        position=sent.position,
        change=sent.change,
        author=Author(me.id, me.username, me.name, me.avatar, me.bot),
        kind="text",
        body=body,
        html=markup.render(body, markup.Mentions(tuple((name, name) for name in people.values()), sent.mentions_all)),
        reply_to=reply_to if answered else None,
        created_at=sent.created_at,
        edited_at=None,
        deleted_at=None,
        of_team=sent.of_team,
        quote=answered.view if answered else None,
        mentions=list(people.values()),
        mentions_all=sent.mentions_all,
    )


async def edit(settings: Settings, me: Me, message_id: int, body: str) -> MessageView:
    """Changes the text of one's own message; the same text changes nothing. Raises NotFound, Forbidden, Invalid."""
    may = await access.message(message_id, me)
    may.require_mine()
    await require_writer(may.conversation, me)
    body = checked_body(settings, body)
    names, every = mentions.asked(me, body)
    people = await mentions.named(may.conversation, me, names)
    changed = await database.fetch_value(
        f"""
        WITH {_target("x.body <> $2")}, changed AS (
            UPDATE message x SET body = $2, edited_at = now(), change = b.change,
                   mentions_all = {statements.TO_ALL.format(every="$3::int", author="x.author")}
            FROM bumped b WHERE x.id = $1 RETURNING x.id
        ), {mentions.REPLACED}
        SELECT id FROM changed
        """,
        message_id,
        body,
        every,
        list(people),
        list(people.values()),
        names,
    )
    return await _now(message_id, me, changed is not None)


async def delete(me: Me, message_id: int) -> MessageView:
    """Deletes one's own message: its place stays, its text is gone for good. Raises NotFound, Forbidden."""
    may = await access.message(message_id, me)
    may.require_mine()
    if may.where == "announcements" and not me.is_admin:  # a token without that scope, or one of the admins before
        raise Forbidden(_("Only an administrator can do this."))
    changed = await database.fetch_value(
        f"""
        WITH {_target("true")}, forgotten AS (DELETE FROM mention n USING bumped b WHERE n.message = $1)
        UPDATE message x SET body = '', deleted_at = now(), change = b.change, mentions_all = false FROM bumped b
        WHERE x.id = $1 RETURNING x.id
        """,
        message_id,
    )
    return await _now(message_id, me, changed is not None)


def _target(condition: str) -> str:
    """The message $1, if it is there and its author is in the conversation, locked; then the next change number.

    The locks come first: of two changes at once the second looks again at what the first has left, and whoever was
    removed meanwhile changes nothing. So no number is taken without a change that bears it.
    """
    return f"""
        target AS MATERIALIZED (
            SELECT x.conversation FROM message x
            JOIN membership m ON m.conversation = x.conversation AND m.person = x.author
            WHERE x.id = $1 AND x.deleted_at IS NULL AND {condition} FOR NO KEY UPDATE OF x FOR KEY SHARE OF m
        ), bumped AS (
            UPDATE conversation c SET change = c.change + 1 FROM target t
            WHERE c.id = t.conversation AND {conversations.HERE} RETURNING c.change, {statements.KEEPER}
        )
    """


def _checked_key(key: str) -> UUID:
    if not key:
        return uuid4()
    try:
        return UUID(key)
    except ValueError as error:
        raise Invalid(key=_("The key must be a UUID.")) from error


async def _now(message_id: int, me: Me, changed: bool) -> MessageView:
    if not changed:  # the same text; or it is gone, or its author is, since access was given
        (await access.message(message_id, me, enter=False)).require_mine()
    row = await queries.one(message_id)
    if row is None:
        raise NotFound
    return line(row).message
