"""On whose pages of this process someone's presence stands, and who of them may see it."""

from collections import defaultdict
from dataclasses import dataclass, field

from app.conversations.access import HERE
from app.conversations.queries import TAKES_PART
from app.core import database
from app.people.presence import Present

# So many people stand beside a conversation (`conversations.queries.glance`): by name, or of a crowd those who have
# been here longest.
SHOWN = 50
CROWD = 200


@dataclass(slots=True)
class Audience:
    """Of each person: the conversations in which pages show them, their direct partners who are connected here, whom
    a block keeps apart from them, and their contacts."""

    conversations: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    partners: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    apart: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    contacts: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def may_see(self, viewer: int, person: Present) -> bool:
        """The same rule as `people.presence.may_see`."""
        if viewer == person.id:
            return True
        if viewer in self.apart[person.id] or person.shown_to == "nobody":
            return False
        return person.shown_to == "everyone" or viewer in self.contacts[person.id]


async def audience(
    people: list[int], open_conversations: list[int], viewers: list[int], by_contacts: list[int]
) -> Audience:
    """One query for all of them; contacts of those alone for whom that matters (`by_contacts`)."""
    rows = await database.fetch(
        f"""
        SELECT 'conversations' AS what, m.person, m.conversation AS other FROM membership m
        JOIN conversation c ON c.id = m.conversation AND {HERE} AND (c.kind <> 'support' OR {TAKES_PART})
        WHERE m.person = ANY($1) AND m.conversation = ANY($2) AND m.person <= coalesce((
            SELECT CASE WHEN EXISTS (SELECT FROM membership z WHERE z.conversation = c.id OFFSET {CROWD}) THEN (
                SELECT y.person FROM membership y WHERE y.conversation = c.id
                ORDER BY y.person OFFSET {SHOWN - 1} LIMIT 1
            ) END
        ), m.person)
        UNION ALL
        SELECT 'partners', m.person, o.person FROM membership m
        JOIN conversation c ON c.id = m.conversation AND c.kind = 'direct' AND {HERE}
        JOIN membership o ON o.conversation = c.id AND o.person <> m.person AND o.person = ANY($3)
        WHERE m.person = ANY($1)
        UNION ALL
        SELECT 'apart', b.person, b.blocked FROM block b WHERE b.person = ANY($1)
        UNION ALL
        SELECT 'apart', b.blocked, b.person FROM block b WHERE b.blocked = ANY($1)
        UNION ALL
        SELECT 'contacts', k.asker, k.asked FROM contact k WHERE k.asker = ANY($4) AND k.accepted_at IS NOT NULL
        UNION ALL
        SELECT 'contacts', k.asked, k.asker FROM contact k WHERE k.asked = ANY($4) AND k.accepted_at IS NOT NULL
        """,
        people,
        open_conversations,
        viewers,
        by_contacts,
    )
    found = Audience()
    for row in rows:
        getattr(found, row["what"])[row["person"]].add(row["other"])
    return found
