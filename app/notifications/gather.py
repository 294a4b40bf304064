"""From the feed to notifications: what was said since the last time, and who is to be told of it.

One statement for many conversations, however lively, so a burst costs little more than a message. What is found and how
far was read are committed together: nothing is told twice, and nothing is forgotten.
"""

from datetime import timedelta
from typing import NamedTuple

from app.conversations.access import HERE
from app.conversations.lines import MUTED
from app.core import database
from app.notifications import shown
from app.notifications.access import FURTHEST

# Of one conversation at a time. More is read in the next round.
MOST_AT_ONCE = 200
# What is read meanwhile is not sent. A device is told soon, by mail later; again not before such a time.
PUSH_AFTER = timedelta(seconds=10)
PUSH_AGAIN_AFTER = timedelta(minutes=1)
MAIL_AFTER = timedelta(minutes=10)
MAIL_AGAIN_AFTER = timedelta(hours=1)
# Put away by them and not looked at since; of the team's questions they only looked.
ARCHIVED = "(m.archived_position IS NOT NULL AND m.read_position <= m.archived_position)"
LEVEL = """
    coalesce(m.level, CASE WHEN c.kind IN ('direct', 'announcements') OR (c.kind = 'support' AND NOT m.of_team)
                      THEN 'everything' ELSE 'mentions' END)
"""
# Whether the person of a notification `n` wants to hear of that in its conversation at this moment, if it has one.
LISTENS = f"""
    (n.conversation IS NULL OR (NOT {MUTED} AND NOT {ARCHIVED} AND CASE {LEVEL} WHEN 'everything' THEN true
     WHEN 'mentions' THEN n.kind NOT IN ('direct', 'announcement', 'message') ELSE false END))
"""
# Whether a channel of the settings `s`, if there are any, takes the kind of `g`. A mere message is to nobody.
TAKES = """
    CASE coalesce(s.{channel}, '{usual}') WHEN 'everything' THEN true WHEN 'mentions' THEN g.kind <> 'message'
    ELSE false END
"""
BY_APP = TAKES.format(channel="app", usual="everything")
BY_MAIL = TAKES.format(channel="mail", usual="mentions")
BY_PUSH = TAKES.format(channel="push", usual="everything")

# Why someone is told, the first of these that holds for a message.
REASONS = ("invitation", "mention", "reply", "announcement", "direct", "message")
KINDS = f"(ARRAY{list(REASONS)})[reason + 1]"
# Of so many messages a notification knows the numbers: of the first, for it leads there, and of the latest. Were there
# more, and all of these deleted or by somebody blocked, nothing is shown of the rest.
MOST_TOLD = 20


def _first_and_last(ids: str) -> str:
    return f"(({ids})[:1] || ({ids})[greatest(2, cardinality({ids}) - {MOST_TOLD - 2}):])"


