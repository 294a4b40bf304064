"""Accounts' work in the worker."""

from app.accounts import actions, addresses
from app.accounts.events import EmailChangeAsked, EmailChanged, PasswordResetAsked
from app.core import i18n, jobs, mail
from app.core.i18n import _
from app.core.jobs import handles
from app.core.settings import Settings


def register(settings: Settings) -> None:
    """Says who does the work; called once by the worker."""

    @handles(PasswordResetAsked)
    async def send_reset_link(event: PasswordResetAsked) -> None:
        # Before the link: a second one would end that of the mail that has gone.
        if await mail.was_sent(jobs.key()) or (made := await actions.make_reset_link(settings, event.email)) is None:
            return
        address, language, link = made
        i18n.use(i18n.Locale(language, settings.time_zone))
        # Without their name: whoever signs up with a foreign address could write a text of theirs into our mail.
        body = _(
            "Hello,\n\nTo choose a new password, open this link within 10 minutes. It works only once.\n\n%(link)s\n\n"
            "If you did not request this, you can ignore this email: nothing will change."
        ) % {"link": link}
        await mail.send(settings, address, _("Choose a new password"), body, key=jobs.key(), fresh=True)

    @handles(EmailChangeAsked)
    async def send_confirmation(event: EmailChangeAsked) -> None:
        if await mail.was_sent(jobs.key()) or (made := await addresses.make_link(settings, event.change)) is None:
            return
        address, language, link = made
        i18n.use(i18n.Locale(language, settings.time_zone))
        body = _(
            "Hello,\n\nTo confirm this email address for your account, open this link within an hour. It works only "
            "once.\n\n%(link)s\n\nIf you did not request this, you can ignore this email: nothing will change."
        ) % {"link": link}
        await mail.send(settings, address, _("Confirm your new email address"), body, key=jobs.key(), fresh=True)

    @handles(EmailChanged)
    async def tell_the_old_address(event: EmailChanged) -> None:
        i18n.use(i18n.Locale(await addresses.language_of(event.person), settings.time_zone))
        # Not the new one: whoever reads here may be someone else by now.
        body = _(
            "Hello,\n\nThe email address of your account has been changed. Nothing more will be sent to this one.\n\n"
            "If this was not you, somebody knows your password. Please tell the administrator of this Causerie."
        )
        await mail.send(settings, event.old, _("Your email address was changed"), body, key=jobs.key())
