"""What counts as unread: exactly what others wrote, is not deleted, and comes after the read mark."""

import re

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import make_group, sidebar


async def test_what_others_write_counts_and_what_one_writes_oneself_does_not(cast: Cast) -> None:
    await cast.say(cast.olive, "one")
    await cast.say(cast.olive, "two")
    assert (await cast.unread(cast.milo), await cast.unread(cast.olive)) == (2, 0)


async def test_system_messages_do_not_count(cast: Cast) -> None:
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
    await cast.olive.api.patch(f"/conversations/{cast.chess}", json={"title": "Chess"})
    assert await cast.unread(cast.milo) == 0


async def test_deleted_messages_do_not_count_and_edited_ones_count_once(cast: Cast) -> None:
    gone, kept = await cast.say(cast.olive, "gone"), await cast.say(cast.olive, "kept")
    await cast.olive.api.patch(f"/messages/{kept['id']}", json={"body": "kept, better"})
    assert await cast.unread(cast.milo) == 2
    await cast.olive.api.delete(f"/messages/{gone['id']}")
    assert await cast.unread(cast.milo) == 1


async def test_a_group_that_one_is_put_into_has_nothing_unread_yet(cast: Cast) -> None:
    group = await make_group(cast.olive, cast.milo)
    assert (await sidebar(cast.milo))[group]["unread"] == 0
    await cast.say(cast.olive, "first", group)
    assert (await sidebar(cast.milo))[group]["unread"] == 1


async def test_the_count_is_exact_to_a_hundred_and_shown_as_99_plus_above_99(cast: Cast) -> None:
    async def more(many: int) -> None:
        await database.fetch(
            """
            WITH bumped AS (
                UPDATE conversation SET change = change + $3, position = position + $3 WHERE id = $1
                RETURNING change - $3 AS change, position - $3 AS position
            )
            INSERT INTO message (conversation, position, change, author, body)
            SELECT $1, b.position + n, b.change + n, $2, 'hello' FROM bumped b, generate_series(1, $3::bigint) n
            """,
            cast.chess,
            cast.olive.id,
            many,
        )

    async def badge() -> str:
        cast.milo.browser.cookies.set("scripts", "1")
        page = (await cast.milo.browser.get("/conversations")).text
        line = page[page.index(f'id="conversation-{cast.chess}"') :].split("</li>")[0]
        found = re.search(r'class="badge"><span aria-hidden="true">([^<]*)<', line)
        return found[1] if found else ""

    for many, count, shown in ((0, 0, ""), (98, 98, "98"), (1, 99, "99"), (1, 100, "99+"), (50, 100, "99+")):
        await more(many)
        assert (await cast.unread(cast.milo), await badge()) == (count, shown)
    view = (await cast.milo.api.get(f"/conversations/{cast.chess}")).json()
    assert view["unread"] == 100
