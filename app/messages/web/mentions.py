"""Where one is mentioned, and whom one can mention."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from app.accounts.views import Me
from app.core.page import Page
from app.messages import mentions
from app.messages.views import MentionsView, NamedView

Before = Annotated[int | None, Parameter(ge=0, le=2**62)]
Limit = Annotated[int, Parameter(ge=1, le=100)]


@get("/mentions")
async def mine(me: Me, before: Before = None, limit: Limit = 50) -> Page[MentionsView]:
    return Page("messages/mentions.html", await mentions.mine(me, before, limit), partial="messages/_mentions.html")


@get("/conversations/{conversation_id:int}/mentionable")
async def mentionable(conversation_id: int, me: Me, q: str = "") -> Page[NamedView]:
    """For a composer that completes names: programs and scripts ask for JSON; nobody else needs it."""
    return Page("messages/mentionable.html", await mentions.suggested(conversation_id, me, q))


HANDLERS = [mine, mentionable]
