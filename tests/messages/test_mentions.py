"""Mentions: who is meant by @name and @all, who is not, and where one finds them."""

import asyncio
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup

from app.core import database
from app.messages import erasing, markup
from app.messages.lines import LINES
from app.messages.markup import Mentions
from app.messages.mentions import MINE
from tests.conftest import Actor, Cast, statements_of
from tests.conversations.story import direct, history
from tests.live.test_page_equals_feed import check
from tests.messages.test_plans import assert_bounded, plan
from tests.streams import following

MILO = Mentions((("milo", "milo"),))
LINK = '<a class="mention" href="/people/milo">@{}</a>'
TABLE = {
    "alone": ("@milo", LINK.format("milo")),
    "as it was typed": ("Hi @MiLo!", f"Hi {LINK.format('MiLo')}!"),
    "twice": ("@milo, @milo.", f"{LINK.format('milo')}, {LINK.format('milo')}."),
    "in brackets": ("(@milo)", f"({LINK.format('milo')})"),
    "emphasised": ("**@milo** _@milo_", f"<strong>{LINK.format('milo')}</strong> <em>{LINK.format('milo')}</em>"),
    "on two lines": ("@milo\n@milo", f"{LINK.format('milo')}<br>\n{LINK.format('milo')}"),
    "beside a dash": ("@milo's, @milo-", f"{LINK.format('milo')}'s, {LINK.format('milo')}-"),
    "another name": ("@milos @mil @milo.b @milo_b @milo-b", "@milos @mil @milo.b @milo_b @milo-b"),
    "of another script": ("@miloé é@milo @ｍilo", "@miloé é@milo @ｍilo"),
    "in a word": ("a@milo 1@milo +@milo -@milo /@milo @@milo", "a@milo 1@milo +@milo -@milo /@milo @@milo"),
    "with a host": ("@milo@example.org", None),
    "in code": ("`@milo`", "<code>@milo</code>"),
    "escaped": (r"\@milo", None),
    "in a link": ("https://a.bc/@milo", None),
    "html": ('<span class="mention">@milo</span>', None),
}


@pytest.mark.parametrize("typed", TABLE)
def test_what_is_typed_becomes(typed: str) -> None:
    body, html = TABLE[typed]
    assert "mention" not in markup.render(body).replace("&quot;mention&quot;", "").replace('class="mention"', "forged")
    shown = markup.render(body, MILO)
    if html is not None:
        assert shown == f"<p>{html}</p>"
    elif html is None and typed != "html":
        assert "mention" not in shown
    if typed == "html":  # what is typed is text; the name in it is a name all the same
        assert shown == f'<p>&lt;span class="mention"&gt;{LINK.format("milo")}&lt;/span&gt;</p>'
    assert ("milo" in markup.names(body)) == ('class="mention" href' in shown)


def test_all_is_marked_when_it_is_to_all_alone() -> None:
    assert markup.render("@all @Tous @milo") == "<p>@all @Tous @milo</p>"
    shown = markup.render("@all @Tous @milo", Mentions((), everyone=True))
    mark = '<span class="mention mention-all">@{}</span>'
    assert shown == f"<p>{mark.format('all')} {mark.format('Tous')} @milo</p>"


def test_names_in_fences_and_without_end_are_nobody() -> None:
    assert markup.names("```\n@milo\n```") == []
    assert markup.names("@" + "a" * 40) == []
    assert markup.names("@" * 2000 + "milo") == []
    assert len(markup.names(" ".join(f"@name{n}" for n in range(300)))) == 300


