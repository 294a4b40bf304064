"""Turning mail off by a link in it, without log-in."""

from litestar import get, post

from app.core.page import Form, Page
from app.core.settings import Settings
from app.notifications import unsubscribe
from app.notifications.views import UnsubscribeView

HERE = "/unsubscribe"
TEMPLATE = "notifications/unsubscribe.html"
# A page whose address is a key: kept by nobody, told to nobody.
SECRET_PAGE = {"referrer-policy": "no-referrer", "cache-control": "no-store"}


@get(HERE, opt={"public": True})
async def page(settings: Settings, token: str = "") -> Page[UnsubscribeView]:
    """A button and no more, for programs that look into mails open every link."""
    view = unsubscribe.meant(settings, token)
    form = None if view else Form(errors={"token": unsubscribe.not_ours()})
    view = view or UnsubscribeView()
    view.token = token if view.what else ""
    return Page(TEMPLATE, view, form=form, headers=SECRET_PAGE)


@post(HERE, status_code=200, opt={"public": True, "form": TEMPLATE, "by_token": True, "upload": True})
async def turn_off(settings: Settings, token: str = "") -> Page[UnsubscribeView]:
    """What the button does, and a mail program by itself (RFC 8058: with a form, or a form with files, of one field,
    which is not looked at). Only the token counts, and not who is signed in: so other sites may send it too."""
    view = await unsubscribe.unsubscribe(settings, token)
    return Page(TEMPLATE, view, headers=SECRET_PAGE)


HANDLERS = [page, turn_off]
