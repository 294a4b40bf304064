"""From notifications to mails: whose time has come, and which mails are to tell them.

Each gets a mail for each conversation, so that a mail program can stack those of one conversation and its person can
answer it or turn it off; what comes from no conversation is one mail more. Of more than MOST_MAILS it is one mail for
all: whoever was away for a day finds one in the morning, not thirty. (Zulip sends one for each conversation, which is
best to read and a flood after a holiday; Mattermost one for all, which cannot be stacked.)

That a notification is in a mail and that this mail waits to be sent are committed together: so nothing is lost and
nothing is in two mails, wherever the worker is killed.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.core import database
from app.core.database import Row
from app.notifications import addressees, choices
from app.notifications.access import JOINED, READ, SEEN
from app.notifications.addressees import Addressee
from app.notifications.gather import BY_MAIL, LISTENS

PEOPLE = 50
MOST_MAILS = 3
# What is seen, not read, and wanted by mail at this moment, of WITH_WISHES.
WITH_WISHES = f"""
    {JOINED} LEFT JOIN notification_settings s ON s.person = n.person CROSS JOIN LATERAL (SELECT n.kind AS kind) g
"""
TO_TELL = f"(NOT {READ} AND {SEEN} AND {BY_MAIL} AND {LISTENS})"
# What came last may be gone: then there is nothing new to tell. But a mail that was given up has told nothing.
IS_NEWS = "(x.id IS NULL OR x.unmailed OR n.mail IS NOT NULL)"
# A mail that waits is sent first: what comes meanwhile is gathered for the next one.
DUE = """
    SELECT DISTINCT n.person FROM notification n WHERE n.mail_at <= now()
      AND NOT EXISTS (
          SELECT FROM mail_waiting w WHERE w.person = n.person AND w.kind = 'told' AND w.given_up_at IS NULL
      )
    LIMIT $1
"""


async def gather() -> bool:
    """Makes the mails of some people whose time has come; whether there were any. Another worker may be at others."""
    async with database.transaction():
        rows = await database.fetch(
            f"SELECT id, now() FROM person WHERE id IN ({DUE}) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED", PEOPLE
        )
        if not rows:
            return False
        now = rows[0]["now"]
        people = (await addressees.of([row["id"] for row in rows])).values()
        await _drop([who.id for who in people if not who.reachable])
        quiet = {who.id: until for who in people if (until := who.quiet_until(now))}
        await _postpone({person: choices.after_quiet(until, now) for person, until in quiet.items()})
        await _write(who for who in people if who.reachable and who.id not in quiet)
        return True


async def _drop(people: list[int]) -> None:
    await database.fetch(
        "UPDATE notification SET mail_at = NULL WHERE person = ANY($1) AND mail_at IS NOT NULL", people
    )


async def _postpone(people: dict[int, datetime]) -> None:
    await database.fetch(
        """
        UPDATE notification n SET mail_at = w.until FROM unnest($1::bigint[], $2::timestamptz[]) AS w (person, until)
        WHERE n.person = w.person AND n.mail_at < w.until
        """,
        list(people),
        # Not this very moment again, should the clock of the database be ahead of ours.
        [until + timedelta(seconds=1) for until in people.values()],
    )


async def _write(people: Iterable[Addressee]) -> None:
    """All that waits for them goes along, also what is not due yet; but for conversations of which they were told by
    mail a short while ago, whose time comes later. What was read meanwhile, or may no longer be seen, is dropped.

    They are locked first: who waits for what grows at this moment would see its messages of before."""
    locked = await database.fetch(
        """
        SELECT n.id FROM notification n
        WHERE n.person = ANY($1) AND n.mail_at IS NOT NULL AND (n.mailed_at IS NULL OR n.mail_at <= now())
        ORDER BY n.person, n.id FOR NO KEY UPDATE
        """,
        [who.id for who in people],
    )
    rows = await database.fetch(
        f"""
        SELECT n.id, n.person, n.conversation, {TO_TELL} AND {IS_NEWS} AS to_tell FROM {WITH_WISHES}
        WHERE n.id = ANY($1) ORDER BY n.person, n.id
        """,
        [row["id"] for row in locked],
    )
    mails = _mails([row for row in rows if row["to_tell"]])
    ids = await database.fetch("SELECT nextval('mail_waiting_id_seq') AS id FROM generate_series(1, $1)", len(mails))
    numbers = [row["id"] for row in ids]
    await database.fetch(
        "INSERT INTO mail_waiting (id, person, kind) SELECT id, person, 'told' FROM unnest($1::bigint[], $2::bigint[]) "
        "AS w (id, person)",
        numbers,
        [mail[0]["person"] for mail in mails],
    )
    placed = [(row["id"], number) for mail, number in zip(mails, numbers, strict=True) for row in mail]
    placed += [(row["id"], None) for row in rows if not row["to_tell"]]
    await database.fetch(
        """
        UPDATE notification n SET mail_at = NULL, mail = w.mail,
               mailed_at = CASE WHEN w.mail IS NULL THEN n.mailed_at ELSE now() END,
               mailed = CASE WHEN w.mail IS NULL THEN n.mailed ELSE n.told END
        FROM unnest($1::bigint[], $2::bigint[]) AS w (id, mail) WHERE n.id = w.id
        """,
        [each for each, _mail in placed],
        [mail for _each, mail in placed],
    )


def _mails(rows: list[Row]) -> list[list[Row]]:
    """What is to stand in each mail."""
    by_person: dict[int, dict[int, list[Row]]] = {}
    for row in rows:
        by_person.setdefault(row["person"], {}).setdefault(row["conversation"] or 0, []).append(row)
    mails = []
    for parts in by_person.values():
        separate = list(parts.values())
        mails += separate if len(separate) <= MOST_MAILS else [[row for part in separate for row in part]]
    return mails