CLAIM = """
    SELECT n.conversation, n.change, n.position, c.deleted_at IS NOT NULL AS gone
    FROM notified n JOIN conversation c ON c.id = n.conversation WHERE n.conversation = ANY($1)
    ORDER BY n.conversation FOR NO KEY UPDATE OF n SKIP LOCKED
"""
# What changed in the conversations $1 since, in each, the change $2. What stands behind the place $3 is new.
FRESH = f"""
    SELECT w.conversation, x.id, x.position, x.change, x.author, x.reply_to, x.mentions_all, x.kind, x.event, x.subject,
           x.created_at, x.edited_at, x.deleted_at, x.position > w.position AS is_new, c.kind AS where_kind
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (conversation, change, position)
    JOIN conversation c ON c.id = w.conversation
    CROSS JOIN LATERAL (
        SELECT * FROM message x WHERE x.conversation = w.conversation AND x.change > w.change
        ORDER BY x.change LIMIT {MOST_AT_ONCE}
    ) x
"""
# What a person had been told of and has read since is closed: what comes now is told anew.
CLOSE = """
    UPDATE notification n SET read_at = now() FROM membership m
    WHERE n.conversation = ANY($1) AND n.read_at IS NULL AND m.conversation = n.conversation AND m.person = n.person
      AND CASE n.kind WHEN 'invitation' THEN m.read_position > n.position ELSE m.read_position >= n.position END
"""
# Everyone to whom a message is meant; of them those who may and want to be told, each asked once for each conversation
# and not for each message of it. How far was read moves in the same statement, so by what the same snapshot shows. The
# place follows when all was read: while there is more, a message may stand further on in the feed than later ones,
# since it was edited. Who is named by an edit of an old message is told of one more, and of the latest as before. It
# rings for who wants it in the centre now: what stands there from before may grow without a sound. Where somebody edits
# whom a message names at this moment, the conversation is left for the next round: to wait for them, who may wait for
# us, could end in a deadlock, and should their edit fail no change would bring what was skipped.
WRITE = f"""
WITH found AS MATERIALIZED ({FRESH}),
unnamed AS MATERIALIZED (
    SELECT n.id, f.conversation FROM mention n JOIN found f ON f.id = n.message
    WHERE NOT n.notified AND f.deleted_at IS NULL ORDER BY n.id FOR NO KEY UPDATE OF n SKIP LOCKED
), busy AS MATERIALIZED (
    SELECT DISTINCT f.conversation FROM mention n JOIN found f ON f.id = n.message
    WHERE NOT n.notified AND f.deleted_at IS NULL AND n.id NOT IN (SELECT id FROM unnamed)
), changed AS MATERIALIZED (SELECT * FROM found WHERE conversation NOT IN (SELECT conversation FROM busy)),
moved AS (
    UPDATE notified n SET change = w.change,
           position = CASE WHEN w.many < {MOST_AT_ONCE} THEN greatest(n.position, w.position) ELSE n.position END
    FROM (
        SELECT conversation, max(change) AS change, max(position) AS position, count(*) AS many FROM changed
        GROUP BY conversation
    ) w WHERE n.conversation = w.conversation
    RETURNING n.conversation, w.many
), fresh AS MATERIALIZED (SELECT * FROM changed WHERE deleted_at IS NULL),
named AS (
    UPDATE mention n SET notified = true FROM unnamed u, fresh f WHERE n.id = u.id AND f.id = n.message
    RETURNING n.person, n.message
), meant AS MATERIALIZED (
    SELECT f.conversation, f.subject AS person, f.id, f.position, f.author, 0 AS reason FROM fresh f
    WHERE f.is_new AND f.event = 'added'
    UNION ALL
    SELECT f.conversation, m.person, f.id, f.position, f.author, 0
    FROM fresh f JOIN membership m ON m.conversation = f.conversation
    WHERE f.is_new AND f.event = 'created' AND m.joined_at <= f.created_at
    UNION ALL
    SELECT f.conversation, n.person, f.id, f.position, f.author, 1 FROM named n JOIN fresh f ON f.id = n.message
    UNION ALL
    SELECT f.conversation, m.person, f.id, f.position, f.author, 1
    FROM fresh f JOIN membership m ON m.conversation = f.conversation
    WHERE f.is_new AND f.mentions_all AND f.created_at >= m.joined_at
    UNION ALL
    SELECT f.conversation, q.author, f.id, f.position, f.author, 2 FROM fresh f JOIN message q ON q.id = f.reply_to
    WHERE f.is_new
    UNION ALL
    SELECT f.conversation, m.person, f.id, f.position, f.author,
           CASE f.where_kind WHEN 'announcements' THEN 3 ELSE 4 END
    FROM fresh f JOIN membership m ON m.conversation = f.conversation
    WHERE f.is_new AND f.kind <> 'system' AND f.where_kind IN ('direct', 'announcements')
      AND coalesce(m.level, 'everything') = 'everything'
    UNION ALL
    SELECT f.conversation, m.person, f.id, f.position, f.author, 5
    FROM fresh f JOIN membership m ON m.conversation = f.conversation AND m.level = 'everything'
    WHERE f.is_new AND f.kind <> 'system' AND f.where_kind NOT IN ('direct', 'announcements')
    UNION ALL
    SELECT f.conversation, m.person, f.id, f.position, f.author, 5
    FROM fresh f JOIN membership m ON m.conversation = f.conversation AND m.level IS NULL AND NOT m.of_team
    WHERE f.is_new AND f.kind <> 'system' AND f.where_kind = 'support'
), listening AS MATERIALIZED (
    SELECT m.conversation, m.person, {FURTHEST} AS furthest,
           ARRAY(
               SELECT b.blocked FROM block b WHERE b.person = m.person
               UNION ALL SELECT o.id FROM block b JOIN person o ON o.bot_owner = b.blocked WHERE b.person = m.person
           ) AS blocked
    FROM (SELECT DISTINCT conversation, person FROM meant) t
    JOIN membership m ON m.conversation = t.conversation AND m.person = t.person
    JOIN conversation c ON c.id = m.conversation AND {HERE}
    JOIN person p ON p.id = m.person AND p.deactivated_at IS NULL
    WHERE NOT {MUTED} AND NOT {ARCHIVED} AND {LEVEL} <> 'nothing'
), chosen AS (
    SELECT t.conversation, t.person, t.id, t.position, min(t.reason) AS reason
    FROM meant t JOIN listening m ON m.conversation = t.conversation AND m.person = t.person
    WHERE t.author <> t.person AND (t.position > m.furthest OR t.reason = 0) AND t.author <> ALL (m.blocked)
    GROUP BY t.conversation, t.person, t.id, t.position
), grouped AS (
    SELECT conversation, person, {KINDS} AS kind, count(*)::int AS many, min(position) AS first,
           max(position) AS last, array_agg(id ORDER BY position) AS told
    FROM chosen GROUP BY conversation, person, reason
), written AS (
INSERT INTO notification AS n (
    person, kind, conversation, actor, message, latest, position, many, told, in_app, mail_at, push_at
)
SELECT g.person, g.kind, g.conversation, l.author, f.id, l.id, g.last, g.many,
       {_first_and_last("g.told")}, {BY_APP},
       CASE WHEN {BY_MAIL} THEN now() + $4::interval END, CASE WHEN {BY_PUSH} THEN now() + $5::interval END
FROM grouped g
JOIN fresh f ON f.conversation = g.conversation AND f.position = g.first
JOIN fresh l ON l.conversation = g.conversation AND l.position = g.last
LEFT JOIN notification_settings s ON s.person = g.person
WHERE {BY_APP} OR {BY_MAIL} OR {BY_PUSH}
ORDER BY g.person
ON CONFLICT (person, conversation, kind) WHERE read_at IS NULL AND conversation IS NOT NULL DO UPDATE
SET actor = CASE WHEN excluded.position >= n.position THEN excluded.actor ELSE n.actor END,
    latest = CASE WHEN excluded.position >= n.position THEN excluded.latest ELSE n.latest END,
    position = greatest(n.position, excluded.position), many = n.many + excluded.many,
    told = {_first_and_last("n.told || excluded.told")},
    in_app = n.in_app OR excluded.in_app, updated_at = now(),
    mail_at = coalesce(n.mail_at, greatest(excluded.mail_at, n.mailed_at + $6::interval)),
    push_at = coalesce(n.push_at, greatest(excluded.push_at, n.pushed_at + $7::interval))
RETURNING n.id, n.person, n.kind
)
SELECT g.id, g.person, NULL::bigint AS conversation, NULL::bigint AS changed
FROM written g LEFT JOIN notification_settings s ON s.person = g.person WHERE {BY_APP}
UNION ALL SELECT NULL, NULL, conversation, NULL FROM moved WHERE many = {MOST_AT_ONCE}
UNION ALL SELECT NULL, NULL, conversation, NULL FROM busy
UNION ALL SELECT NULL, NULL, NULL, id FROM changed
WHERE deleted_at IS NOT NULL OR edited_at IS NOT NULL
"""


