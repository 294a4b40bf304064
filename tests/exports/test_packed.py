"""Parts of an export take little room where they can, and are the same when they are fetched."""

from __future__ import annotations

import os

import pytest

from app.core import database
from app.exports.out import PART, packed
from tests.conftest import Cast
from tests.exports.shelf import asked, fetched, make, script, shown


async def kept(export: int) -> tuple[int, bool]:
    """The bytes that its parts take up, and whether any is packed."""
    row = await database.fetch_row(
        "SELECT sum(length(bytes)), bool_or(packed) FROM export_part WHERE export = $1", export
    )
    assert row is not None
    return int(row[0]), bool(row[1])


async def test_text_is_kept_packed_and_comes_back_whole_and_in_stretches(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(cast, str(2 * PART + 12_345))
    export = await asked(cast.milo, cast.chess)
    await make(cast, export, monkeypatch)
    whole = await fetched(cast.milo, export)
    assert (len(whole), (await shown(cast.milo, export))["size"]) == (2 * PART + 12_345,) * 2
    size, any_packed = await kept(export)
    assert any_packed
    assert size < len(whole) / 5
    for start, end in ((0, 9), (PART - 5, PART + 5), (2 * PART + 1, len(whole) - 1)):
        asked_for = {"range": f"bytes={start}-{end}"}
        answer = await cast.milo.api.get(f"/exports/{export}/download", headers=asked_for)
        assert (answer.status_code, answer.content) == (206, whole[start : end + 1])


def test_what_packing_makes_no_shorter_stays_as_it_is() -> None:
    noise = os.urandom(PART)
    assert packed(noise) == (noise, False)


async def test_parts_of_before_are_served_as_they_are(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    script(cast, "1000")
    export = await asked(cast.milo, cast.chess)
    await make(cast, export, monkeypatch)
    whole = await fetched(cast.milo, export)
    await database.fetch("UPDATE export_part SET bytes = $2, packed = false WHERE export = $1", export, whole)
    assert await fetched(cast.milo, export) == whole