async def mentions(who: Actor, **params: Any) -> dict[str, Any]:
    answer = await who.api.get("/mentions", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def bodies(who: Actor) -> list[str]:
    return [each["message"]["body"] for each in (await mentions(who))["mentions"]]


async def rows() -> list[tuple[int, int]]:
    found = await database.fetch("SELECT message, person FROM mention ORDER BY message, person")
    return [(row[0], row[1]) for row in found]


async def test_members_are_mentioned_and_others_stay_text(cast: Cast) -> None:
    sent = await cast.say(cast.olive, "@Milo and @oscar, @remy, @nobody, @mina: hello")
    assert sent["mentions"] == ["milo", "mina"]
    assert sent["mentions_all"] is False
    assert '<a class="mention" href="/people/milo">@Milo</a> and @oscar, @remy, @nobody, ' in sent["html"]
    assert (await history(cast.mina, cast.chess))[-1] == sent
    assert await rows() == sorted((sent["id"], who.id) for who in (cast.milo, cast.mina))
    page = (await cast.mina.browser.get(f"/conversations/{cast.chess}")).text
    assert '<a class="mention" href="/people/mina">@mina</a>' in page


@pytest.mark.parametrize("one", ["milo", "olive"])
async def test_who_is_blocked_either_way_is_not_mentioned(cast: Cast, one: str) -> None:
    other = "olive" if one == "milo" else "milo"
    await getattr(cast, one).api.put(f"/people/{other}/block")
    assert (await cast.say(cast.olive, "@milo @mina"))["mentions"] == ["mina"]


async def test_all_is_for_the_owner_teachers_and_administrators(cast: Cast) -> None:
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", cast.mina.id)
    for who, spelling, may in (
        (cast.olive, "@all", True),
        (cast.mina, "@tous", True),
        (cast.milo, "@all", False),
        (cast.milo, "@Tous", False),
    ):
        sent = await cast.say(who, f"{spelling}: hello")
        assert sent["mentions_all"] is may, who.name
        assert ("mention-all" in sent["html"]) is may
        assert (await history(cast.milo, cast.chess))[-1] == sent
    assert (await cast.say(cast.ada, "@ALL: hello", cast.general))["mentions_all"] is True
    assert (await cast.say(cast.olive, "@all: hello", cast.general))["mentions_all"] is False
    assert await rows() == [], "one mark, never a row for each"


async def test_sends_at_once_share_no_mention(cast: Cast) -> None:
    texts = ["@milo", "@all", "plain", "@mina", "@all", "plain", "plain", "@milo @mina"]
    for who, every in ((cast.olive, True), (cast.milo, False)):
        sent = await asyncio.gather(*(cast.say(who, text) for text in texts))
        for text, message in zip(texts, sent, strict=True):
            assert message["mentions_all"] is (every and text == "@all")
            assert message["mentions"] == [name for name in ("milo", "mina") if name in text]
            assert (await cast.mina.api.get(f"/messages/{message['id']}")).json() == message


async def test_an_edit_adds_and_takes_away_and_a_deletion_takes_all(cast: Cast) -> None:
    sent = await cast.say(cast.olive, "@milo")
    for body, names, every in (
        ("@milo @mina", ["milo", "mina"], False),
        ("@mina @all", ["mina"], True),
        ("@oscar", [], False),
        ("@milo @all", ["milo"], True),
    ):
        told = (await cast.olive.api.patch(f"/messages/{sent['id']}", json={"body": body})).json()
        assert (told["mentions"], told["mentions_all"]) == (names, every), body
        assert len(await rows()) == len(names)
    gone = (await cast.olive.api.delete(f"/messages/{sent['id']}")).json()
    assert (gone["mentions"], gone["mentions_all"]) == ([], False)
    assert await rows() == []
    assert await bodies(cast.milo) == []


async def test_the_same_key_again_mentions_once(cast: Cast) -> None:
    key = "0b9d3a1e-8a0e-4c26-a7d8-7d8d3a6a2c11"
    first = await cast.say(cast.olive, "@milo @all", key=key)
    assert await cast.say(cast.olive, "@milo @all", key=key) == first
    assert len(await rows()) == 1


async def test_who_is_called_otherwise_by_now_is_still_linked(cast: Cast) -> None:
    sent = await cast.say(cast.olive, "@milo")
    await cast.mina.browser.get(f"/conversations/{cast.chess}")  # so that it was rendered once
    await cast.milo.api.patch("/me", json={"username": "milo.two"})
    told = (await cast.mina.api.get(f"/messages/{sent['id']}")).json()
    assert told["mentions"] == ["milo.two"]
    link = '<a class="mention" href="/people/milo.two">@milo</a>'
    assert told["html"] == f"<p>{link}</p>"
    assert link in (await cast.olive.browser.get(f"/conversations/{cast.chess}")).text


async def test_who_closed_their_account_is_a_name_again(cast: Cast) -> None:
    sent = await cast.say(cast.olive, "@milo")
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.milo.id)
    told = (await cast.mina.api.get(f"/messages/{sent['id']}")).json()
    assert (told["mentions"], told["html"]) == ([], "<p>@milo</p>")


