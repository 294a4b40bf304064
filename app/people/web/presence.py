"""Who is there, and what one tells of oneself."""

from typing import Annotated

import msgspec
from litestar import get, patch
from litestar.params import Parameter

from app.accounts.views import Me
from app.core import limits
from app.core.bell import Bell
from app.core.page import Page
from app.core.settings import Settings
from app.people import privacy, queries
from app.people.views import PeopleView, PrivacyView


class Choice(msgspec.Struct):
    state: str | None = None
    shown_to: str | None = None
    receipts: bool | None = None


@get("/people/online")
async def online(me: Me, after: str = "", limit: Annotated[int, Parameter(ge=1, le=100)] = 50) -> Page[PeopleView]:
    """Those who are there and may be seen: online, away or busy."""
    view = await queries.present(me, after, limit)
    return Page("people/index.html", view, partial="people/_list.html", extra={"here": True})


@get("/me/privacy")
async def show(me: Me) -> Page[PrivacyView]:
    return Page("people/privacy.html", await privacy.of(me))


@patch("/me/privacy", opt={"form": "people/privacy.html"})
async def choose(data: Choice, me: Me, bell: Bell, settings: Settings) -> Page[PrivacyView]:
    limits.WRITES.spend(settings, me.id)
    view = await privacy.choose(me, data.state, data.shown_to, data.receipts)
    bell.ring("o", me.id)
    return Page("people/privacy.html", view, see_other="/me/privacy", flash="saved")


HANDLERS = [online, show, choose]
