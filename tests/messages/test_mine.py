"""Everything that one wrote."""

from typing import Any

from tests.conftest import Actor, Cast
from tests.conversations.story import direct


async def mine(who: Actor, limit: int = 100) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        page = (await who.api.get("/messages", params=params)).json()
        found += page["messages"]
        if page["next"] is None:
            return found
        params["before"] = page["next"]


async def test_it_is_what_one_wrote_anywhere_the_newest_first(cast: Cast) -> None:
    here = await direct(cast.milo, cast.mina)
    await cast.say(cast.milo, "in the club")
    await cast.say(cast.mina, "hers", here)
    await cast.say(cast.milo, "between us", here)
    await cast.say(cast.milo, "to all", cast.general)
    assert [m["body"] for m in await mine(cast.milo)] == ["to all", "between us", "in the club"]
    assert [m["body"] for m in await mine(cast.mina)] == ["hers"]
    assert await mine(cast.oscar) == []


async def test_paging_gives_each_once(cast: Cast) -> None:
    for n in range(11):
        await cast.say(cast.milo, f"{n}")
    for limit in (1, 3, 10, 11, 100):
        assert [m["body"] for m in await mine(cast.milo, limit)] == [f"{n}" for n in range(10, -1, -1)]


async def test_what_was_deleted_or_stands_where_one_is_no_longer_is_not_in_it(cast: Cast) -> None:
    gone = await cast.say(cast.milo, "gone")
    await cast.milo.api.delete(f"/messages/{gone['id']}")
    await cast.say(cast.milo, "in the club")
    assert [m["body"] for m in await mine(cast.milo)] == ["in the club"]
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert await mine(cast.milo) == []


async def test_the_page_links_to_each_in_its_place(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "hello *you*")
    page = (await cast.milo.browser.get("/messages")).text
    assert f'href="/messages/{sent["id"]}"' in page
    assert "hello <em>you</em>" in page
    assert "You have not written anything yet." in (await cast.oscar.browser.get("/messages")).text
