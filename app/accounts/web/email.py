"""One's own e-mail address: asking for another, and the link that was mailed there."""

from typing import Any

import msgspec
from litestar import Request, get, post, put

from app.accounts import actions, addresses, sessions
from app.accounts.auth import client_address
from app.accounts.views import EntranceView, Me, PersonView
from app.core.page import Form, Page
from app.core.settings import Settings

PUBLIC = {"public": True}
# A page whose address is a key: kept by nobody, told to nobody.
SECRET_PAGE = {"referrer-policy": "no-referrer", "cache-control": "no-store"}


class ChangeEmail(msgspec.Struct):
    email: str = ""
    current: str = ""


class Confirm(msgspec.Struct):
    token: str = ""


@get("/me/email")
async def email_page(me: Me) -> Page[PersonView]:
    return Page("accounts/email.html", await sessions.own_view(me.id))


@put("/me/email", status_code=202, opt={"form": "accounts/email.html"})
async def change_email(data: ChangeEmail, me: Me, settings: Settings) -> Page[None]:
    """Answers the same whether another account has the address or not. It changes when the link is opened that is
    mailed there."""
    await addresses.ask(settings, me, data.email, data.current)
    return Page("accounts/me.html", None, status=202, see_other="/me", flash="email-asked")


@get("/auth/confirm-email", opt=PUBLIC)
async def confirm_page(token: str = "") -> Page[EntranceView]:
    # A button, for programs that look into mails open every link.
    form = None if await addresses.link_works(token) else Form(errors={"token": actions.old_link()})
    return Page("accounts/confirm_email.html", EntranceView(token=token), form=form, headers=SECRET_PAGE)


@post("/auth/confirm-email", status_code=204, opt={**PUBLIC, "form": "accounts/confirm_email.html"})
async def confirm_email(data: Confirm, request: Request[Any, Any, Any], settings: Settings) -> Page[None]:
    person = await addresses.confirm(settings, data.token, client_address(request, settings))
    me = request.scope.get("user")
    there = "/me" if me is not None and me.id == person else "/auth/login"
    return Page("accounts/me.html", None, status=204, see_other=there, flash="email-changed")


HANDLERS = [email_page, change_email, confirm_page, confirm_email]
