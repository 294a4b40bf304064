"""One's own account: profile, password, devices."""

from typing import Any

import msgspec
from litestar import Request, delete, get, patch, put

from app.accounts import actions, profile, sessions
from app.accounts.auth import signed_out
from app.accounts.views import Me, PersonView, SessionsView
from app.core import dead_letters, limits
from app.core.bell import Bell
from app.core.errors import NotFound
from app.core.page import Page
from app.core.settings import Settings


class Update(msgspec.Struct):
    """What is not given stays as it is."""

    name: str | None = None
    username: str | None = None
    about: str | None = None
    language: str | None = None
    time_zone: str | None = None


class ChangePassword(msgspec.Struct):
    current: str = ""
    password: str = ""


@get("/me")
async def show(me: Me) -> Page[PersonView]:
    dead = await dead_letters.count() if me.is_admin else 0
    return Page("accounts/me.html", await sessions.own_view(me.id), extra={"dead_letters": dead})


@patch("/me", opt={"form": "accounts/me.html"})
async def update(data: Update, me: Me, settings: Settings, bell: Bell) -> Page[PersonView]:
    limits.WRITES.spend(settings, me.id)
    await profile.update(settings, me, **msgspec.structs.asdict(data))
    bell.ring("p", me.id)
    if data.name is not None or data.username is not None:
        bell.ring("n", me.id)
    return Page("accounts/me.html", await sessions.own_view(me.id), see_other="/me", flash="saved")


@put("/me/password", status_code=204, opt={"form": "accounts/password.html"})
async def change_password(data: ChangePassword, me: Me, settings: Settings, bell: Bell) -> Page[None]:
    for session in await actions.change_password(settings, me, data.current, data.password):
        bell.ring("s", session)
    return Page("accounts/me.html", None, status=204, see_other="/me", flash="password-changed-here")


@get("/me/password")
async def password_page(me: Me) -> Page[None]:
    return Page("accounts/password.html", None)


def way_out(
    request: Request[Any, Any, Any], settings: Settings, flash: str, headers: dict[str, str] | None = None
) -> Page[None]:
    """The answer to whoever has no account any more: to the door, without the cookies that would let them in."""
    request.scope["state"].pop("cookies", None)  # renewed on the way in
    return Page(
        "accounts/login.html",
        None,
        status=204,
        see_other="/auth/login",
        flash=flash,
        headers=headers,
        cookies=signed_out(settings),
    )


@get("/me/sessions")
async def session_list(me: Me) -> Page[SessionsView]:
    return Page("accounts/sessions.html", SessionsView(await sessions.listed(me)))


@delete("/me/sessions/{session_id:int}", status_code=204)
async def end_session(session_id: int, me: Me, bell: Bell) -> Page[None]:
    if not await sessions.end_of(me.id, session_id):
        raise NotFound
    bell.ring("s", session_id)
    return Page("accounts/sessions.html", None, status=204, see_other="/me/sessions", flash="session-ended")


HANDLERS = [show, update, change_password, password_page, session_list, end_session]
