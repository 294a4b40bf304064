"""The file: whole, in stretches, under its right name; for whoever asked for it, as long as they may see it."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from app.core import database
from app.core.errors import NotFound
from app.exports import sweeping
from app.exports.out import PART
from app.exports.views import disposition, file_name, media_type
from app.exports.web.download import _pieces
from tests.conftest import PASSWORD, Cast, statements_of
from tests.exports.shelf import asked, fetched, ready, shown, state

DATA = bytes(range(256)) * (5 * PART // 512) + b"end"  # two parts and a half, and three bytes


async def test_it_comes_as_it_was_written_with_what_a_browser_has_to_know(cast: Cast) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    view = await shown(cast.milo, export)
    assert (view["status"], view["progress"], view["size"]) == ("ready", 1.0, len(DATA))
    answer = await cast.milo.api.get(view["url"])
    assert answer.content == DATA
    assert await fetched(cast.milo, export) == DATA
    headers = answer.headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["accept-ranges"] == "bytes"
    assert headers["etag"] == f'"{view["sha256"]}"'
    assert headers["content-disposition"].startswith('attachment; filename="Chess club 20')
    page = await cast.milo.browser.get(f"/exports/{export}")
    assert f'href="{view["url"]}"' in page.text


async def test_head_says_the_same_and_reads_no_part(cast: Cast) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    whole = await cast.milo.api.get(f"/exports/{export}/download")
    head = await cast.milo.api.head(f"/exports/{export}/download")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "content-disposition"):
        assert head.headers[name] == whole.headers[name]
    assert await statements_of(cast.milo.api.head(f"/exports/{export}/download")) < await statements_of(
        cast.milo.api.get(f"/exports/{export}/download")
    )


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        (f"bytes={PART - 1}-{PART}", PART - 1, PART + 1),
        (f"bytes={PART}-{2 * PART - 1}", PART, 2 * PART),
        (f"bytes={PART + 5}-", PART + 5, len(DATA)),
        ("bytes=-3", len(DATA) - 3, len(DATA)),
        (f"bytes=-{9 * PART}", 0, len(DATA)),
        (f"bytes=10-{99 * PART}", 10, len(DATA)),
    ],
)
async def test_a_stretch_can_be_had(cast: Cast, wanted: str, first: int, end: int) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    answer = await cast.milo.api.get(f"/exports/{export}/download", headers={"range": wanted})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(DATA)}"
    assert answer.content == DATA[first:end]
    assert answer.headers["content-length"] == str(end - first)


@pytest.mark.parametrize("wanted", [f"bytes={len(DATA)}-", f"bytes={len(DATA) + 7}-{len(DATA) + 9}", "bytes=-0"])
async def test_a_stretch_behind_the_end_is_refused_with_the_length(cast: Cast, wanted: str) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    answer = await cast.milo.api.get(f"/exports/{export}/download", headers={"range": wanted})
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(DATA)}")
    assert answer.content == b""


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "lines=1-2", "bytes=9-3", "bytes=-", "bytes=x-", "bytes=٣-٤"])
async def test_what_is_no_single_stretch_gets_the_whole(cast: Cast, wanted: str) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    answer = await cast.milo.api.get(f"/exports/{export}/download", headers=[(b"range", wanted.encode())])
    assert (answer.status_code, len(answer.content)) == (200, len(DATA))


async def test_a_download_that_broke_off_goes_on_only_with_the_same_file(cast: Cast) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    etag = (await cast.milo.api.head(f"/exports/{export}/download")).headers["etag"]
    path = f"/exports/{export}/download"
    same = await cast.milo.api.get(path, headers={"range": "bytes=5-", "if-range": etag})
    assert (same.status_code, same.content) == (206, DATA[5:])
    for other in ('"another"', f"W/{etag}", "Sat, 21 Nov 2026 12:00:00 GMT"):
        whole = await cast.milo.api.get(path, headers={"range": "bytes=5-", "if-range": other})
        assert (whole.status_code, whole.content) == (200, DATA)


async def test_an_empty_file_is_one_too(cast: Cast) -> None:
    export = await ready(cast.milo, cast.chess, b"")
    assert await fetched(cast.milo, export) == b""
    answer = await cast.milo.api.get(f"/exports/{export}/download", headers={"range": "bytes=0-"})
    assert answer.status_code == 416


async def test_until_it_is_ready_there_is_nothing(cast: Cast) -> None:
    export = await asked(cast.milo, cast.chess)
    for status in ("queued", "working", "failed", "cancelled"):
        await database.fetch("UPDATE export SET status = $2 WHERE id = $1", export, status)
        await database.fetch("INSERT INTO export_part VALUES ($1, 0, 'half') ON CONFLICT DO NOTHING", export)
        assert (await cast.milo.api.get(f"/exports/{export}/download")).status_code == 404
        assert (await shown(cast.milo, export))["url"] is None


@pytest.mark.parametrize("how", ["left", "removed", "deleted"])
async def test_who_is_no_longer_in_the_conversation_gets_none_of_it(cast: Cast, how: str) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    if how == "left":
        await cast.milo.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    elif how == "removed":
        await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    else:
        await cast.olive.api.delete(f"/conversations/{cast.chess}")
    for path in (f"/exports/{export}", f"/exports/{export}/download"):
        assert (await cast.milo.api.get(path)).status_code == 404
        assert (await cast.milo.api.get(path, headers={"range": "bytes=0-9"})).status_code == 404
    assert (await cast.milo.api.get("/exports")).json()["exports"] == []
    if how == "removed":
        await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "milo"})
        assert await fetched(cast.milo, export) == DATA


async def test_who_is_removed_while_a_file_is_on_its_way_gets_no_more_of_it(cast: Cast) -> None:
    export = await ready(cast.milo, cast.chess, DATA)
    pieces = _pieces(export, 0, len(DATA))
    assert await anext(pieces) == DATA[:PART]
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    with pytest.raises(NotFound):
        await anext(pieces)


async def test_after_a_block_neither_of_the_two_gets_what_was_between_them(cast: Cast) -> None:
    direct = (await cast.milo.api.put("/direct/mina", json={})).json()["id"]
    exports = [(who, await ready(who, direct, DATA)) for who in (cast.milo, cast.mina)]
    await cast.mina.api.put("/people/milo/block")
    for who, export in exports:
        assert (await who.api.get(f"/exports/{export}/download")).status_code == 404


async def test_whoever_closes_or_deletes_their_account_leaves_no_export_behind(cast: Cast) -> None:
    first, second = await ready(cast.milo, cast.chess, DATA), await ready(cast.mina, None, DATA)
    kept = await ready(cast.olive, cast.chess, DATA)
    await cast.milo.api.post("/me/deactivate", json={"current": PASSWORD})
    answer = await cast.mina.api.request("DELETE", "/me", json={"current": PASSWORD})
    assert answer.status_code == 204, answer.text
    assert [await state(each) for each in (first, second)] == ["gone", "gone"]
    assert await database.fetch_value("SELECT count(*) FROM export_part WHERE export <> $1", kept) == 0


async def test_after_seven_days_the_file_goes_and_weeks_later_the_line_too(cast: Cast) -> None:
    export, younger = await ready(cast.milo, cast.chess, DATA), await ready(cast.milo, None, DATA)
    view = await shown(cast.milo, export)
    assert view["expires_at"][:10] != view["asked_at"][:10]
    lasts = await database.fetch_value("SELECT expires_at - ended_at FROM export WHERE id = $1", export)
    assert lasts == timedelta(days=7)
    await database.fetch("UPDATE export SET expires_at = now() - interval '1 second' WHERE id = $1", export)
    # Also before anybody sweeps.
    assert (await cast.milo.api.get(f"/exports/{export}/download")).status_code == 404
    assert (await shown(cast.milo, export))["status"] == "expired"
    await sweeping.sweep()
    assert [await state(each) for each in (export, younger)] == ["expired 0", "ready 3"]
    assert "deleted after a week" in (await cast.milo.browser.get(f"/exports/{export}")).text
    await database.fetch("UPDATE export SET asked_at = now() - interval '31 days'")
    await sweeping.sweep()
    assert [await state(each) for each in (export, younger)] == ["gone", "ready 3"]


async def test_what_no_job_works_on_any_more_is_said_to_have_failed(cast: Cast) -> None:
    export, fresh = await asked(cast.milo, cast.chess), await asked(cast.milo, cast.chess)
    await database.fetch("UPDATE export SET asked_at = now() - interval '4 days' WHERE id = $1", export)
    await sweeping.sweep()
    assert [await state(each) for each in (export, fresh)] == ["failed 0", "queued 0"]


async def test_a_large_file_is_sent_in_the_memory_of_a_part(cast: Cast) -> None:
    export = await ready(cast.milo, cast.chess, b"x" * (40 * PART))
    path = f"/exports/{export}/download"
    await cast.milo.api.head(path)
    tracemalloc.start()
    try:
        size = 0
        async with cast.milo.api.stream("GET", path) as answer:
            async for piece in answer.aiter_raw():
                size += len(piece)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 40 * PART
    assert peak < 12 * PART, peak


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Chess club", "Chess club 2026-11-21.pdf"),
        ("Élèves de 6ᵉ — été", "Élèves de 6ᵉ — été 2026-11-21.pdf"),
        ("نادي الشطرنج", "نادي الشطرنج 2026-11-21.pdf"),
        ("将棋クラブ", "将棋クラブ 2026-11-21.pdf"),
        ("../../etc/passwd\0", "etc passwd 2026-11-21.pdf"),
        ('a\\b:c*d?e"f<g>h|i', "a b c d e f g h i 2026-11-21.pdf"),
        ("evil\u202efdp.exe\r\nx: y", "evilfdp.exe x y 2026-11-21.pdf"),
        ("...", "Causerie 2026-11-21.pdf"),
        ("", "Causerie 2026-11-21.pdf"),
        ("\u200b\u2066", "Causerie 2026-11-21.pdf"),
        ("100%", "100 2026-11-21.pdf"),
    ],
)
def test_a_file_has_its_name_in_any_script_and_no_other(title: str, name: str) -> None:
    found = file_name(title, datetime(2026, 11, 21, tzinfo=UTC), "pdf")
    assert found == name
    header = disposition(found)
    assert header.isascii()
    assert header.isprintable()
    assert unquote(header.partition("filename*=UTF-8''")[2]) == name
    plain = header.partition('filename="')[2].partition('"')[0]
    assert plain.endswith("2026-11-21.pdf")
    assert plain[0].isalnum()


def test_no_name_is_longer_than_file_systems_take() -> None:
    for title in ("字" * 500, "👩‍👩‍👧" * 100, "x" * 1000):
        assert len(file_name(title, datetime.now(UTC), "json").encode()) < 220


def test_each_format_has_its_type() -> None:
    types = [media_type(f"x.{ending}") for ending in ("pdf", "csv", "json", "zip")]
    assert types == ["application/pdf", "text/csv; charset=utf-8", "application/json", "application/zip"]
