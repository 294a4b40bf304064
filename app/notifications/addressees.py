"""To whom mail can be sent, and how they want it; and which addresses their mail servers refuse."""

from dataclasses import dataclass
from datetime import datetime

from app.accounts.views import Me
from app.core import database
from app.core.i18n import Locale
from app.notifications import choices
from app.notifications.views import SettingsView

# So often in a row, and over so long, must an address `r` be refused until nothing more is sent there.
REFUSED = "(r.times >= 5 AND r.last_at >= r.first_at + interval '2 days')"


@dataclass(frozen=True, slots=True)
class Addressee:
    """Someone with an account; `reachable` unless they are gone, have no address, or it is refused again and again."""

    id: int
    email: str
    locale: Locale
    hours: SettingsView
    reachable: bool

    def quiet_until(self, now: datetime) -> datetime | None:
        """The end of their quiet hours, if it is in them; of who gets nothing anyway there are none."""
        return choices.quiet_until(self.hours, self.locale.time_zone, now) if self.reachable else None


async def of(people: list[int]) -> dict[int, Addressee]:
    """These people, one statement for all."""
    rows = await database.fetch(
        f"""
        SELECT p.id, p.email, p.language, p.time_zone, s.quiet_from, s.quiet_to,
               p.deactivated_at IS NULL AND strpos(p.email, '@') > 1 AND r.person IS NULL AS reachable
        FROM person p LEFT JOIN notification_settings s ON s.person = p.id
        LEFT JOIN mail_refused r ON r.person = p.id AND r.email = p.email AND {REFUSED}
        WHERE p.id = ANY($1)
        """,
        people,
    )
    return {
        row["id"]: Addressee(
            row["id"],
            row["email"],
            Locale(row["language"], row["time_zone"]),
            SettingsView(quiet_from=row["quiet_from"], quiet_to=row["quiet_to"]),
            row["reachable"],
        )
        for row in rows
    }


async def was_refused(who: Addressee) -> None:
    """Their mail server says that there is no such address. Another address begins anew: a trigger forgets the old one
    as soon as it is another's, and the mail was perhaps under way to that."""
    await database.fetch(
        """
        INSERT INTO mail_refused AS r (person, email) SELECT id, $2 FROM person WHERE id = $1 AND email = $2 FOR SHARE
        ON CONFLICT (person) DO UPDATE SET
            times = CASE WHEN r.email = excluded.email THEN r.times + 1 ELSE 1 END,
            first_at = CASE WHEN r.email = excluded.email THEN r.first_at ELSE now() END,
            last_at = now(), email = excluded.email
        """,
        who.id,
        who.email,
    )


async def was_taken(who: Addressee) -> None:
    """Their mail server took a mail: what it refused before is forgotten."""
    await database.fetch("DELETE FROM mail_refused WHERE person = $1", who.id)


async def refused_at(person: int) -> datetime | None:
    """When their address was last refused, if nothing is sent there any more."""
    found: datetime | None = await database.fetch_value(
        f"""
        SELECT r.last_at FROM mail_refused r JOIN person p ON p.id = r.person AND p.email = r.email
        WHERE r.person = $1 AND {REFUSED}
        """,
        person,
    )
    return found


async def try_again(me: Me) -> None:
    """They say that their address works."""
    await database.fetch("DELETE FROM mail_refused WHERE person = $1", me.id)
