"""A stretch of a conversation is read once for all who look at it, and is never shown when it is no longer so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from bs4 import BeautifulSoup

from app.core import database, i18n
from app.messages import retention, stretch
from tests.conftest import Actor, Cast, statements_of


async def page(who: Actor, where: int, query: str = "") -> str:
    """The messages on it: the names stand beside them too."""
    who.browser.cookies.set("scripts", "1")  # so that looking does not read
    answer = await who.browser.get(f"/conversations/{where}{query}")
    assert answer.status_code == 200
    found = BeautifulSoup(answer.text, "html5lib").select_one("#messages")
    return str(found)


async def bodies(who: Actor, where: int) -> list[str]:
    answer = await who.api.get(f"/conversations/{where}", params={"latest": True})
    return [message["body"] for message in answer.json()["messages"]]


@asynccontextmanager
async def elsewhere(cast: Cast) -> AsyncIterator[asyncpg.Connection]:
    """A connection as that of another process: it tells this one nothing."""
    connection = await asyncpg.connect(cast.server.settings.database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def names(connection: asyncpg.Connection) -> int:
    found: int = await connection.fetchval("SELECT coalesce(max(change), 0) FROM names")
    return found


async def test_two_who_look_share_one_read(cast: Cast) -> None:
    said = await cast.say(cast.olive, "for both")
    for who in (cast.milo, cast.mina):
        await who.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    first = await statements_of(cast.milo.api.get(f"/conversations/{cast.chess}"))
    assert await statements_of(cast.mina.api.get(f"/conversations/{cast.chess}")) == first - 1
    await cast.say(cast.milo, "and one more")
    await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"] + 1})
    assert await statements_of(cast.mina.api.get(f"/conversations/{cast.chess}")) == first


async def test_each_reads_in_their_own_language(cast: Cast) -> None:
    said = await cast.say(cast.olive, "for both")
    await cast.olive.api.patch(f"/messages/{said['id']}", json={"body": "for both of you"})
    query = "?latest=true"
    for _ in range(2):
        english, french = await page(cast.milo, cast.chess, query), await page(cast.mina, cast.chess, query)
        assert ("edited" in english, "modifié" in french, "modifié" in english) == (True, True, False)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ("name = 'Somebody Else'", "Somebody Else"),
        ("username = 'somebody_else'", 'href="/people/somebody_else"'),
        ("avatar = 'abcdef0123456789'", "/abcdef0123456789"),
    ],
)
async def test_another_name_or_picture_is_on_the_next_page_whoever_wrote_it(
    cast: Cast, change: str, shown: str
) -> None:
    await cast.say(cast.olive, "hello")
    async with elsewhere(cast) as connection:
        assert "hello" in await page(cast.milo, cast.chess)
        writing = connection.transaction()
        await writing.start()
        await connection.execute(f"UPDATE person SET {change} WHERE id = $1", cast.olive.id)
        assert shown not in await page(cast.milo, cast.chess), "it is not so yet"
        await writing.commit()
        assert shown in await page(cast.milo, cast.chess)


async def test_who_closed_their_account_is_no_longer_a_link_in_what_names_them(cast: Cast) -> None:
    await cast.say(cast.olive, "ask @milo")
    link = 'class="mention" href="/people/milo"'
    assert link in await page(cast.mina, cast.chess)
    async with elsewhere(cast) as connection:
        await connection.execute("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.milo.id)
    assert link not in await page(cast.mina, cast.chess)


async def test_what_was_deleted_or_edited_is_so_on_the_next_page(cast: Cast) -> None:
    said = await cast.say(cast.olive, "the old text")
    await cast.say(cast.milo, "an answer", reply_to=said["id"])
    assert (await page(cast.mina, cast.chess)).count("the old text") == 2, "the message and its quote"
    await cast.olive.api.patch(f"/messages/{said['id']}", json={"body": "the new text"})
    edited = await page(cast.mina, cast.chess)
    assert "the old text" not in edited
    assert edited.count("the new text") >= 2
    await cast.olive.api.delete(f"/messages/{said['id']}")
    assert "the new text" not in await page(cast.mina, cast.chess)
    assert "the new text" not in await bodies(cast.mina, cast.chess)


async def test_what_someone_types_is_never_taken_for_the_place_of_the_messages(cast: Cast) -> None:
    await cast.say(cast.olive, "said once")
    typed = {"body": "\0fragments\0 \0unread\0"}
    answer = await cast.milo.browser.post(f"/conversations/{cast.chess}/messages", data=typed)
    assert answer.status_code == 422
    assert answer.text.count("said once") == 1
    assert typed["body"] in answer.text, "it is kept"


async def test_who_was_removed_gets_nothing_of_what_is_kept(cast: Cast) -> None:
    await cast.say(cast.olive, "among us")
    assert "among us" in await page(cast.milo, cast.chess)
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    for who in (cast.milo, cast.oscar):
        assert (await who.api.get(f"/conversations/{cast.chess}")).status_code == 404


async def test_what_is_over_is_not_shown_from_what_is_kept(cast: Cast) -> None:
    said = await cast.say(cast.olive, "a year old")
    await cast.say(cast.olive, "of today")
    assert "a year old" in await bodies(cast.milo, cast.chess)
    await database.fetch(
        "UPDATE message SET created_at = now() - interval '400 days' WHERE conversation = $1 AND position <= $2",
        cast.chess,
        said["position"],
    )
    await retention.mark(365)
    shown = await bodies(cast.milo, cast.chess)
    assert "a year old" not in shown, "it is marked, and goes later"
    assert "of today" in shown


async def test_what_is_kept_is_bounded(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(12):
        await cast.say(cast.olive, f"{n} " + "long " * 300)
    monkeypatch.setattr(stretch._kept, "most", 100_000)
    seen: set[object] = set()
    for n in range(12):
        await page(cast.milo, cast.chess, f"?from={n + 1}")
        seen |= set(stretch._kept)
        assert sum(len(each) for each in stretch._kept.values()) <= 100_000 + max(map(len, stretch._kept.values()))
    assert len(stretch._kept) < 12 <= len(seen), "the older ones have gone"


async def test_a_stretch_holds_the_html_of_few_and_weighs_no_less_than_it(cast: Cast) -> None:
    for n in range(8):
        await cast.say(cast.olive, f"{n} " + "words " * 40)
    await page(cast.milo, cast.chess, "?latest=true")
    (kept,) = stretch._kept.values()
    for cut in range(len(kept.rows)):
        i18n.use(i18n.Locale("en", "UTC"))
        kept.html(i18n.current(), 0, cut), kept.html(i18n.current(), cut, len(kept.rows))
        assert len(kept._pieces) <= stretch.MOST_PIECES
        assert sum(len(piece) for piece in kept._pieces.values()) <= len(kept)


async def test_the_number_of_the_names_moves_with_them_and_with_nothing_else(cast: Cast) -> None:
    async with elsewhere(cast) as connection:
        before = await names(connection)
        for change in ("about = 'I play'", "name = name", "language = 'fr'", "blocks = blocks + 1"):
            await connection.execute(f"UPDATE person SET {change} WHERE id = $1", cast.milo.id)
        assert await names(connection) == before
        await connection.execute("UPDATE person SET name = 'Someone' WHERE id = $1", cast.milo.id)
        await connection.execute("UPDATE person SET role = 'teacher' WHERE id = $1", cast.milo.id)
        assert await names(connection) == before + 2


async def test_two_who_change_their_names_wait_for_each_other_at_the_very_end_only(cast: Cast) -> None:
    async def rename(connection: asyncpg.Connection, person: int) -> Any:
        return await connection.execute("UPDATE person SET name = 'Someone' WHERE id = $1", person)

    async with elsewhere(cast) as one, elsewhere(cast) as other:
        before = await names(one)
        async with asyncio.timeout(10):
            async with one.transaction():
                await rename(one, cast.milo.id)
                await rename(other, cast.mina.id)
                assert await names(other) == before + 1
        assert await names(other) == before + 2


async def test_what_is_over_is_not_quoted_from_the_mark_on(cast: Cast) -> None:
    """It is deleted a little later; what is kept until then must not have it."""
    old = await cast.say(cast.olive, "a year ago")
    answer = await cast.say(cast.milo, "an answer", reply_to=old["id"])
    assert (await page(cast.mina, cast.chess)).count("a year ago") == 2, "the message and its quote"
    await database.fetch("UPDATE conversation SET kept_after = $2 WHERE id = $1", cast.chess, old["position"])
    assert "a year ago" not in await page(cast.mina, cast.chess)
    assert (await cast.mina.api.get(f"/messages/{answer['id']}")).json()["quote"] is None
