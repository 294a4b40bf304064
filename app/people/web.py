"""The directory, and a person's card."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from app.accounts.views import Me
from app.core.page import Page
from app.people import queries
from app.people.views import PeopleView, PersonCard


@get("/people")
async def index(
    me: Me, q: str = "", after: str = "", limit: Annotated[int, Parameter(ge=1, le=100)] = 50
) -> Page[PeopleView]:
    return Page("people/index.html", await queries.directory(me, q, after, limit), partial="people/_list.html")


@get("/people/{username:str}")
async def show(me: Me, username: str) -> Page[PersonCard]:
    return Page("people/show.html", await queries.person(me, username))


HANDLERS = [index, show]
