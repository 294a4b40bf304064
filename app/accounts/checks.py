"""What may be written into the fields of a profile: each check gives what is wrong, by the name of the field."""

import re

from app.accounts import usernames
from app.accounts.views import LONGEST_EMAIL
from app.core import database, text
from app.core.i18n import _
from app.core.security import pseudonym
from app.core.settings import Settings

LONGEST_NAME, LONGEST_ABOUT = 50, 500
# Deliberately loose (a mailbox is proved by mail, not by a pattern): something, one @, a domain. None of the signs that
# mean something in a header: "eve,zoe@example.org" would be two recipients.
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]]+\.[^\s@<>\"(),:;\\\[\].]+")


def username_problem(username: str) -> dict[str, str]:
    """Of its form, and of what is reserved; whether it is taken, `taken` says."""
    if not usernames.SHORTEST <= len(username) <= usernames.LONGEST:
        return {"username": _("Use 3 to 30 characters.")}
    if not usernames.FORM.fullmatch(username):
        return {"username": _("Use letters a to z, digits, and . _ - between them.")}
    if usernames.is_reserved(username):
        return {"username": _("This username is reserved. Please choose another one.")}
    return {}


def name_problem(name: str) -> dict[str, str]:
    if not text.storable(name) or text.is_blank(name):
        return {"name": _("Enter your name.")}
    if len(name) > LONGEST_NAME:
        return {"name": _("Use at most 50 characters.")}
    return {}


def email_problem(email: str) -> dict[str, str]:
    if len(email) > LONGEST_EMAIL:
        return {"email": _("Use at most 100 characters.")}
    if not text.storable(email) or not _EMAIL.fullmatch(email) or not text.is_visible(email):
        return {"email": _("This does not look like an email address.")}
    return {}


def about_problem(about: str) -> dict[str, str]:
    if not text.storable(about):
        return {"about": _("This contains a character that cannot be stored.")}
    if len(about) > LONGEST_ABOUT:
        return {
            "about": _("This text is %(length)d characters long; the limit is %(most)d.")
            % {"length": len(about), "most": LONGEST_ABOUT}
        }
    return {}


async def taken(settings: Settings, username: str, email: str, but: int = 0) -> dict[str, str]:
    """Which of the two belong to somebody already, other than the person `but`; an empty one belongs to nobody. The
    username of an account that was deleted stays taken, though nobody can read it any more."""
    wrong = {}
    row = await database.fetch_row(
        """
        SELECT EXISTS (SELECT FROM person WHERE (username = $1 OR skeleton IN ($2, $5)) AND id <> $4) AS username,
               EXISTS (SELECT FROM person WHERE email_key = $3 AND id <> $4) AS email
        """,
        *(
            given if text.storable(given) else ""
            for given in (username, usernames.skeleton(username), email.casefold())
        ),
        but,
        reserved(settings, username),
    )
    assert row is not None
    if row["username"]:
        wrong["username"] = _("This username is taken, or looks too much like one that is.")
    if row["email"]:
        wrong["email"] = _("An account with this email address already exists. Log in, or reset your password.")
    return wrong


def reserved(settings: Settings, username: str) -> str:
    """What stands in place of the skeleton of a username whose account was deleted: nobody else gets the name, or one
    that looks like it, and nobody reads from it what the name was."""
    return f"deleted~{pseudonym(settings.secret_key, usernames.skeleton(username))}"
