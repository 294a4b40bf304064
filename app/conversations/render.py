"""Lines of the sidebar as HTML, made once for all who see the same: most pages show most lines as they were."""

from markupsafe import Markup

from app.conversations.views import ConversationItem
from app.core.templates import environment

_MOST = 20_000
_cache: dict[tuple[object, ...], Markup] = {}


def sidebar_item(item: ConversationItem, current: int | None, language: str) -> Markup:
    """One line; `current` is the id of the conversation that is open on the page, or None."""
    open_now = current == item.id
    who = (item.person.id, item.person.name) if item.person else None
    key = (language, open_now, item.id, item.kind, item.title, item.unread, item.last_activity_at, who)
    found = _cache.get(key)
    if found is None:
        if len(_cache) >= _MOST:  # the oldest quarter goes: a dict keeps the order of insertion
            for old in list(_cache)[: _MOST // 4]:
                del _cache[old]
        template = environment(language).get_template("conversations/_sidebar_item.html")
        found = _cache[key] = Markup(template.render(item=item, current=current))
    return found
