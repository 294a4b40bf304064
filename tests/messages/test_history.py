"""History: pages backwards and forwards, and what changed since."""

import asyncio
import random
import re
from typing import Any

from bs4 import BeautifulSoup

from app.messages import queries
from tests.conftest import Actor, Cast
from tests.conversations.story import history


async def page(who: Actor, conversation: int, **params: int) -> dict[str, Any]:
    answer = await who.api.get(f"/conversations/{conversation}/messages", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def say_many(cast: Cast, many: int) -> list[int]:
    """So many messages, one after the other; their ids."""
    return [(await cast.say((cast.milo, cast.olive)[n % 2], f"number {n}"))["id"] for n in range(many)]


async def busy(cast: Cast, until: asyncio.Event, ids: list[int]) -> None:
    """People who write, edit and delete until they are told to stop."""
    dice = random.Random(3)
    while not until.is_set():
        kind = dice.choice(["send", "edit", "delete"])
        message = dice.choice(ids)
        if kind == "send":
            await cast.say(cast.mina, "meanwhile")
        elif kind == "edit":
            await cast.milo.api.patch(f"/messages/{message}", json={"body": f"edited {dice.random()}"})
        else:
            await cast.olive.api.delete(f"/messages/{message}")


async def test_alone_it_is_the_latest_page_oldest_first(cast: Cast) -> None:
    await say_many(cast, 60)
    found = await page(cast.mina, cast.chess)
    assert [m["body"] for m in found["messages"]] == [f"number {n}" for n in range(10, 60)]
    assert found["next"] == found["messages"][0]["position"]
    assert found["change"] == found["messages"][-1]["change"]


async def test_paging_back_gives_each_once_in_order_while_others_write_edit_and_delete(cast: Cast) -> None:
    ids = await say_many(cast, 60)
    until = asyncio.Event()
    others = [asyncio.create_task(busy(cast, until, ids)) for _ in range(3)]
    for limit in (1, 7, 25, 100):
        first = await page(cast.mina, cast.chess, limit=limit)
        seen = [m["position"] for m in first["messages"]]
        before = first["next"]
        while before is not None:
            found = await page(cast.mina, cast.chess, limit=limit, before=before)
            assert len(found["messages"]) <= limit
            seen = [m["position"] for m in found["messages"]] + seen
            before = found["next"]
        assert seen == list(range(1, seen[-1] + 1))
    until.set()
    await asyncio.gather(*others)


async def test_following_the_changes_ends_with_everything_as_it_is_while_others_write(cast: Cast) -> None:
    ids = await say_many(cast, 40)
    until = asyncio.Event()
    others = [asyncio.create_task(busy(cast, until, ids)) for _ in range(3)]
    known: dict[int, Any] = {}
    after, changes, rounds = 0, [], 0
    while rounds < 60 or not until.is_set() or after < (await page(cast.mina, cast.chess))["change"]:
        found = await page(cast.mina, cast.chess, after=after, limit=9)
        changes += [m["change"] for m in found["messages"]]
        known |= {m["id"]: m for m in found["messages"]}
        assert found["next"] in (None, *changes[-1:])
        after = changes[-1] if changes else after
        rounds += 1
        if rounds == 60:
            until.set()
            await asyncio.gather(*others)
    assert changes == sorted(set(changes))
    assert list(known) != ids
    everything = await history(cast.mina, cast.chess)
    assert sorted(known.values(), key=lambda m: int(m["position"])) == everything


async def test_what_changed_comes_by_change_and_next_is_null_at_the_end(cast: Cast) -> None:
    ids = await say_many(cast, 5)
    await cast.milo.api.patch(f"/messages/{ids[0]}", json={"body": "number 0, edited"})
    start = (await history(cast.mina, cast.chess))[-5]["change"]
    whole = await page(cast.mina, cast.chess, after=0)
    assert [m["change"] for m in whole["messages"]] == sorted(m["change"] for m in whole["messages"])
    assert whole["messages"][-1]["body"] == "number 0, edited"
    assert (whole["next"], whole["change"]) == (None, whole["messages"][-1]["change"])
    assert start == whole["change"]
    half = await page(cast.mina, cast.chess, after=0, limit=3)
    assert half["next"] == half["messages"][-1]["change"] < half["change"]
    nothing = await page(cast.mina, cast.chess, after=whole["change"])
    assert nothing == {"messages": [], "next": None, "change": whole["change"]}


async def test_the_ends_are_ends(cast: Cast) -> None:
    await say_many(cast, 3)
    for before in (0, 1):
        assert (await page(cast.mina, cast.chess, before=before))["messages"] == []
        assert (await page(cast.mina, cast.chess, before=before))["next"] is None
    assert [m["position"] for m in (await page(cast.mina, cast.chess, before=2))["messages"]] == [1]
    assert len((await page(cast.mina, cast.chess, before=2**62))["messages"]) == 5
    assert (await page(cast.mina, cast.chess, after=2**62))["messages"] == []


async def test_limits_and_places_that_cannot_be_are_refused(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/messages"
    both = ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "before=-1", "before=x", f"before={2**63}"]
    for asked in [f"{url}?{each}" for each in [*both, "after=-1", "after=1.5"]] + [f"/messages?{e}" for e in both]:
        assert (await cast.milo.api.get(asked)).status_code in (400, 422), asked
    for name in ("before", "after", "from"):
        assert (await cast.milo.api.get(f"{url}?{name}={2**63}")).status_code in (400, 422)
        assert (await cast.milo.api.get(f"{url}?{name}={'9' * 400}")).status_code in (400, 422)
    assert len((await page(cast.milo, cast.chess, limit=1))["messages"]) == 1


def shown(html: str) -> list[int]:
    return [int(place) for place in re.findall(r'<li class="message[^>]* data-position="(\d+)"', html)]


async def follow(who: Actor, link: str, pager: str) -> list[int]:
    """The positions on each page, from that one on by the links of plain HTML."""
    found: list[int] = []
    while link:
        html = (await who.browser.get(link)).text
        places = shown(html)
        found = places + found if pager == "older" else found + places
        button = BeautifulSoup(html, "html5lib").select_one(f"#messages > #{pager} a")
        link = str(button["href"]) if button else ""
    return found


async def test_without_scripts_the_links_lead_through_everything_once_both_ways(cast: Cast) -> None:
    await say_many(cast, 130)
    everything = list(range(1, 133))
    assert await follow(cast.mina, f"/conversations/{cast.chess}?latest=true", "older") == everything
    assert await follow(cast.mina, f"/conversations/{cast.chess}?from=1", "newer") == everything


async def test_with_htmx_each_way_gets_a_stretch_with_only_its_own_way_on(cast: Cast) -> None:
    await say_many(cast, 130)
    url = f"/conversations/{cast.chess}/messages"
    for params, places, on, not_on in (
        ("before=80", range(30, 80), "older", "newer"),
        ("from=40", range(40, 90), "newer", "older"),
    ):
        html = (await cast.mina.browser.get(f"{url}?{params}", headers={"hx-request": "true"})).text
        assert "<html" not in html
        assert shown(html) == list(places)
        assert f'id="{on}"' in html
        assert f'id="{not_on}"' not in html


async def test_a_message_says_what_the_contract_promises_and_no_more(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "hello")
    promised = (
        "id conversation_id position change author kind body html reply_to created_at edited_at deleted_at status"
    )
    assert sent.keys() == {*promised.split(), "event", "subject", "of_team", "quote", "mentions", "mentions_all"}
    assert sent["author"].keys() == {"id", "username", "name"}
    assert (await page(cast.mina, cast.chess))["messages"][-1] == sent


async def test_the_feeds_of_several_conversations_are_those_of_each(cast: Cast) -> None:
    for number in range(3):
        await cast.say(cast.milo, f"chess {number}")
        await cast.say(cast.milo, f"all {number}", cast.general)
    one, other = (cast.chess, 2), (cast.general, 0)
    expected = {pair: await queries.changed_since(*pair, 2) for pair in (one, other)}
    assert await queries.changed_in([one, other], 2) == expected
    assert len(expected[one]) == 2, "so many and no more of each"
    again = (cast.chess, 3)
    expected[again] = await queries.changed_since(*again, 2)
    assert await queries.changed_in([one, again, other], 2) == expected
    assert await queries.changed_in([(cast.chess, 10_000), other], 2) == {other: expected[other]}
