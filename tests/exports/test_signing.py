"""The worker signs for the program that makes an export, and only a manifest of that very export."""

from datetime import UTC, datetime

import msgspec
import pytest

from app.core import database
from app.exports import manifest
from app.exports.manifest import Before
from app.exports.model import Order
from app.exports.program import order as order_of
from app.exports.signing import Guarded
from tests.conftest import Cast
from tests.exports.story import head, pair

KEY, PUBLIC = pair()


async def row_of(cast: Cast) -> database.Row:
    """An export that a program makes at this moment."""
    row = await database.fetch_row(
        """
        WITH made AS (
            INSERT INTO export (person, kind, conversation, title, format, archive, paper, language, time_zone, status)
            VALUES ($1, 'conversation', $2, 'Chess club', 'json', true, 'a4', 'en', 'UTC', 'working') RETURNING *
        )
        SELECT made.*, p.username, p.name FROM made JOIN person p ON p.id = made.person
        """,
        cast.milo.id,
        cast.chess,
    )
    assert row is not None
    return row


def said_of(asked: Order, **other: object) -> bytes:
    about = msgspec.structs.replace(head(asked), conversation_id=asked.conversation or 0)
    made = manifest.of(asked, about, KEY.id, [], Before(0, ""))
    return manifest.encode(msgspec.structs.replace(made, **other))


async def test_a_manifest_of_the_export_is_signed(cast: Cast) -> None:
    row = await row_of(cast)
    said = said_of(order_of(row))
    assert PUBLIC.signed(said, await Guarded(KEY, row).sign(said))


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "audit"},
        {"format": "pdf"},
        {"key": "another"},
        {"asked_by": manifest.Asker(1, "milo", "Milo Member")},
        {"conversation": None},
        {"from_": datetime(2026, 1, 1, tzinfo=UTC)},
        {"to": datetime(2026, 1, 1, tzinfo=UTC)},
        {"conversation": manifest.Conversation(1, "group", "Chess club")},
    ],
)
async def test_one_that_says_something_else_is_not(cast: Cast, other: dict[str, object]) -> None:
    row = await row_of(cast)
    assert await Guarded(KEY, row).sign(said_of(order_of(row), **other)) == b""


async def test_nor_is_one_of_another_export_or_anything_else(cast: Cast) -> None:
    row, later = await row_of(cast), await row_of(cast)
    for said in (said_of(order_of(later)), b"I owe you 100 EUR", b"", b"{}"):
        assert await Guarded(KEY, row).sign(said) == b""
