"""Which notifications a person may see, and which of them count as read. Every query for a person goes through both,
also the export of what is kept of them.

Rights are looked up when it is shown, not when it was written: who has left a conversation, or blocked somebody, is
told nothing more of it, and of a text that was deleted nobody sees any.
"""

from app.conversations.access import HERE
from app.people.access import visible

# A notification `n` with what it is about: its conversation `c` and the membership `m` of its person, the latest
# message `x` of those that it tells of and they may see (with the first of these, how many they are, and whether any
# was not mailed or pushed yet), and `p`, who wrote that or else did it. The messages are found by their numbers alone:
# were their conversation named too, Postgres might read a long one backwards. A bot of somebody blocked is blocked.
JOINED = f"""
    notification n
    LEFT JOIN membership m ON m.conversation = n.conversation AND m.person = n.person
    LEFT JOIN conversation c ON c.id = m.conversation AND {HERE}
    LEFT JOIN LATERAL (
        SELECT x.*, first_value(x.id) OVER (ORDER BY x.position) AS first, count(*) OVER () AS seen,
               bool_or(x.id <> ALL (n.mailed)) OVER () AS unmailed, bool_or(x.id <> ALL (n.pushed)) OVER () AS unpushed
        FROM message x JOIN person a ON a.id = x.author
        WHERE x.id = ANY(n.told) AND x.deleted_at IS NULL AND c.id IS NOT NULL AND x.position > c.kept_after
          AND NOT EXISTS (SELECT FROM block b WHERE b.person = n.person AND b.blocked IN (a.id, a.bot_owner))
        ORDER BY x.position DESC LIMIT 1
    ) x ON true
    JOIN person p ON p.id = coalesce(x.author, n.actor)
"""
SEEN = f"""
    CASE WHEN n.conversation IS NOT NULL THEN x.id IS NOT NULL
         WHEN n.kind = 'contact_request'
         THEN {visible("n.person")} AND EXISTS (
             SELECT FROM contact k WHERE k.asker = n.actor AND k.asked = n.person
               AND k.accepted_at IS NULL AND k.declined_at IS NULL
         )
         WHEN n.export IS NOT NULL
         THEN EXISTS (
             SELECT FROM export e WHERE e.id = n.export AND CASE e.kind
                 WHEN 'conversation' THEN EXISTS (
                     SELECT FROM membership m JOIN conversation c ON c.id = m.conversation AND {HERE}
                     WHERE m.conversation = e.conversation AND m.person = n.person
                 )
                 WHEN 'audit' THEN EXISTS (SELECT FROM person a WHERE a.id = n.person AND a.role = 'admin')
                 ELSE true END
         )
         ELSE {visible("n.person")} END
"""
# Of how many: of those that it knows the ones that they may see, and the rest.
MANY = "n.many - cardinality(n.told) + coalesce(x.seen, 0)::int"

# How far a member has ever read.
FURTHEST = "greatest(m.seen_position, m.read_position)"


def _read(place: str) -> str:
    return f"""
        (n.read_at IS NOT NULL OR coalesce(
            CASE n.kind WHEN 'invitation' THEN {FURTHEST} > n.position
            ELSE {place} >= coalesce(x.position, n.position) END, false))
    """


# Marked as read, or the latest message is; an invitation, with anything that came after it. What was read once is not
# mailed or pushed any more, also when its conversation was marked unread again: then it is unread in the centre alone.
READ = _read(FURTHEST)
READ_IN_CENTRE = _read("m.read_position")
