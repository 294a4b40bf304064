"""How one wants to be told."""

from litestar import delete, get, put

from app.accounts.views import Me
from app.core import limits
from app.core.page import Page
from app.core.settings import Settings
from app.notifications import addressees, choices
from app.notifications.choices import Choice
from app.notifications.push import devices
from app.notifications.views import SettingsView

HERE = "/me/notification-settings"
TEMPLATE = "notifications/settings.html"


@get(HERE)
async def show(me: Me) -> Page[SettingsView]:
    """With their devices; but not to a program: a token that may read these is not for those."""
    view = await _whole(me, await choices.of(me.id))
    return Page(TEMPLATE, view, extra={"devices": await devices.listed(me)} if me.scopes is None else {})


@put(HERE, opt={"form": TEMPLATE})
async def choose(data: Choice, me: Me, settings: Settings) -> Page[SettingsView]:
    limits.WRITES.spend(settings, me.id)
    return Page(TEMPLATE, await _whole(me, await choices.choose(me, data)), see_other=HERE, flash="saved")


@delete("/me/mail-refusals", status_code=204)
async def try_again(me: Me, settings: Settings) -> Page[None]:
    """Mail is sent to one's address again, which was refused so often."""
    limits.WRITES.spend(settings, me.id)
    await addressees.try_again(me)
    return Page(TEMPLATE, None, status=204, see_other=HERE, flash="saved")


async def _whole(me: Me, view: SettingsView) -> SettingsView:
    view.mail_refused_at = await addressees.refused_at(me.id)
    return view


HANDLERS = [show, choose, try_again]
