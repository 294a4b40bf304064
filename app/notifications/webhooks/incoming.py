"""Webhooks by which other programs post: made, listed, given another secret and removed.

What comes by one is written by a bot of its own, which is in the conversation for everyone to see.
"""

from app.accounts import bots, checks
from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations import access as conversations
from app.conversations import actions, history
from app.core import database, text
from app.core.database import Row
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.security import make_link_token
from app.core.settings import Settings
from app.messages.views import Author
from app.notifications.webhooks import access, signing
from app.notifications.webhooks.views import WebhookView
from app.people.views import shown_name

MOST = 20
# Of one maker, wherever they are: each brings a bot along.
MOST_OF_ONE = 50
COLUMNS = f"""
    w.id, w.conversation, w.name, w.signing_key IS NOT NULL AS signed, w.created_at, w.used_at,
    p.id AS bot, p.username, p.name AS bot_name, {address("p")} AS avatar,
    k.id AS maker, k.username AS maker_username, k.name AS maker_name, {address("k")} AS maker_avatar
"""
FROM = "webhook w JOIN person p ON p.id = w.bot LEFT JOIN person k ON k.id = w.maker"


async def make(settings: Settings, me: Me, conversation: int | None, name: str, signed: bool) -> WebhookView:
    """Another program may post into the conversation; or, where that is None, to people, roles and conversations. With
    `signed` it must sign what it posts. Raises NotFound, Forbidden, Invalid, Conflict."""
    await access.manager(me, conversation)
    name = text.one_line(name)
    if wrong := checks.name_problem(name).get("name"):
        raise Invalid(name=_("Enter a name.") if text.is_blank(name) else wrong)
    may = await conversations.member(conversation, me) if conversation is not None else None
    if may is not None and may.kind == "announcements":
        raise Forbidden(_("Announcements are written by administrators, not by programs."))
    secret, hashed = make_link_token()
    key = signing.make_secret() if signed else None
    async with database.transaction():
        await access.one_after_the_other(me, conversation)
        if await database.fetch_value("SELECT count(*) FROM webhook WHERE maker = $1", me.id) >= MOST_OF_ONE:
            raise Conflict(
                _("You have created %(most)d, which is the limit. Delete one first.") % {"most": MOST_OF_ONE}
            )
        bot = await bots.insert(name)
        # As the staff may: to everyone, also where the rules of a school hold. In a group its owner answers for it.
        role = "student" if may is not None and may.kind == "group" else "teacher"
        username = await database.fetch_value(
            "UPDATE person SET role = $2, language = $3 WHERE id = $1 RETURNING username", bot, role, me.language
        )
        # It reads nothing, so nobody is told that it has, or that it is there.
        await database.fetch(
            "INSERT INTO presence (person, shown_to, tells_receipts) VALUES ($1, 'nobody', false)", bot
        )
        made = await database.fetch_value(
            """
            INSERT INTO webhook (conversation, maker, bot, name, secret_hash, signing_key) SELECT $1, $2, $3, $4, $5, $6
            WHERE (SELECT count(*) FROM webhook WHERE conversation IS NOT DISTINCT FROM $1) < $7 RETURNING id
            """,
            conversation,
            me.id,
            bot,
            name,
            hashed,
            key,
            MOST,
        )
        if made is None:
            raise Conflict(_("The limit of %(most)d is reached. Delete one first.") % {"most": MOST})
        if may is not None and may.kind == "group":
            await actions.add_member(me, may.conversation, username)
        elif may is not None:
            await conversations.join_general(bot, only=may.conversation)
    view = await one(made)
    view.url, view.signing_key = _url(settings, made, secret), key
    return view


def _url(settings: Settings, webhook: int, secret: str) -> str:
    return f"{settings.base_url}/hooks/{webhook}/{secret}"


async def of(conversation: int | None) -> list[WebhookView]:
    """All of a conversation, or of the instance. The caller has proved that it may see them."""
    rows = await database.fetch(
        f"""
        SELECT {COLUMNS} FROM {FROM}
        WHERE w.conversation IS NOT DISTINCT FROM $1 ORDER BY w.id
        """,
        conversation,
    )
    return [_view(row) for row in rows]


async def one(webhook: int) -> WebhookView:
    """A webhook. The caller has proved that it may see it. Raises NotFound."""
    row = await database.fetch_row(f"SELECT {COLUMNS} FROM {FROM} WHERE w.id = $1", webhook)
    if row is None:
        raise NotFound
    return _view(row)


async def renew_secret(settings: Settings, me: Me, conversation: int | None, webhook: int) -> WebhookView:
    """Its address, and its signing key where it has one, are others from now on; who renews it answers for it from now
    on. Raises NotFound, Forbidden."""
    await access.manager(me, conversation)
    secret, hashed = make_link_token()
    key = signing.make_secret()
    row = await database.fetch_row(
        """
        UPDATE webhook SET secret_hash = $3, maker = $5,
            signing_key = CASE WHEN signing_key IS NOT NULL THEN $4 END
        WHERE id = $1 AND conversation IS NOT DISTINCT FROM $2 RETURNING signing_key
        """,
        webhook,
        conversation,
        hashed,
        key,
        me.id,
    )
    if row is None:
        raise NotFound
    view = await one(webhook)
    view.url, view.signing_key = _url(settings, webhook, secret), row["signing_key"]
    return view


async def remove(me: Me, conversation: int | None, webhook: int) -> None:
    """Nothing comes by it any more, and its bot leaves; what it wrote stays. Raises NotFound, Forbidden."""
    await access.manager(me, conversation)
    may = await conversations.member(conversation, me) if conversation is not None else None
    async with database.transaction():
        bot = await database.fetch_value(
            "DELETE FROM webhook WHERE id = $1 AND conversation IS NOT DISTINCT FROM $2 RETURNING bot",
            webhook,
            conversation,
        )
        if bot is None:
            raise NotFound
        left = await database.fetch(
            "DELETE FROM membership WHERE conversation = $1 AND person = $2 RETURNING id", conversation, bot
        )
        if left and may is not None:
            await history.record(may.conversation, bot, "left", subject=bot)
        await bots.close([bot])


def _view(row: Row) -> WebhookView:
    return WebhookView(
        id=row["id"],
        conversation_id=row["conversation"],
        name=row["name"],
        signed=row["signed"],
        created_at=row["created_at"],
        used_at=row["used_at"],
        bot=Author(row["bot"], row["username"], shown_name(row["bot_name"]), row["avatar"], True),
        maker=Author(row["maker"], row["maker_username"], shown_name(row["maker_name"]), row["maker_avatar"])
        if row["maker"] is not None
        else None,
    )
