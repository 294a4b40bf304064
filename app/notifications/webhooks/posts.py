"""What other programs post, and where it goes: into a conversation, to a person, to all of a role."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4, uuid5

import msgspec
import structlog

from app.accounts.views import Me
from app.conversations import actions as conversations
from app.conversations.body import checked_body
from app.core import database, jobs, text
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.core.i18n import _
from app.core.settings import Settings
from app.messages import actions
from app.notifications.webhooks.admission import Admitted, speaker
from app.notifications.webhooks.events import PostedToRole
from app.notifications.webhooks.views import Accepted
from app.people.policy import ROLES

log = structlog.get_logger()
Ring = Callable[[str, int], None]
LONGEST_TITLE, LONGEST_LINK, LONGEST_KEY = 200, 2000, 200
SEVERITIES = ("info", "warning", "critical")
_KEYS = UUID("b0f6f5c8-8d5b-4b59-9c53-6f3a0c6e8a11")
# People to whom one step of the job hands it on.
STEP = 50


class To(msgspec.Struct, forbid_unknown_fields=True):
    """One of these: a username, a role, the id of a conversation."""

    person: str | None = None
    role: str | None = None
    conversation: int | str | None = None


class Post(msgspec.Struct):
    """`severity`: info, warning or critical. `key`: the same key is the same post. `to`, where the webhook is of the
    instance: `{"person": "mina"}`, `{"role": "parent"}` or `{"conversation": 7}`; in a form `person:mina` and so on."""

    title: str | None = None
    text: str | None = None
    link: str | None = None
    severity: str | None = None
    key: str | None = None
    to: To | str | None = None


class Target(NamedTuple):
    kind: str
    name: str


async def take(settings: Settings, admitted: Admitted, post: Post, key: str, ring: Ring) -> Accepted:
    """Hands the post on. Raises Invalid that names each field that is wrong, Forbidden, Conflict."""
    wrong: dict[str, str] = {}
    target = _target(admitted, post.to, wrong)
    body = _body(settings, post, wrong)
    unique = _key(admitted.id, key or post.key or "", wrong)
    if wrong or target is None:
        raise Invalid(**wrong)
    if target.kind == "role":
        return await _to_role(admitted, target.name, body, unique)
    if target.kind == "person":
        conversation, people = await _direct(admitted.bot, target.name)
        for person in people:
            ring("p", person)
    else:
        conversation = int(target.name)
        if admitted.conversation is None:
            await _require_place(admitted.bot, conversation)
    try:
        message = await actions.send(settings, admitted.bot, conversation, body, str(unique))
    except NotFound as error:
        if target.kind == "person":
            raise _unwanted() from error
        if admitted.conversation is None:
            raise _not_in() from error
        raise Forbidden(_("The bot of the webhook is no longer in the conversation.")) from error
    ring("c", conversation)
    return Accepted(message.id, conversation)


def _target(admitted: Admitted, to: To | str | None, wrong: dict[str, str]) -> Target | None:
    if admitted.conversation is not None:
        if to:
            wrong["to"] = _("This webhook can only post to its own conversation.")
        return Target("conversation", str(admitted.conversation))
    if isinstance(to, str):
        kind, _colon, name = to.partition(":")
        found = [(kind, name)] if kind in ("person", "role", "conversation") else []
    else:
        found = [(k, str(v)) for k, v in msgspec.structs.asdict(to or To()).items() if v is not None]
    if len(found) != 1:
        wrong["to"] = _("Name a recipient: a person, a role or a conversation.")
        return None
    target = Target(*found[0])
    if target.kind == "role" and target.name not in ROLES:
        wrong["to"] = _("Choose one of the roles: %(roles)s.") % {"roles": ", ".join(ROLES)}
    number = target.name if target.kind == "conversation" else "0"
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        wrong["to"] = _("Identify a conversation by its number.")
    return target


def _body(settings: Settings, post: Post, wrong: dict[str, str]) -> str:
    """One text for all readers, on every screen and in every export: the severity in words and the title, bold; the
    text; the link on a line of its own."""
    title, said, link = (post.title or "").strip(), (post.text or "").strip(), (post.link or "").strip()
    for name, value in (("title", title), ("text", said), ("link", link)):
        if not text.storable(value):
            wrong[name] = _("This contains a character that cannot be stored.")
    severity = post.severity or "info"
    if severity not in SEVERITIES:
        wrong["severity"] = _("Choose one of: %(choices)s.") % {"choices": ", ".join(SEVERITIES)}
    if len(title) > LONGEST_TITLE:
        wrong["title"] = _("Use at most %(most)d characters.") % {"most": LONGEST_TITLE}
    if text.is_blank(title) and text.is_blank(said):
        wrong.setdefault("title", _("A title or a text is required."))
    if link and not _is_link(link):
        wrong["link"] = _("This is not an address that starts with https:// or http://.")
    if wrong:
        return ""
    title = text.one_line(title).replace("*", "∗")  # a star would end the bold print
    words = {"warning": "⚠️ " + _("Warning"), "critical": "🛑 " + _("Critical")}.get(severity)
    head = f"{words}: {title}" if words and title else words or title
    body = "\n".join(part for part in (f"**{head}**" if head else "", said, link) if part)
    try:
        return checked_body(settings, body)
    except Invalid as error:
        wrong["text"] = error.fields["body"]
        return ""


def _is_link(link: str) -> bool:
    try:
        parts = urlsplit(link)
        named = bool(parts.hostname)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and named
        and len(link) <= LONGEST_LINK
        and link.isprintable()
        and " " not in link
    )


def _key(webhook: int, key: str, wrong: dict[str, str]) -> UUID:
    if not key:
        return uuid4()
    if len(key) > LONGEST_KEY or not text.storable(key):
        wrong["key"] = _("Use at most %(most)d characters.") % {"most": LONGEST_KEY}
        return uuid4()
    return uuid5(_KEYS, f"{webhook}:{key}")


async def _direct(bot: Me, username: str) -> tuple[int, list[int]]:
    try:
        return await conversations.open_direct(bot, username)
    except (NotFound, Invalid) as error:
        raise _unwanted() from error


async def _require_place(bot: Me, conversation: int) -> None:
    """To send is to come in where one may come in by looking: a bot comes into the general room alone. Raises
    Invalid."""
    found = await database.fetch_value(
        """
        SELECT EXISTS (SELECT FROM membership WHERE conversation = $1 AND person = $2)
            OR EXISTS (SELECT FROM conversation WHERE id = $1 AND kind = 'general')
        """,
        conversation,
        bot.id,
    )
    if not found:
        raise _not_in()


def _not_in() -> Invalid:
    return Invalid(
        to=_("The bot of the webhook is not in that conversation. The owner of the conversation can add it.")
    )


def _unwanted() -> Invalid:
    """That somebody is not there and that they blocked it are told alike."""
    return Invalid(to=_("Nobody here has this name, or they do not accept posts from this webhook."))


async def _to_role(admitted: Admitted, role: str, body: str, key: UUID) -> Accepted:
    """Kept together with the job that hands it on: it goes to all of them, or was never accepted."""
    async with database.transaction():
        post = await database.fetch_value(
            """
            INSERT INTO webhook_post (webhook, key, role, body) VALUES ($1, $2, $3, $4)
            ON CONFLICT (webhook, key) DO NOTHING RETURNING id
            """,
            admitted.id,
            key,
            role,
            body,
        )
        if post is not None:
            await jobs.defer(PostedToRole(post))
            return Accepted(None, None, "accepted")
    same = await database.fetch_value(
        "SELECT role = $3 AND body = $4 FROM webhook_post WHERE webhook = $1 AND key = $2", admitted.id, key, role, body
    )
    if not same:
        raise Conflict(_("This key has already been used for another message."))
    return Accepted(None, None, "accepted")


async def hand_on(settings: Settings, event: PostedToRole) -> None:
    """One step of what was posted to a role: to the next of those who have it, each once by a key of their own; then
    the next step. Who wants nothing from it is passed over."""
    row = await database.fetch_row(
        """
        SELECT t.key, t.role AS wanted, t.body, p.id, p.username, p.name, p.role, p.language, p.time_zone, p.created_at
        FROM webhook_post t JOIN webhook w ON w.id = t.webhook JOIN person p ON p.id = w.bot
        JOIN person m ON m.id = w.maker AND m.role = 'admin' AND m.deactivated_at IS NULL
        WHERE t.id = $1 AND p.deactivated_at IS NULL
        """,
        event.post,
    )
    if row is None:  # it was removed meanwhile, or its maker is no administrator any more
        return
    bot = speaker(settings, row)
    people = await database.fetch(
        """
        SELECT id, username FROM person WHERE role = $1 AND id > $2 AND deactivated_at IS NULL AND NOT bot
        ORDER BY id LIMIT $3
        """,
        row["wanted"],
        event.after,
        STEP,
    )
    for reader, username in people:
        try:
            conversation, _people = await conversations.open_direct(bot, username)
            await actions.send(settings, bot, conversation, row["body"], str(uuid5(row["key"], str(reader))))
        except DomainError as error:
            log.info("webhook post passed over", person=reader, error=type(error).__name__)
    if len(people) == STEP:
        await jobs.defer(PostedToRole(event.post, people[-1]["id"]))
