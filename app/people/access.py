"""Which people a person may see. Every query for people on behalf of someone goes through here."""

from app.core import database


def visible(viewer: str, person: str = "p") -> str:
    """The condition under which the viewer (a parameter, such as $2) sees that person (a row such as `p`): the account
    is open, and neither of the two has blocked the other. A bot counts as itself and as its owner: else whoever was
    blocked would come back as their bot."""
    # Each by itself is an equality, which is looked up in an index or hashed.
    apart = " ".join(
        f"""
        AND NOT EXISTS (SELECT FROM block b WHERE b.person IN {both(viewer)} AND b.blocked = {person}.{column})
        AND NOT EXISTS (SELECT FROM block b WHERE b.person = {person}.{column} AND b.blocked IN {both(viewer)})
        """
        for column in ("id", "bot_owner")
    )
    return f"{person}.deactivated_at IS NULL {apart}"


def both(viewer: str) -> str:
    """The viewer and, of a bot, its owner: a list to stand after IN."""
    return f"({viewer}, (SELECT itself.bot_owner FROM person itself WHERE itself.id = {viewer}))"


async def hold(one: int, other: int) -> None:
    """Until the end of the transaction nothing changes between the two: no block, no new request, and neither leaves.
    Always in the same order, so that two who hold each other do not wait for ever."""
    await database.fetch("SELECT id FROM person WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", [one, other])
