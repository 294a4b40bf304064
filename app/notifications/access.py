"""Which notifications count as read, of those that a person may see (`messages/told.py`).

Every query for a person goes through both.
"""

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
