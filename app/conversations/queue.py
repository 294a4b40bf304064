"""The queue of the team: what the staff is asked, through the eyes of one of them."""

from datetime import UTC, datetime

from app.accounts.avatars import address
from app.accounts.views import Me
from app.conversations import permission
from app.conversations.access import HERE
from app.conversations.views import SupportView, ThreadView
from app.core import database
from app.core.errors import BadRequest
from app.core.i18n import _
from app.people import policy
from app.people.access import visible
from app.people.views import PersonCard

PAGE = 50
# More are shown as so many and a plus: nobody is helped by counting on.
MOST_COUNTED = 100
# Each with its condition, its order, and what lies behind a place in it: what nobody looks after comes first, and what
# was asked first; of what is closed, the latest.
SHOWN = {
    "open": (
        "c.closed_at IS NULL",
        "(c.assignee IS NOT NULL), c.id",
        "((c.assignee IS NOT NULL), c.id) > ($2::bool, $3)",
    ),
    "mine": ("c.closed_at IS NULL AND c.assignee = $1", "c.id", "(true, c.id) > ($2::bool, $3)"),
    "closed": ("c.closed_at IS NOT NULL", "c.closed_at DESC, c.id DESC", "(c.closed_at, c.id) < ($2::timestamptz, $3)"),
}
# Whom the reader does not see asks the others of the team.
ASKED = f"""
    conversation c JOIN person p ON p.id = c.owner
    WHERE c.kind = 'support' AND {HERE} AND {visible("$1")}
"""


async def listed(me: Me, show: str = "open", after: str = "", limit: int = PAGE) -> SupportView:
    """A page of the queue; `after` is the `next` of the one before. Raises Forbidden for who is not of the team."""
    permission.require_team(me)
    if show not in SHOWN:
        raise BadRequest(_("The request is malformed."))
    condition, order, behind = SHOWN[show]
    rows = await database.fetch(
        f"""
        SELECT c.id, c.title, c.created_at, c.closed_at, c.assignee IS NOT NULL AS assigned, p.id AS asker, p.username,
               p.name, p.role,
               {address("p")} AS avatar, a.id AS assignee, a.username AS a_username, a.name AS a_name, a.role AS a_role,
               {address("a")} AS a_avatar
        FROM (SELECT c.*, p.id AS asker FROM {ASKED} AND {condition} AND {behind} ORDER BY {order} LIMIT $4) c
        JOIN person p ON p.id = c.asker
        LEFT JOIN person a ON a.id = c.assignee AND {visible("$1", "a")} ORDER BY {order}
        """,
        me.id,
        *_place(show, after),
        limit + 1,
    )
    threads = [_thread(row) for row in rows[:limit]]
    more = _written(show, threads[-1]) if len(rows) > limit else None
    return SupportView(threads, show, await waiting(me), more)


async def waiting(me: Me) -> int:
    """How many are open and nobody looks after, counted to MOST_COUNTED; for who is not of the team, none."""
    if not policy.may_answer(me.policy, me.role):
        return 0
    return int(
        await database.fetch_value(
            f"""
            SELECT count(*) FROM (
                SELECT FROM {ASKED} AND c.closed_at IS NULL AND (c.assignee IS NOT NULL) = false LIMIT {MOST_COUNTED}
            ) w
            """,
            me.id,
        )
    )


def _thread(row: database.Row) -> ThreadView:
    columns = ("assignee", "a_username", "a_name", "a_role", "a_avatar")
    assignee = PersonCard(*(row[column] for column in columns)) if row["assignee"] else None
    return ThreadView(
        id=row["id"],
        title=row["title"],
        asker=PersonCard(row["asker"], row["username"], row["name"], row["role"], row["avatar"]),
        assigned=row["assigned"],
        assignee=assignee,
        created_at=row["created_at"],
        closed_at=row["closed_at"],
    )


def _written(show: str, last: ThreadView) -> str:
    if show == "closed" and last.closed_at is not None:
        return f"{last.closed_at.isoformat()}~{last.id}"
    return f"{int(last.assigned)}~{last.id}"


def _place(show: str, after: str) -> tuple[bool | datetime, int]:
    if not after:
        return (datetime.max.replace(tzinfo=UTC), 0) if show == "closed" else (False, 0)
    first, _sep, last = after.partition("~")
    try:
        if not 0 <= int(last) < 2**62:
            raise ValueError
        return (datetime.fromisoformat(first) if show == "closed" else bool(int(first))), int(last)
    except ValueError as error:
        raise BadRequest(_("The request is malformed.")) from error
