"""Sends the mails that wait, in the worker.

Each is claimed by moving its time on, then sent without a transaction: a mail server that is slow or silent holds up
nothing in the database. Killed at any moment, the mail is taken up again after LEASE. Its key then says whether the
server took it (`core/mail`): it is sent again only where that could not be noted any more, under the same Message-ID.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import aiosmtplib
import structlog

from app.core import database, mail
from app.core.patience import patience, say_waiting
from app.core.settings import Settings
from app.notifications import addressees, choices, digest, due, given_up, weekly
from app.notifications.access import FURTHEST
from app.notifications.addressees import Addressee
from app.notifications.given_up import MailGivenUp
from app.notifications.letters import Letter

log = structlog.get_logger()
LOOK = 15.0
AT_ONCE = 4
LEASE = timedelta(minutes=10)
PATIENCE = 60.0  # seconds for all that a server says; each answer has less
# Waits after a failure, in minutes; the last one again and again. Mail servers give up after so long too (RFC 5321).
AGAIN_AFTER = (1, 5, 15, 60, 240)
KEPT = timedelta(days=5)
NEVER_TRIED = "NotSentInTime"  # stands for the error of what nobody has tried, as when no worker ran for so long
# What becomes of a mail that could not be sent: tried later; never taken; never, since there is no such address.
Verdict = Literal["later", "refused", "no such address"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that was claimed."""

    id: int
    person: int
    kind: str
    tries: int
    created_at: datetime
    since: datetime
    error: str | None

    @property
    def too_old(self) -> bool:
        return datetime.now(UTC) - self.since > KEPT

    @property
    def key(self) -> str:
        """With its time: in a database that was restored, the same number may be another mail's."""
        return f"notifications {self.id} {self.created_at.isoformat()}"