class Told(NamedTuple):
    """A notification that was written or grew, and whose it is; 0: what stands in their centre is not as it was."""

    id: int
    person: int


class Round(NamedTuple):
    """What one round found for the centre, and the conversations in which there is more to read."""

    told: list[Told]
    left: list[int]


async def gather(conversations: list[int]) -> Round:
    """Reads on in these conversations, and writes who is to be told. Another process may be at some of them: those are
    left, as are new ones, whose place is made first."""
    async with database.transaction():
        claimed = await database.fetch(CLAIM, conversations)
        left = sorted(set(conversations) - {row["conversation"] for row in claimed})
        if left:
            left = await _with_a_place(left)
        if not claimed:
            return Round([], left)
        work = [[row[column] for row in claimed] for column in ("conversation", "change", "position")]
        await database.fetch(CLOSE, work[0])
        waits = (MAIL_AFTER, PUSH_AFTER, MAIL_AGAIN_AFTER, PUSH_AGAIN_AFTER)
        rows = await database.fetch(WRITE, *work, *waits)
        gone = [row["conversation"] for row in claimed if row["gone"]]
        others = await shown.to_whom([row["changed"] for row in rows if row["changed"]], gone)
    more = [row["conversation"] for row in rows if row["conversation"]]
    told = [Told(row["id"], row["person"]) for row in rows if row["id"]]
    return Round(told + [Told(0, person) for person in others], left + more)


async def behind(limit: int) -> list[int]:
    """Conversations with changes that were not read yet: what hints that were lost would have told."""
    rows = await database.fetch(
        f"""
        SELECT c.id FROM conversation c LEFT JOIN notified n ON n.conversation = c.id
        WHERE c.change > coalesce(n.change, 0) AND {HERE} LIMIT $1
        """,
        limit,
    )
    return [row["id"] for row in rows]


async def _with_a_place(conversations: list[int]) -> list[int]:
    """Those of these that are there, each with a place to read on from: a new one at its beginning."""
    rows = await database.fetch(
        f"SELECT c.id FROM conversation c WHERE c.id = ANY($1) AND {HERE} ORDER BY c.id", conversations
    )
    found = [row["id"] for row in rows]
    await database.fetch(
        """
        INSERT INTO notified (conversation, change, position) SELECT unnest($1::bigint[]), 0, 0
        ON CONFLICT DO NOTHING
        """,
        found,
    )
    return found
