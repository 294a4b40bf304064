"""The directory, and a person's card."""

from typing import Annotated

import msgspec
from litestar import get, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.core.bell import Bell
from app.core.page import Page
from app.people import actions, contacts, presence, queries
from app.people.views import PeopleView, PresentCard


@get("/me/blocks")
async def blocks(me: Me) -> Page[PeopleView]:
    return Page("people/blocks.html", PeopleView(await queries.blocked(me)))


class Role(msgspec.Struct):
    role: str = ""


@get("/people")
async def index(
    me: Me, q: str = "", after: str = "", limit: Annotated[int, Parameter(ge=1, le=100)] = 50
) -> Page[PeopleView]:
    return Page(
        "people/index.html",
        await queries.directory(me, q, after, limit),
        partial="people/_list.html",
        extra={"here": False},
    )


@get("/people/{username:str}")
async def show(me: Me, username: str) -> Page[PresentCard]:
    person = await queries.person(me, username)
    here = (await presence.states(me.id, [person.id], me.apart)).get(person.id, "offline")
    last = await presence.last_seen(me.id, person.id) if here == "offline" else None
    card = PresentCard(person.id, person.username, person.name, person.role, here, last)
    return Page("people/show.html", card, extra={"contact": await contacts.between(me, person.id)})


@put("/people/{username:str}/role", status_code=204, opt={"form": "people/role.html"})
async def set_role(me: Me, username: str, data: Role, bell: Bell) -> Page[None]:
    person, groups = await actions.set_role(me, username, data.role)
    bell.ring("p", person)  # who is of the staff no longer is out of what the staff is asked
    bell.ring("l", 0, person)  # what they may do where is other now: their pages are loaded anew
    for group in groups:
        bell.ring("l", group)
    return Page("people/show.html", None, status=204, see_other=f"/people/{username}", flash="role-changed")


HANDLERS = [index, show, blocks, set_role]
