"""What people do with exports: ask for one, stop it, throw it away. The worker makes it, see `making`."""

import shutil

from app.accounts.views import Me
from app.conversations import queries
from app.core import database, i18n, jobs, limits
from app.core.errors import Conflict, Forbidden, NotFound, TooMany
from app.core.i18n import _
from app.core.settings import Settings
from app.exports import storage
from app.exports.access import MINE, SEEN, kinds
from app.exports.events import ExportRequested
from app.exports.model import Kind
from app.exports.out import SPARE
from app.exports.rooms import Room
from app.exports.wishes import Wish, checked

# So many of one person and their bots wait or are worked on at a time; and who has files of so many bytes gets no more:
# each is kept for days, in the database, and thirty can be asked for in an hour.
MOST_AT_ONCE = 3
MOST_BYTES_KEPT = 1_000_000_000


async def request(settings: Settings, me: Me, wish: Wish, audited: Room | None = None) -> int:
    """Asks for an export, and gives its number. Raises NotFound for a conversation that they are not in, Forbidden for
    a token that asks for all of a person's data, Invalid, TooMany.

    `audited` is what an administrator asks for as an audit: `audits` asked whether they may, and records it in the same
    transaction."""
    number = wish.conversation if audited is None else audited.id
    kind: Kind = "audit" if audited else "person" if number is None else "conversation"
    title = audited.title if audited else await _title(me, kind, number)
    meant = checked(wish, i18n.zone(me.time_zone))
    await limits.spend(settings, (limits.EXPORT_PERSON, str(me.id)))
    async with database.transaction():
        await _require_room(settings, me)
        export = await database.fetch_value(
            """
            INSERT INTO export (person, kind, conversation, title, format, archive, paper, language, time_zone,
                                from_at, to_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
            """,
            me.id,
            kind,
            number,
            title,
            meant.format,
            wish.sealed,
            meant.paper,
            meant.language,
            me.time_zone,
            meant.from_,
            meant.to,
        )
        await jobs.defer(ExportRequested(export))
    return int(export)


async def _require_room(settings: Settings, me: Me) -> None:
    """Raises NotFound for an account that was closed, and TooMany for who has enough, where the disk is nearly full, or
    where all exports together take up what they may: what people send, and the database itself, come first."""
    # Two that are asked for at once are counted one after the other; and so are those of the bots of one person.
    people = await database.fetch(
        """
        SELECT id, deactivated_at FROM person WHERE id = $1 OR id = (SELECT bot_owner FROM person WHERE id = $1)
        ORDER BY id FOR NO KEY UPDATE
        """,
        me.id,
    )
    if any(each["deactivated_at"] is not None for each in people) or not people:
        raise NotFound
    family = await database.fetch_value(
        """
        SELECT array_agg(f.id) FROM person f
        WHERE f.id = ANY($1) OR f.bot_owner = (SELECT coalesce(bot_owner, id) FROM person WHERE id = $2)
        """,
        [each["id"] for each in people],
        me.id,
    )
    under_way = await database.fetch_value(
        "SELECT count(*) FROM export WHERE person = ANY($1) AND status IN ('queued', 'working')", family
    )
    if under_way >= MOST_AT_ONCE:
        raise TooMany(
            _("%(num)d of your exports are in progress. Wait for one to finish, or cancel one.")
            % {"num": MOST_AT_ONCE},
            retry_after=60,
        )
    if await _kept(family) >= MOST_BYTES_KEPT:
        # What they may not see any more they cannot throw away either.
        await database.fetch(
            f"DELETE FROM export e WHERE e.person = ANY($1) AND e.status = 'ready' AND NOT ({SEEN})", family
        )
        if await _kept(family) >= MOST_BYTES_KEPT:
            raise TooMany(
                _("Your exports use %(size)s, which is the limit. Download one and delete it here, then try again.")
                % {"size": i18n.size(MOST_BYTES_KEPT, i18n.current())},
                retry_after=3600,
            )
    nearly_full = settings.data_dir.exists() and shutil.disk_usage(settings.data_dir).free < SPARE
    if nearly_full or await storage.is_full(settings):
        raise TooMany(_("There is no space for exports right now. Please try again later."), retry_after=600)


async def _kept(people: list[int]) -> int:
    """How many bytes of files they have."""
    found: int = await database.fetch_value(
        "SELECT coalesce(sum(size), 0)::bigint FROM export WHERE person = ANY($1) AND status = 'ready'", people
    )
    return found


async def _title(me: Me, kind: Kind, conversation: int | None) -> str:
    """How it is called, for whoever may have it."""
    if kind == "person":
        if me.scopes is not None:
            raise Forbidden(_("Access tokens cannot do this. Log in to do it."))
        return _("My data")
    return (await queries.conversation(conversation or 0, me)).title


async def cancel(me: Me, number: int) -> None:
    """Stops it; what is written of it goes. Again changes nothing. Raises NotFound, and Conflict when there is nothing
    to stop any more."""
    async with database.transaction():
        status = await database.fetch_value(
            f"SELECT e.status FROM export e WHERE {MINE} AND e.id = $3 FOR NO KEY UPDATE OF e",
            me.id,
            kinds(me),
            number,
        )
        if status is None:
            raise NotFound
        if status == "cancelled":
            return
        if status not in ("queued", "working"):
            raise Conflict(_("It has already ended."))
        await database.fetch("UPDATE export SET status = 'cancelled', ended_at = now() WHERE id = $1", number)
        await database.fetch("DELETE FROM export_part WHERE export = $1", number)


async def delete(me: Me, number: int) -> None:
    """Throws it away, wherever it stands; raises NotFound."""
    gone = await database.fetch(
        f"DELETE FROM export e WHERE {MINE} AND e.id = $3 RETURNING e.id", me.id, kinds(me), number
    )
    if not gone:
        raise NotFound
