"""Who looks at something that is no longer so: what stands in their centre was edited or deleted.

Who is put out of a conversation, or blocks somebody, is sent the present state of everything anyway."""

from app.core import database

# Of these messages and these conversations, which are gone.
SHOWN = """
    SELECT n.person FROM (
        SELECT conversation, array_agg(id) AS ids FROM message WHERE id = ANY($1) GROUP BY conversation
    ) x JOIN notification n ON n.conversation = x.conversation AND n.told && x.ids
    WHERE n.in_app
    UNION SELECT n.person FROM notification n WHERE n.conversation = ANY($2) AND n.in_app
"""


async def to_whom(changed: list[int], gone: list[int]) -> list[int]:
    """The people whose centre tells of one of these messages, which were changed, or of one of these conversations,
    which are deleted. Mostly there are none of these, and nothing is asked."""
    if not changed and not gone:
        return []
    return [row["person"] for row in await database.fetch(SHOWN, changed, gone)]
