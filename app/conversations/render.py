"""What stands around messages as HTML, made once for all who see the same.

Lists come in one piece: each piece that a template writes costs a step in every template around it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from markupsafe import Markup

from app.accounts.views import Me
from app.conversations.views import ConversationItem, ConversationView, MemberView, PanelView
from app.core import i18n
from app.core.cache import Cache
from app.core.templates import environment

_cache: Cache[Markup] = Cache(most=24_000_000)
# Where the list goes, in what surrounds it. No text that is stored holds it.
MARK = "\0"
# Where a line of it has what is unread: of thousands of lines of a conversation that its members are sent, that is all
# that is not alike.
NUMBER, BADGE = Markup("\0number\0"), Markup("\0badge\0")
# The pages that the frame leads to.
FRAMED = (
    "/conversations/new",
    "/people",
    "/contacts",
    "/mentions",
    "/notifications",
    "/me",
    "/support",
    "/support/new",
)


class MembersShown(Protocol):
    """A view with some of the members of a conversation, and how many there are."""

    id: int
    members: int
    people: list[MemberView]


def sidebar_item(item: ConversationItem, current: int | None, language: str) -> str:
    """One line; `current` is the id of the conversation that is open on the page, or None."""
    open_now = current == item.id
    who = (item.person.id, item.person.name, item.person.avatar) if item.person else None
    own = (item.unread > 0, item.pinned, item.muted_until)
    key = (language, open_now, item.id, item.kind, item.title, item.last_activity_at, who, own)
    found = _cache.get(key)
    if found is None:
        template = environment(language).get_template("conversations/_sidebar_item.html")
        shown = {"number": NUMBER, "badge": BADGE} if item.unread else {"number": 0, "badge": ""}
        found = _cache.keep(key, Markup(template.render(item=item, current=current, **shown)))
    if not item.unread:
        return found
    # As text: Markup would look at each of them for what is to be escaped.
    return str.replace(str.replace(found, NUMBER, str(item.unread)), BADGE, badge(item.unread, language))


@lru_cache(maxsize=1000)
def badge(unread: int, language: str) -> Markup:
    """The number beside a conversation, up to 99, with its words for those who do not see it."""
    words = i18n.catalogue(language).ngettext("%(num)d unread message", "%(num)d unread messages", unread)
    number = "99+" if unread > 99 else str(unread)
    return Markup(
        '<span class="badge"><span aria-hidden="true">{}</span><span class="visually-hidden">{}</span></span>'
    ).format(number, words % {"num": unread})


def sidebar_items(items: list[ConversationItem], current: int | None, language: str) -> Markup:
    """All of these lines."""
    return Markup("".join([sidebar_item(item, current, language) for item in items]))


def sidebar_frame(me: Me, path: str, waiting: int = 0, told: int = 0) -> tuple[Markup, Markup]:
    """What stands before and after the list of conversations on the pages of that person; so much that they were told
    is unread, and for one of the staff so many wait for an answer."""
    language = i18n.current().language
    current = path if path in FRAMED else ""
    key = ("frame", language, me.id, me.name, me.username, me.avatar, me.role, me.policy, current, waiting, told)
    found = _cache.get(key)
    if found is None:
        template = environment(language).get_template("conversations/_sidebar_frame.html")
        found = _cache.keep(key, Markup(template.render(me=me, path=current, items=MARK, waiting=waiting, told=told)))
    before, _mark, after = found.partition(MARK)
    return before, after


def conversation_head(view: ConversationView | PanelView) -> Markup:
    """The header of a conversation, in the language of this request (or stream): the same for all its members."""
    language = i18n.current().language
    person = view.person
    who = (person.id, person.username, person.name, person.avatar) if person else None
    asked = tuple((card.id, card.username, card.name, card.avatar) for card in (view.asker, view.assignee) if card)
    key = ("head", language, view.id, view.kind, view.title, view.members, who, asked, view.closed_at is None)
    found = _cache.get(key)
    if found is None:
        template = environment(language).get_template("conversations/_head.html")
        found = _cache.keep(key, Markup(template.render(view=view)))
    return found


def members_pane(view: MembersShown) -> Markup:
    """The members beside an open conversation, in the language of this request (or stream)."""
    language = i18n.current().language
    people = [(each.id, each.username, each.name, each.avatar, each.owner) for each in view.people]
    key = ("members", language, view.id, view.members, *people)
    found = _cache.get(key)
    if found is None:
        template = environment(language).get_template("conversations/_members_pane.html")
        found = _cache.keep(key, Markup(template.render(view=view)))
    return found


FILTERS: dict[str, Callable[..., object]] = {
    "sidebar_items": sidebar_items,
    "unread_badge": badge,
    "sidebar_frame": sidebar_frame,
    "conversation_head": conversation_head,
    "members_pane": members_pane,
}