async def test_texts_that_go_with_their_author_mention_nobody(cast: Cast) -> None:
    await cast.say(cast.olive, "@milo @all")
    await erasing.erase_texts(cast.olive.id)
    assert await rows() == []
    assert await bodies(cast.milo) == []


async def test_an_open_page_shows_it(cast: Cast) -> None:
    sent = await cast.say(cast.olive, "hello")
    url = f"/messages/{sent['id']}"
    await check(cast, cast.mina, lambda _: cast.say(cast.olive, "@mina @all @oscar"))
    await check(cast, cast.mina, lambda _: cast.olive.api.patch(url, json={"body": "@mina"}))
    async with following(cast.server, cast.mina, f"{cast.chess}:{sent['change']}") as feed:
        await feed.until(lambda f: bool(f.named("message")))
        assert feed.named("message")[0].json["mentions"] == ["mina"]


async def test_each_page_says_who_its_reader_is(cast: Cast) -> None:
    for who in (cast.milo, cast.mina):
        page = BeautifulSoup((await who.browser.get("/conversations")).text, "html5lib")
        style = next(str(link["href"]) for link in page.select("link") if str(link["href"]).startswith("/me.css"))
        assert f'.mention[href="/people/{who.username}"]' in (await who.browser.get(style)).text
        assert f"name={who.username}" in style, "a new name is a new address"


async def test_my_mentions_are_those_of_others_the_newest_first(cast: Cast) -> None:
    here = await direct(cast.mina, cast.milo)
    await cast.say(cast.olive, "@milo one")
    await cast.say(cast.milo, "@milo my own")
    await cast.say(cast.olive, "@mina not mine")
    await cast.say(cast.olive, "@all two")
    await cast.say(cast.mina, "@milo three", here)
    assert await bodies(cast.milo) == ["@milo three", "@all two", "@milo one"]
    found = (await mentions(cast.milo))["mentions"]
    assert [each["title"] for each in found] == ["Mina Member", "Chess club", "Chess club"]
    page = (await cast.milo.browser.get("/mentions")).text
    for each in found:
        assert f'href="/messages/{each["message"]["id"]}"' in page
    assert 'href="/mentions"' in page
    assert "@oscar" in (await cast.oscar.browser.get("/mentions")).text


async def test_paging_gives_each_once(cast: Cast) -> None:
    for n in range(7):
        await cast.say(cast.olive, f"{'@milo' if n % 2 else '@all'} {'@all @milo' if n == 3 else ''} {n}")
    for limit in (1, 2, 6, 7, 100):
        found: list[str] = []
        params: dict[str, Any] = {"limit": limit}
        while True:
            page = await mentions(cast.milo, **params)
            found += [each["message"]["body"][-1] for each in page["mentions"]]
            if page["next"] is None:
                break
            params["before"] = page["next"]
        assert found == list("6543210")


async def test_nothing_is_listed_that_its_reader_may_no_longer_see(cast: Cast) -> None:
    await cast.say(cast.olive, "@milo @all")
    gone = await cast.say(cast.olive, "@milo gone")
    await cast.olive.api.delete(f"/messages/{gone['id']}")
    here = await direct(cast.mina, cast.milo)
    await cast.say(cast.mina, "@milo between us", here)
    assert await bodies(cast.milo) == ["@milo between us", "@milo @all"]
    await cast.milo.api.put("/people/mina/block")
    assert await bodies(cast.milo) == ["@milo @all"]
    await cast.milo.api.put("/people/olive/block")
    assert await bodies(cast.milo) == []
    await cast.milo.api.delete("/people/olive/block")
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert await bodies(cast.milo) == []
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "milo"})
    assert await bodies(cast.milo) == ["@milo @all"]


