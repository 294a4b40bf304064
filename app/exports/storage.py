"""How much room all exports may take up: the limit of a person bounds no database of a thousand people.

Counted is what the files have; the parts of it that are kept are packed, and take less.
"""

from app.core import database
from app.core.settings import Settings
from app.exports.out import PART

MEGABYTE = 1_000_000
# $1 is the length of a part.
USED = """
    SELECT coalesce(sum(CASE WHEN e.status = 'ready' THEN e.size
           ELSE (SELECT (max(p.number) + 1) * $1::bigint FROM export_part p WHERE p.export = e.id) END), 0)::bigint
    FROM export e WHERE e.status IN ('ready', 'working')
"""


async def is_full(settings: Settings) -> bool:
    """Whether the files that are ready, and what there is of those that are being made (of which there are never more
    than a few), take up all of it. One whose time is over counts until it is swept: until then it is there."""
    used: int = await database.fetch_value(USED, PART)
    return used >= settings.export_storage_mb * MEGABYTE
