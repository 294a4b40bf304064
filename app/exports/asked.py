"""`python -m app verify FILE`: whether an archive is genuine, in plain words on the terminal."""

import asyncio
from pathlib import Path

from app.core import database, i18n
from app.core.i18n import Locale, _
from app.core.supervisor import CannotStartError
from app.exports import keys
from app.exports import verify as verifying
from app.exports.keys import PublicKey
from app.exports.verify import CannotCheck, Verdict

GENUINE, NOT_GENUINE, CANNOT_CHECK = 0, 1, 2
LONGEST_KEY = 10_000


def verify(file: str, key: str, dsn: str, language: str) -> int:
    """Prints the verdict, checked with the key that is given, else with those in the database; gives the exit code.

    Raises OSError for a file that cannot be read, and CannotStartError for a database that cannot."""
    i18n.use(Locale(i18n.choose_language(None, language[:2]), "UTC"))
    try:
        trusted = [_key(key)] if key else asyncio.run(_published(dsn))
        if not Path(file).is_file():  # a device or a pipe has no end
            raise CannotCheck(_("There is no such file: %(file)s") % {"file": file})
        with Path(file).open("rb") as opened:
            verdict = verifying.verify(opened, trusted)
    except CannotCheck as error:
        _say(_("It cannot be verified. %(why)s") % {"why": error})
        return CANNOT_CHECK
    _tell(verdict, of_instance=not key)
    return GENUINE if verdict.genuine else NOT_GENUINE


def _key(given: str) -> PublicKey:
    text = given
    try:
        if "-----" not in given and Path(given).is_file():
            with Path(given).open() as file:
                text = file.read(LONGEST_KEY)
    except (OSError, ValueError) as error:
        raise CannotCheck(_("The key cannot be read.")) from error
    key = keys.read(text)
    if key is None:
        raise CannotCheck(_("This is not the public key of a Causerie (Ed25519), nor a file that contains one."))
    return key


async def _published(dsn: str) -> list[PublicKey]:
    from app.core import upkeep  # heavy, and with a key nobody needs it

    await upkeep.require_up_to_date(dsn)
    try:
        await database.connect(dsn)
        return (await keys.published()).keys
    except database.UNAVAILABLE as error:
        raise CannotStartError("the database does not answer") from error
    finally:
        await database.disconnect()


def _tell(verdict: Verdict, of_instance: bool) -> None:
    if verdict.genuine:
        _say(
            _(
                "Authentic and complete: this Causerie created and signed it, and not a single character has "
                "changed since."
            )
            if of_instance
            else _("Authentic and complete: it was signed with this key, and not a single character has changed since.")
        )
    elif verdict.signed:
        _say(_("Altered: its manifest is signed, but something has changed since."))
    else:
        _say(_("Not authentic."))
    for fault in verdict.faults:
        _say(f"- {fault}")
    about = verdict.about
    if about is not None:
        title = about.conversation.title if about.conversation else _("All data of a person")
        _say(f"\n  {title} ({about.format.upper()}), {about.instance}")
        _say(
            _("  requested by %(name)s (@%(username)s)")
            % {"name": about.asked_by.name, "username": about.asked_by.username}
        )
        _say(_("  as of %(when)s UTC") % {"when": i18n.stamp(about.read_at, i18n.current())})
        _say(_("  messages (or other entries): %(count)d") % {"count": about.count})


def _say(text: str) -> None:
    """Names that people chose may hold what a terminal would obey."""
    print("".join(c if c.isprintable() or c == "\n" else "�" for c in text))
