"""The statements that keep a message: for one, for several at once, and for one that names people.

Each locks the sender's membership (who was removed meanwhile sends nothing), then takes the next position and change
under the conversation's row lock, then inserts.
"""

from app.conversations.access import HERE, NOT_LISTED
from app.people.policy import Policy, writers_sql

# By either policy. Nobody else's role is looked up.
MAY_ANNOUNCE = """
    (c.kind <> 'announcements' OR NOT EXISTS (SELECT FROM person a WHERE a.id = ANY($2) AND a.role <> 'admin'))
"""
MAY_ANNOUNCE_ONE = MAY_ANNOUNCE.replace("ANY($2)", "$2")
# Whoever asked has more to ask after it was closed: it is opened again first, in the sight of all.
OPEN = "(c.closed_at IS NULL OR c.owner IS NULL OR c.owner <> ALL($2))"
OPEN_ONE = OPEN.replace("ALL($2)", "$2")
# One of the team who answers has it in their list from then on: see `access.join_team`.
LISTED = f"archived_position = nullif(m.archived_position, {NOT_LISTED})"
# Whoever owns a group may address all of it, beside the staff, who may anywhere: that much of it is known before.
KEEPER = "CASE WHEN c.kind = 'group' THEN c.owner END AS keeper"
TO_ALL = "coalesce({every} = 2 OR ({every} = 1 AND b.keeper = {author}), false)"
ASKER = "CASE WHEN c.kind = 'support' THEN coalesce(c.owner, 0) END AS asker"

# $1 conversation, $2 authors, $3 keys, $4 bodies, $5 reply_to, $6 whether they are to all (see Draft). Memberships are
# locked in one order: no deadlock.
SEND = f"""
WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::bigint[], $6::int[])
    WITH ORDINALITY AS t (author, key, body, reply_to, every, n)
), gate AS MATERIALIZED (
    SELECT m.id, m.person FROM {{writers}} AND m.person = ANY($2)
    ORDER BY m.person FOR NO KEY UPDATE OF m
), fresh AS MATERIALIZED (
    SELECT g.*, row_number() OVER (ORDER BY n) AS nth FROM given g JOIN gate ON gate.person = g.author
    WHERE NOT EXISTS (SELECT FROM message x WHERE x.author = g.author AND x.key = g.key)
), bumped AS (
    UPDATE conversation c
    SET change = c.change + f.many, position = c.position + f.many, last_activity_at = clock_timestamp()
    FROM (SELECT count(*) AS many FROM fresh) f
    WHERE c.id = $1 AND {HERE} AND f.many > 0 AND {MAY_ANNOUNCE} AND {OPEN}
    RETURNING c.change - f.many AS change, c.position - f.many AS position, c.last_activity_at AS at, {ASKER},
              {KEEPER}
), marked AS (
    UPDATE membership m SET read_position = b.position + f.nth, {LISTED}
    FROM bumped b, (SELECT author, max(nth) AS nth FROM fresh GROUP BY author) f, gate
    WHERE m.id = gate.id AND gate.person = f.author
)
INSERT INTO message (conversation, position, change, author, key, body, reply_to, created_at, of_team, mentions_all)
SELECT $1, b.position + f.nth, b.change + f.nth, f.author, f.key, f.body, f.reply_to, b.at,
       coalesce(b.asker <> f.author, false), {TO_ALL.format(every="f.every", author="f.author")} FROM fresh f, bumped b
RETURNING id, position, change, author, key, created_at, of_team, mentions_all
"""

# The same where people are named: $7 and $8 author and key of each message that does, $9 whom by id, $10 by which name.
# Nothing is looked up here, in the midst of what others wait for.
_before, _insert, _rest = SEND.rpartition("INSERT INTO message")
SEND_NAMING = f"""
{_before.rstrip()}, kept AS ({_insert}{_rest}), noted AS (
    INSERT INTO mention (message, person, name)
    SELECT k.id, t.person, t.name
    FROM unnest($7::bigint[], $8::uuid[], $9::bigint[], $10::text[]) AS t (author, key, person, name)
    JOIN kept k USING (author, key)
) SELECT * FROM kept
"""

# The same for one message: no array, no window; a third less of Postgres' time.
SEND_ONE = f"""
WITH gate AS MATERIALIZED (
    SELECT m.id FROM {{writers}} AND m.person = $2 FOR NO KEY UPDATE OF m
), bumped AS (
    UPDATE conversation c SET change = c.change + 1, position = c.position + 1, last_activity_at = clock_timestamp()
    FROM gate WHERE c.id = $1 AND {HERE} AND {MAY_ANNOUNCE_ONE} AND {OPEN_ONE}
      AND NOT EXISTS (SELECT FROM message x WHERE x.author = $2 AND x.key = $3)
    RETURNING c.change, c.position, c.last_activity_at AS at, {ASKER},
              {KEEPER}
), marked AS (
    UPDATE membership m SET read_position = b.position, {LISTED} FROM bumped b, gate WHERE m.id = gate.id
)
INSERT INTO message (conversation, position, change, author, key, body, reply_to, created_at, of_team, mentions_all)
SELECT $1, b.position, b.change, $2, $3, $4, $5, b.at, coalesce(b.asker <> $2, false),
       {TO_ALL.format(every="$6::int", author="$2")} FROM bumped b
RETURNING id, position, change, author, key, created_at, of_team, mentions_all
"""

# Who may write, of those in the conversation. Where everyone may, nothing more is looked up.
WRITERS: dict[Policy, str] = {
    "open": "membership m WHERE m.conversation = $1",
    "school": f"""
        membership m JOIN person a ON a.id = m.person JOIN conversation c ON c.id = m.conversation
        WHERE m.conversation = $1 AND {writers_sql("school")}
    """,
}
SENDS = {policy: SEND.format(writers=writers) for policy, writers in WRITERS.items()}
SENDS_ONE = {policy: SEND_ONE.format(writers=writers) for policy, writers in WRITERS.items()}
SENDS_NAMING = {policy: SEND_NAMING.format(writers=writers) for policy, writers in WRITERS.items()}