class Mailer:
    """Looks a few times a minute for whom there is mail, and sends it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with patience("mails wait"):
                await self.round()
            await asyncio.sleep(LOOK)

    async def round(self) -> None:
        """Makes the mails that are due, and sends what can be sent now."""
        while await due.gather():
            pass
        while claimed := await _claim():
            sent = await asyncio.gather(*(self._send(each) for each in claimed))
            if not any(sent):
                break  # the mail server is in trouble: the others would only wait for it too

    async def _send(self, waiting: Waiting) -> bool:
        """Whether the mail server answered sensibly; true also where it was not needed."""
        try:
            if await mail.was_sent(waiting.key):  # then killed: what has come since was not in it
                await _end(waiting, [])
                return True
            who = (await addressees.of([waiting.person])).get(waiting.person)
            now = datetime.now(UTC)
            until = who.quiet_until(now) if who else None
            if who and until:
                await _again(waiting, choices.after_quiet(until, now))
                return True
            letter = await self._letter(waiting, who) if who and who.reachable else None
            if who is None or letter is None:
                await _end(waiting, [])
                return True
            if waiting.too_old:
                await _give_up(waiting, waiting.error or NEVER_TRIED, waiting.tries - 1)
                return True
        except database.FAILED as error:
            say_waiting("a mail waits", error)
            return True
        except Exception as error:  # a fault of ours, of one mail: the others go on, and this is tried after LEASE
            named = type(error).__name__
            log.error("a mail could not be written", error=named, mail=waiting.id)
            if waiting.too_old:
                await _give_up(waiting, named, waiting.tries)
            else:
                await _again(waiting, datetime.now(UTC) + LEASE, named)
            return True
        return await self._hand_over(waiting, who, letter)

    async def _letter(self, waiting: Waiting, who: Addressee) -> Letter | None:
        if waiting.kind == "weekly":
            return await weekly.made(self.settings, who)
        return await digest.made(self.settings, waiting.id, who)

    async def _hand_over(self, waiting: Waiting, who: Addressee, letter: Letter) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await mail.send(
                    self.settings,
                    who.email,
                    letter.subject,
                    letter.text,
                    html=letter.html,
                    headers=letter.headers,
                    key=waiting.key,
                )
        except Exception as error:
            return await _failed(waiting, who, error)
        await _end(waiting, letter.seen)
        await addressees.was_taken(who)
        return True


async def _claim() -> list[Waiting]:
    rows = await database.fetch(
        """
        UPDATE mail_waiting SET at = now() + $1::interval, tries = tries + 1 WHERE id IN (
            SELECT id FROM mail_waiting WHERE at <= now() AND given_up_at IS NULL
            ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
        ) RETURNING id, person, kind, tries, created_at, since, error
        """,
        LEASE,
        AT_ONCE,
    )
    return [Waiting(*row) for row in rows]


async def _end(waiting: Waiting, seen: list[int]) -> None:
    """It has gone, or is not to go any more. What came after it was made is not told once more if all of it stands in
    it, from its first message to its latest, or was read; what the mail had no room for is. Of the rest is noted what
    stands in it, also what is gathered only later."""
    async with database.transaction():
        await database.fetch(
            f"""
            UPDATE notification n SET mail_at = NULL, mailed_at = now(), mailed = n.told
            WHERE n.person = $1 AND n.mail_at IS NOT NULL AND n.latest = ANY($2) AND NOT EXISTS (
                SELECT FROM message f JOIN membership m ON m.conversation = f.conversation AND m.person = n.person
                WHERE f.id = n.message AND f.id <> ALL ($2) AND f.deleted_at IS NULL AND f.position > {FURTHEST}
            )
            """,
            waiting.person,
            seen,
        )
        await database.fetch(
            """
            UPDATE notification n SET mailed = n.mailed || w.ids FROM (
                SELECT x.conversation, array_agg(x.id) AS ids FROM message x WHERE x.id = ANY($2)
                GROUP BY x.conversation
            ) w WHERE n.mail = $1 AND n.conversation = w.conversation
            """,
            waiting.id,
            seen,
        )
        await database.fetch("DELETE FROM mail_waiting WHERE id = $1", waiting.id)


async def _again(waiting: Waiting, at: datetime, error: str | None = None) -> None:
    """Without an error it was not tried."""
    await database.fetch(
        """
        UPDATE mail_waiting SET at = $2, tries = tries - CASE WHEN $3::text IS NULL THEN 1 ELSE 0 END,
            error = coalesce($3, error), failed_at = CASE WHEN $3 IS NULL THEN failed_at ELSE now() END
        WHERE id = $1
        """,
        waiting.id,
        at,
        error,
    )


async def _give_up(waiting: Waiting, error: str, tries: int) -> None:
    """The notification itself stays in the centre."""
    await given_up.give_up(MailGivenUp(waiting.id, waiting.person), error, tries, waiting.since)


async def _failed(waiting: Waiting, who: Addressee, error: Exception) -> bool:
    """Waits, or gives the mail up. Whether others are worth a try now."""
    verdict, named = judged(error)
    if verdict == "later":
        wait = AGAIN_AFTER[min(waiting.tries, len(AGAIN_AFTER)) - 1]
        log.warning("a mail was not taken, to be tried again", error=named, tries=waiting.tries, minutes=wait)
        await _again(waiting, datetime.now(UTC) + timedelta(minutes=wait), named)
        return isinstance(error, aiosmtplib.SMTPResponseException | aiosmtplib.SMTPRecipientsRefused)
    if verdict == "no such address":
        await addressees.was_refused(who)
    await _give_up(waiting, named, waiting.tries)
    return True


def judged(error: Exception) -> tuple[Verdict, str]:
    """What an error means for the mail, and what it is called.

    A refusal for good (5yz) of the address or the mail is one. Of ourselves (our password, our sender) it is a mistake
    of whoever runs this, and not the end of everyone's mail. Where the server says more (RFC 3463), 5.7 is a policy of
    its and nothing about the address."""
    of_address = isinstance(error, aiosmtplib.SMTPRecipientsRefused)
    answer = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
    if not isinstance(answer, aiosmtplib.SMTPResponseException):
        return "later", type(error).__name__
    named, says = f"{type(answer).__name__} {answer.code}", answer.message.lstrip()
    if answer.code < 500 or not (of_address or isinstance(answer, aiosmtplib.SMTPDataError)):
        return "later", named
    about_address = says.startswith(("5.1.", "5.2.1")) or (of_address and not says.startswith("5.7."))
    return ("no such address" if about_address else "refused"), named
