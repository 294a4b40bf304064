"""Which notifications a person may see. Every query for a person goes through here.

Rights are looked up when it is shown, not when it was written: who has left a conversation, or blocked somebody, is
told nothing more of it, and of a text that was deleted nobody sees any.
"""

from app.conversations.access import HERE
from app.people.access import visible

# A notification `n` with what it is about: its conversation `c` and the membership `m` of its person, its latest
# message `x` and who wrote that (the actor) `p`.
JOINED = f"""
    notification n
    JOIN person p ON p.id = n.actor
    LEFT JOIN membership m ON m.conversation = n.conversation AND m.person = n.person
    LEFT JOIN conversation c ON c.id = m.conversation AND {HERE}
    LEFT JOIN message x ON x.id = n.latest AND x.conversation = c.id
"""
SEEN = f"""
    CASE WHEN n.conversation IS NOT NULL
         THEN c.id IS NOT NULL AND x.id IS NOT NULL AND (x.deleted_at IS NULL OR n.many > 1)
              AND NOT EXISTS (SELECT FROM block b WHERE b.person = n.person AND b.blocked = n.actor)
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
# Marked as read, or its latest message is.
READ = "(n.read_at IS NOT NULL OR (n.kind <> 'invitation' AND coalesce(m.read_position >= n.position, false)))"
