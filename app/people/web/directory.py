"""The directory, and a person's card."""

from typing import Annotated

import msgspec
from litestar import get, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.core.bell import Bell
from app.core.page import Page
from app.people import actions, contacts, queries
from app.people.views import PeopleView, ProfileView


@get("/me/blocks")
async def blocks(me: Me) -> Page[PeopleView]:
    return Page("people/blocks.html", PeopleView(await queries.blocked(me)))


class Role(msgspec.Struct):
    role: str = ""


@get("/people")
async def index(
    me: Me, q: str = "", after: str = "", limit: Annotated[int, Parameter(ge=1, le=100)] = 50
) -> Page[PeopleView]:
    return Page("people/index.html", await queries.directory(me, q, after, limit), partial="people/_list.html")


@get("/people/{username:str}")
async def show(me: Me, username: str) -> Page[ProfileView]:
    person = await queries.profile(me, username)
    return Page("people/show.html", person, extra={"contact": await contacts.between(me, person.id)})


@put("/people/{username:str}/role", status_code=204, opt={"form": "people/role.html"})
async def set_role(me: Me, username: str, data: Role, bell: Bell) -> Page[None]:
    person, groups = await actions.set_role(me, username, data.role)
    bell.ring("l", 0, person)  # what they may do where is other now: their pages are loaded anew
    for group in groups:
        bell.ring("l", group)
    return Page("people/show.html", None, status=204, see_other=f"/people/{username}", flash="role-changed")


HANDLERS = [index, show, blocks, set_role]
