"""Lines of the sidebar and of the members as HTML, made once for all who see the same.

Lists come in one piece: each piece that a template writes costs a step in every template around it.
"""

from markupsafe import Markup

from app.conversations.views import ConversationItem, MemberView
from app.core import i18n
from app.core.cache import Cache
from app.core.templates import environment

_cache: Cache[Markup] = Cache(most=24_000_000)


def sidebar_item(item: ConversationItem, current: int | None, language: str) -> Markup:
    """One line; `current` is the id of the conversation that is open on the page, or None."""
    open_now = current == item.id
    who = (item.person.id, item.person.name) if item.person else None
    own = (item.unread, item.pinned, item.muted_until)
    key = (language, open_now, item.id, item.kind, item.title, item.last_activity_at, who, own)
    found = _cache.get(key)
    if found is None:
        template = environment(language).get_template("conversations/_sidebar_item.html")
        found = _cache.keep(key, Markup(template.render(item=item, current=current)))
    return found


def sidebar_items(items: list[ConversationItem], current: int | None, language: str) -> Markup:
    """All of these lines."""
    return Markup("".join([sidebar_item(item, current, language) for item in items]))


def member_items(people: list[MemberView]) -> Markup:
    """The members beside an open conversation, in the language of this request (or stream)."""
    language = i18n.current().language
    key = (language, *[(person.id, person.username, person.name, person.owner) for person in people])
    found = _cache.get(key)
    if found is None:
        template = environment(language).get_template("conversations/_member_items.html")
        found = _cache.keep(key, Markup(template.render(people=people)))
    return found
