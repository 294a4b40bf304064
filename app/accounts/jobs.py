"""Accounts' work in the worker."""

from app.accounts import actions
from app.accounts.events import PasswordResetAsked
from app.core import i18n, mail
from app.core.i18n import _
from app.core.jobs import handles
from app.core.settings import Settings


def register(settings: Settings) -> None:
    """Says who does the work; called once by the worker."""

    @handles(PasswordResetAsked)
    async def send_reset_link(event: PasswordResetAsked) -> None:
        made = await actions.make_reset_link(settings, event.email)
        if made is None:
            return
        address, language, link = made
        i18n.use(i18n.Locale(language, settings.time_zone))
        # Without their name: whoever signs up with a foreign address could write a text of theirs into our mail.
        body = _(
            "Hello,\n\nto choose a new password, open this link within 10 minutes. It works once.\n\n%(link)s\n\n"
            "If you did not ask for it, ignore this mail: nothing changes."
        ) % {"link": link}
        await mail.send(settings, address, _("Your new password"), body)
