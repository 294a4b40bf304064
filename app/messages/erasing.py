"""Deletes the texts of someone who deleted their account, by and by.

Each batch is a change of its conversation like any other: so open pages and all who follow the feed learn of it, and
nobody who writes there waits for long.
"""

from collections import defaultdict

from app.core import database

BATCH = 200


async def erase_texts(person: int) -> int:
    """Leaves tombstones where their messages were, also where they are no longer in; gives how many. What they asked
    the staff stays without its title. What was done already is not done again, so it may stop anywhere and begin
    anew."""
    await _erase_questions(person)
    erased, last = 0, 0
    while True:
        rows = await database.fetch(
            """
            SELECT id, conversation FROM message
            WHERE author = $1 AND id > $2 AND kind <> 'system' AND deleted_at IS NULL ORDER BY id LIMIT $3
            """,
            person,
            last,
            BATCH,
        )
        if not rows:
            return erased
        last = rows[-1]["id"]
        found: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            found[row["conversation"]].append(row["id"])
        for conversation, messages in found.items():
            erased += await _erase(conversation, messages)


async def _erase_questions(person: int) -> None:
    """The message that has the title may be gone, since its time is over: then there is no change to bear a number."""
    for row in await database.fetch("SELECT id FROM conversation WHERE owner = $1 AND kind = 'support'", person):
        await database.fetch(
            """
            WITH target AS MATERIALIZED (
                SELECT x.id FROM message x WHERE x.conversation = $1 AND x.event = 'asked' AND x.body <> ''
                FOR NO KEY UPDATE
            ), bumped AS (
                UPDATE conversation SET title = '', change = change + (SELECT count(*) FROM target)
                WHERE id = $1 AND (title <> '' OR EXISTS (SELECT FROM target)) RETURNING change
            )
            UPDATE message x SET body = '', change = b.change FROM target t, bumped b WHERE x.id = t.id
            """,
            row["id"],
        )


async def _erase(conversation: int, messages: list[int]) -> int:
    """One batch. The messages are locked before their conversation, as everywhere; each takes a change number of its
    own, so that no number is without the change that bears it."""
    rows = await database.fetch(
        """
        WITH target AS MATERIALIZED (
            SELECT x.id FROM message x WHERE x.id = ANY($2) AND x.deleted_at IS NULL ORDER BY x.id FOR NO KEY UPDATE
        ), numbered AS MATERIALIZED (
            SELECT id, row_number() OVER (ORDER BY id) AS nth FROM target
        ), bumped AS (
            UPDATE conversation c SET change = c.change + f.many FROM (SELECT count(*) AS many FROM numbered) f
            WHERE c.id = $1 AND f.many > 0 RETURNING c.change - f.many AS change
        ), forgotten AS (
            DELETE FROM mention n USING numbered m WHERE n.message = m.id
        )
        UPDATE message x SET body = '', mentions_all = false, deleted_at = now(), change = b.change + n.nth
        FROM numbered n, bumped b WHERE x.id = n.id RETURNING x.id
        """,
        conversation,
        messages,
    )
    return len(rows)
