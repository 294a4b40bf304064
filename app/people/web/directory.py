"""The directory, and a person's card."""

from typing import Annotated

import msgspec
from litestar import Response, get, put
from litestar.params import Parameter

from app.accounts.views import Me
from app.core.bell import Bell
from app.core.page import Page
from app.people import actions, contacts, queries
from app.people.views import PeopleView, ProfileView

FOR_EVER = "private, max-age=31536000, immutable"


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
async def show(me: Me, username: str) -> Page[ProfileView]:
    person = await queries.profile(me, username)
    return Page("people/show.html", person, extra={"contact": await contacts.between(me, person.id)})


@put("/people/{username:str}/role", status_code=204, opt={"form": "people/role.html"})
async def set_role(me: Me, username: str, data: Role, bell: Bell) -> Page[None]:
    person, groups = await actions.set_role(me, username, data.role)
    bell.ring("p", person)  # who is of the staff no longer is out of what the staff is asked
    bell.ring("l", 0, person)  # what they may do where is other now: their pages are loaded anew
    for group in groups:
        bell.ring("l", group)
    return Page("people/show.html", None, status=204, see_other=f"/people/{username}", flash="role-changed")


@get("/avatars/{person_id:int}/{digest:str}", media_type="image/webp")
async def avatar(me: Me, person_id: int, digest: str) -> Response[bytes]:
    """A new picture has a new address, so this one may be kept; by this browser alone, for not everyone may see it."""
    picture = await queries.avatar(me, person_id, digest)
    return Response(picture, media_type="image/webp", headers={"cache-control": FOR_EVER})


HANDLERS = [index, show, blocks, set_role, avatar]
