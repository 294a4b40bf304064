"""Mentions: @username of someone who is there, and @all by those who may. What the text says is looked at once, when it
is sent or edited; who is mentioned is kept beside it.
"""

from collections.abc import Sequence

from app.accounts.views import Me
from app.conversations import access, lines
from app.conversations.access import OF_PERSON
from app.core import database, i18n, text
from app.messages import markup
from app.messages.lines import LINES, line
from app.messages.views import MentionsView, MentionView, NamedView
from app.people import policy
from app.people.access import visible
from app.people.queries import CARD
from app.people.views import PersonCard

# Of one message: nobody reads a text that names more.
MOST = 50
SUGGESTED = 8
# Of an edited text that names the people $4 by $5, and has the names $6 in it: who is named still stays (also who has
# left since), who is not goes, who is new is mentioned from then on.
REPLACED = """
    forgotten AS (
        DELETE FROM mention n USING changed k WHERE n.message = k.id AND n.name <> ALL($6) AND n.person <> ALL($4)
    ), noted AS (
        INSERT INTO mention (message, person, name)
        SELECT k.id, t.person, t.name FROM changed k CROSS JOIN unnest($4::bigint[], $5::text[]) AS t (person, name)
        ON CONFLICT (message, person) DO UPDATE SET name = excluded.name
    )
"""
# A message `x` that mentions $1, where they may still read it and have not blocked whoever wrote it.
READABLE = """
    x.deleted_at IS NULL AND x.author <> $1
    AND NOT EXISTS (SELECT FROM block b WHERE b.person = $1 AND b.blocked = x.author)
"""
MINE = f"""
    (SELECT x.id FROM mention n JOIN message x ON x.id = n.message
     WHERE n.person = $1 AND n.message < $2 AND {READABLE}
       AND EXISTS (SELECT FROM {OF_PERSON} WHERE m.conversation = x.conversation AND m.person = $1)
     ORDER BY n.message DESC LIMIT $3)
    UNION
    (SELECT a.id FROM {OF_PERSON} CROSS JOIN LATERAL (
        SELECT x.id FROM message x
        WHERE x.conversation = c.id AND x.mentions_all AND x.id < $2 AND x.created_at >= m.joined_at AND {READABLE}
        ORDER BY x.id DESC LIMIT $3
     ) a WHERE m.person = $1)
    ORDER BY id DESC LIMIT $3
"""


async def named(conversation: int, me: Me, names: Sequence[str]) -> dict[int, str]:
    """Those of the names that are of people in the conversation, by their ids, in the order of the names; without those
    between whom and the author is a block."""
    if not names:
        return {}
    rows = await database.fetch(
        f"""
        WITH p AS MATERIALIZED (
            SELECT id, username, bot_owner, deactivated_at FROM person WHERE username = ANY($2)
        )
        SELECT p.id, p.username FROM p JOIN membership m ON m.person = p.id AND m.conversation = $1
        WHERE {visible("$3")} ORDER BY p.username
        """,
        conversation,
        names,
        me.id,
    )
    return dict(map(tuple, rows))


def asked(me: Me, body: str) -> tuple[list[str], int]:
    """The names in a text of theirs that may mention someone; and whether it is to all: 2, if they own the group 1, or
    0 (see `sending.Draft`)."""
    names = markup.names(body)
    everyone = not markup.EVERYONE.isdisjoint(names)
    every = 0 if not everyone else 2 if me.role in policy.STAFF else 1
    return [name for name in names if name not in markup.EVERYONE][:MOST], every


async def mine(me: Me, before: int | None, limit: int) -> MentionsView:
    """Where they are mentioned by others, or all are who are where they are, the newest first."""
    rows = await database.fetch(f"{LINES} WHERE x.id IN ({MINE}) ORDER BY x.id DESC", me.id, before or 2**62, limit + 1)
    messages = [line(row).message for row in rows[:limit]]
    where = list({message.conversation_id for message in messages})
    heads = await lines.item_rows([me.id] * len(where), where) if where else {}
    titles = {conversation: lines.item(row).title for (_person, conversation), row in heads.items()}
    shown = [MentionView(each, titles[each.conversation_id]) for each in messages if each.conversation_id in titles]
    return MentionsView(shown, messages[-1].id if len(rows) > limit else None)


async def suggested(conversation: int, me: Me, typed: str) -> NamedView:
    """Whom they can mention there by what was typed so far: the beginning of a username or of a word of a name. Raises
    NotFound."""
    may = await access.member(conversation, me)
    typed = typed[:30] if text.storable(typed) else "\x01"
    start = text.fold(typed).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    rows = await database.fetch(
        f"""
        SELECT {CARD} FROM membership m JOIN person p ON p.id = m.person
        WHERE m.conversation = $1 AND p.id <> $2 AND ' ' || p.search_key LIKE $3 AND {visible("$2")}
        ORDER BY p.username NOT LIKE $4, p.search_key, p.id LIMIT $5
        """,
        conversation,
        me.id,
        f"% {start}%",
        f"{start}%",
        SUGGESTED,
    )
    people = [PersonCard(*row) for row in rows]
    own = "tous" if i18n.current().language == "fr" else "all"
    called = next((name for name in (own, "all", "tous") if name.startswith(typed.lower())), None)
    allowed = called is not None and (me.role in policy.STAFF or may.is_owner)
    return NamedView(people[: SUGGESTED - allowed], called if allowed else None)