async def test_what_was_to_all_before_one_came_was_not_to_them(cast: Cast) -> None:
    await cast.say(cast.olive, "@all")
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "oscar"})
    assert await bodies(cast.oscar) == []
    await cast.say(cast.olive, "@all again")
    assert await bodies(cast.oscar) == ["@all again"]


async def suggested(who: Actor, where: int, q: str, **headers: str) -> httpx.Response:
    return await who.api.get(f"/conversations/{where}/mentionable", params={"q": q}, headers=headers)


async def test_members_are_suggested_and_all_to_those_who_may(cast: Cast) -> None:
    async def names(who: Actor, q: str) -> tuple[list[str], str | None]:
        found = (await suggested(who, cast.chess, q)).json()
        return [person["username"] for person in found["people"]], found["everyone"]

    assert await names(cast.olive, "") == (["milo", "mina"], "all")
    assert await names(cast.milo, "") == (["mina", "olive"], None)
    assert await names(cast.olive, "MI") == (["milo", "mina"], None)
    assert await names(cast.olive, "member") == (["milo", "mina"], None), "a word of the name too"
    assert await names(cast.olive, "a") == ([], "all")
    assert await names(cast.olive, "to") == ([], "tous")
    assert await names(cast.olive, "os") == ([], None), "who is not here is not suggested"
    assert await names(cast.olive, "ember") == ([], None)
    for odd in ("%", "_", "\\", "\0", "x" * 5000):
        assert await names(cast.olive, odd) == ([], None)
    await cast.mina.api.put("/people/olive/block")
    assert await names(cast.olive, "mi") == (["milo"], None)
    await database.fetch("UPDATE person SET role = 'teacher' WHERE id = $1", cast.mina.id)
    assert await names(cast.mina, "t") == ([], "tous")


async def test_at_most_eight_are_suggested(cast: Cast) -> None:
    for n in range(12):
        who = await cast.server.someone(f"mimi{n}x", "Mimi")
        await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": who.username})
    found = (await suggested(cast.olive, cast.chess, "")).json()
    assert len(found["people"]) + bool(found["everyone"]) == 8
    assert len((await suggested(cast.milo, cast.chess, "mi")).json()["people"]) == 8


async def test_mentions_cost_no_further_statement(cast: Cast) -> None:
    await cast.say(cast.olive, "@milo")
    paths = (f"/conversations/{cast.chess}", f"/conversations/{cast.chess}/messages", "/mentions")
    before = [await statements_of(cast.milo.api.get(path)) for path in paths]
    for _ in range(5):
        await cast.say(cast.olive, "@milo @mina @all")
    assert [await statements_of(cast.milo.api.get(path)) for path in paths] == before


async def test_a_long_history_of_mentions_is_read_along_indexes(cast: Cast) -> None:
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body, created_at, mentions_all)
        SELECT $1, n, n, $2, '@milo ' || n, now(), n % 10 = 0 FROM generate_series(100, 20000) AS n
        """,
        cast.chess,
        cast.olive.id,
    )
    # Else each of the twenty thousand foreign keys may be looked up by a plan that was made when the table was empty.
    await database.fetch("ANALYZE message")
    await database.fetch(
        "INSERT INTO mention (message, person, name) SELECT id, $1, 'milo' FROM message WHERE position >= 100",
        cast.milo.id,
    )
    for table in ("message", "mention", "membership"):
        await database.fetch(f"ANALYZE {table}")
    nodes = await plan(f"{LINES} WHERE x.id IN ({MINE}) ORDER BY x.id DESC", cast.milo.id, 2**62, 51)
    assert_bounded(nodes, 120)
