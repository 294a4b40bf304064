"""A message as the database gives it, with what stands right before it, and the view that is made of it."""

from app.accounts.avatars import address
from app.core import database, i18n
from app.messages import markup, quotes
from app.messages.views import Author, Line, MessageView
from app.people.views import shown_name

# The first KEY columns are all that its fragment depends on, beside what never changes.
KEY = 12
# What a system message may tell; see `told`.
EVENTS = {"created", "joined", "added", "removed", "left", "renamed", "handed_over"}
EVENTS |= {"asked", "assigned", "taken", "unassigned", "closed", "reopened", "imported", "audited"}
# Whom it mentions, of those who are still here: the name in its text and the username of today. A text without the
# mark mentions nobody, and costs no look.
NAMED = """
    CASE WHEN strpos(x.body, '@') > 0 THEN (
        SELECT string_agg(n.name || ' ' || p.username, ',' ORDER BY n.name) FILTER (WHERE p.deactivated_at IS NULL)
        FROM mention n JOIN person p ON p.id = n.person WHERE n.message = x.id
    ) END
"""
LINES = f"""
    SELECT x.id, x.change, x.created_at, a.name, a.username, {address("a")} AS avatar, s.name AS subject_name,
           b.author AS before_author, b.created_at AS before_at, b.kind AS before_kind,
           {quotes.OF_X} AS quoted, {NAMED} AS named, x.conversation, x.position,
           x.author, x.kind, x.body, x.edited_at, x.deleted_at, x.event,
           s.id AS subject, s.username AS subject_username, x.of_team, x.mentions_all, a.bot
    FROM message x
    JOIN person a ON a.id = x.author
    LEFT JOIN person s ON s.id = x.subject
    LEFT JOIN message b ON b.conversation = x.conversation AND b.position = x.position - 1
"""


def line(row: database.Row) -> Line:
    """A row of LINES as a message with what stands before it."""
    (
        id_, change, created_at, name, username, avatar, subject_name, before_author, before_at, before_kind,
        quoted, named, conversation, position, author, kind, body, edited_at, deleted_at, event,
        subject, subject_username, of_team, mentions_all, bot,
    ) = row  # fmt: skip
    name, html = shown_name(name), ""
    mentions = markup.NOBODY
    if named or mentions_all:
        mentions = markup.Mentions(tuple(_pair(each) for each in named.split(",")) if named else (), mentions_all)
    if kind == "system":
        body = told(event, name, shown_name(subject_name or ""), body)
    elif deleted_at is None:
        html = markup.render(body, mentions)
    answered = quotes.of_row(quoted) if quoted is not None else None
    message = MessageView(
        id=id_,
        conversation_id=conversation,
        position=position,
        change=change,
        author=Author(author, username, name, avatar, bot),
        kind=kind,
        body=body,
        html=html,
        reply_to=answered.view.id if answered else None,
        created_at=created_at,
        edited_at=edited_at,
        deleted_at=deleted_at,
        event=event,
        subject=Author(subject, subject_username, shown_name(subject_name)) if subject is not None else None,
        of_team=of_team,
        quote=answered.view if answered else None,
        mentions=[username for _name, username in mentions.people],
        mentions_all=mentions_all,
    )
    return Line(message, before_author, before_at, before_kind, answered.change if answered else None)


def _pair(named: str) -> tuple[str, str]:
    name, _space, username = named.partition(" ")
    return name, username


def told(event: str, author: str, subject: str, title: str) -> str:
    """A system message in words, in the language of this request (or stream)."""
    _ = i18n._
    names = {"author": author, "subject": subject, "title": title}
    return {
        "created": _("%(author)s created the group “%(title)s”."),
        "joined": _("%(author)s joined."),
        "added": _("%(author)s added %(subject)s."),
        "removed": _("%(author)s removed %(subject)s."),
        "left": _("%(author)s left."),
        "renamed": _("%(author)s renamed the group to “%(title)s”."),
        "handed_over": _("%(author)s made %(subject)s the owner."),
        "asked": _("%(author)s asked the staff: “%(title)s”") if title else _("%(author)s asked the staff."),
        "assigned": _("%(author)s assigned this to %(subject)s."),
        "taken": _("%(author)s is handling this now."),
        "unassigned": _("%(author)s handed this back to all staff."),
        "closed": _("%(author)s closed this request."),
        "reopened": _("%(author)s reopened this request."),
        "imported": _("%(author)s imported all this from %(title)s."),
        "audited": _("%(author)s exported this conversation for an audit: “%(title)s”"),
    }[event] % names
