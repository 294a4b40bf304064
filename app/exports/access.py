"""May this person see this export? Every query for a person passes here.

It is theirs alone, and it is asked at each request anew: who has left a conversation, was removed or blocked sees no
export of it any more, not even one that was made before. By a token nobody sees all of a person's data: devices,
addresses and settings are not for programs (see `app/scopes.py`), and whoever finds a token must not take them along.
"""

from app.accounts.views import Me
from app.conversations.access import HERE

# Of an export `e`.
SEEN = f"""
    CASE e.kind
    WHEN 'conversation' THEN EXISTS (
        SELECT FROM membership m JOIN conversation c ON c.id = m.conversation AND {HERE}
        WHERE m.conversation = e.conversation AND m.person = e.person
    )
    WHEN 'audit' THEN EXISTS (
        SELECT FROM audit a JOIN person p ON p.id = a.person AND p.role = 'admin'
        WHERE a.export = e.id AND a.person = e.person AND a.conversation = e.conversation
    )
    ELSE true END
"""
# The same for whoever asks: $1 is the person, $2 what `kinds` gives.
MINE = f"e.person = $1 AND e.kind = ANY($2) AND {SEEN}"


def kinds(me: Me) -> list[str]:
    """Which kinds of exports they may see in this way: signed in, or by a token."""
    return [
        "conversation",
        *(["audit"] if me.is_admin else []),
        *(["person"] if me.scopes is None else []),
    ]
