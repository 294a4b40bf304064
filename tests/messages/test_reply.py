"""Replying: the message names what it answers, and shows of it what is there now."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from bs4 import BeautifulSoup, Tag

from app.core import database
from app.messages import erasing, quotes
from tests.conftest import Actor, Cast, statements_of
from tests.conversations.story import direct, history
from tests.live.test_page_equals_feed import check
from tests.streams import following


async def post(who: Actor, conversation: int, **fields: Any) -> httpx.Response:
    return await who.api.post(f"/conversations/{conversation}/messages", json={"body": "an answer", **fields})


async def page(who: Actor, path: str) -> BeautifulSoup:
    who.browser.cookies.set("scripts", "1")
    answer = await who.browser.get(path)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "html5lib")


def quoted(found: BeautifulSoup, message: int) -> Tag | None:
    return found.select_one(f"#message-{message} .message-content > .quote")


async def test_the_message_shows_what_it_answers_in_json_and_on_the_page(cast: Cast) -> None:
    first = await cast.say(cast.milo, "Is the hall *open*,\n\nor `shut`? <b>")
    sent = await cast.say(cast.olive, "open", reply_to=first["id"])
    told = {
        "id": first["id"],
        "position": first["position"],
        "author": {"id": cast.milo.id, "username": "milo", "name": "Milo Member"},
        "excerpt": "Is the hall open, or shut? <b>",
        "deleted": False,
    }
    assert (sent["reply_to"], sent["quote"]) == (first["id"], told)
    assert (first["reply_to"], first["quote"]) == (None, None)
    assert (await cast.mina.api.get(f"/messages/{sent['id']}")).json() == sent
    assert (await history(cast.mina, cast.chess))[-1] == sent
    quote = quoted(await page(cast.olive, f"/conversations/{cast.chess}"), sent["id"])
    assert quote is not None
    assert " ".join(quote.text.split()) == "In reply to Milo Member: Is the hall open, or shut? <b>"
    assert quote["href"] == f"/messages/{first['id']}"


async def test_a_stream_brings_the_quote_along(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    async with following(cast.server, cast.mina, f"{cast.chess}:{first['change']}") as feed:
        sent = await cast.say(cast.olive, "answer", reply_to=first["id"])
        assert (await feed.next("message")).json == sent


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("x" * 120, "x" * 120),
        ("x" * 121, "x" * 119 + "…"),
        ("word " * 100, "word " * 23 + "word…"),
        ("one\ntwo\n\n```\nthree\n```", "one two three"),
        ("**" * 1000, "*" * 119 + "…"),
        ("https://example.org/<script>&amp;", "https://example.org/<script>&amp;"),
    ],
)
def test_an_excerpt_is_one_line_of_what_can_be_read(body: str, shown: str) -> None:
    assert quotes.excerpt(body) == shown


async def test_a_plain_form_replies_and_asks_first(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    shown = await page(cast.olive, f"/conversations/{cast.chess}")
    link = shown.select_one(f'#message-{first["id"]} .message-actions a[href*="reply_to"]')
    assert link is not None
    assert not shown.select("#composer .quote, #composer [name=reply_to]")
    asked = await page(cast.olive, str(link["href"]))
    form = asked.select_one("#composer")
    assert form is not None
    assert "Milo Member: question?" in " ".join(form.text.split())
    assert [a["href"] for a in form.select("a.button")] == [f"/conversations/{cast.chess}"]
    fields = {str(field["name"]): str(field["value"]) for field in form.select("input")}
    assert fields["reply_to"] == str(first["id"])
    answer = await cast.olive.browser.post(str(form["action"]), data={**fields, "body": "yes"})
    assert answer.status_code == 303
    assert (await history(cast.mina, cast.chess))[-1]["reply_to"] == first["id"]


async def test_a_refused_form_keeps_what_it_replies_to(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    url = f"/conversations/{cast.chess}/messages"
    for headers in ({}, {"hx-request": "true"}):
        data = {"body": " ", "key": str(uuid4()), "reply_to": str(first["id"])}
        answer = await cast.olive.browser.post(url, data=data, headers=headers)
        assert answer.status_code == 422
        form = BeautifulSoup(answer.text, "html5lib").select_one("#composer")
        assert form is not None
        assert form.select_one(f'[name=reply_to][value="{first["id"]}"]')
        assert "question?" in form.text


async def test_scripts_ask_for_that_part_of_the_composer_alone(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    asked = f"/conversations/{cast.chess}?reply_to={first['id']}"
    part = await cast.olive.browser.get(asked, headers={"hx-request": "true"})
    assert "question?" in part.text
    assert "<textarea" not in part.text
    await cast.milo.api.delete(f"/messages/{first['id']}")
    assert (await cast.olive.browser.get(asked, headers={"hx-request": "true"})).text.strip() == ""
    assert (await page(cast.olive, asked)).select("#composer .quote") == []


async def test_what_is_deleted_or_of_the_system_or_elsewhere_is_not_replied_to(cast: Cast) -> None:
    gone = await cast.say(cast.milo, "gone")
    await cast.milo.api.delete(f"/messages/{gone['id']}")
    system = (await history(cast.milo, cast.chess))[0]
    assert system["kind"] == "system"
    elsewhere = await cast.say(cast.ada, "hello", cast.general)
    for number in (gone["id"], system["id"], elsewhere["id"], 10**12, 0, -1):
        answer = await post(cast.olive, cast.chess, reply_to=number)
        assert answer.status_code == 422, number
        assert list(answer.json()["errors"]) == ["reply_to"]
        assert (
            "no longer exists"
            in (
                await cast.olive.browser.post(
                    f"/conversations/{cast.chess}/messages", data={"body": "kept", "reply_to": str(number)}
                )
            ).text
        )


async def test_nobody_reads_by_replying_what_is_not_theirs(cast: Cast) -> None:
    secret = await cast.say(cast.milo, "a secret")
    url = f"/conversations/{cast.chess}"
    for who in (cast.oscar, cast.remy, cast.ada):
        for headers in ({}, {"hx-request": "true"}):
            for body in ("hello", " "):
                data = {"body": body, "reply_to": str(secret["id"])}
                for answer in (
                    await who.browser.get(f"{url}?reply_to={secret['id']}", headers=headers),
                    await who.browser.post(f"{url}/messages", data=data, headers=headers),
                    await who.browser.post(f"/conversations/{cast.general}/messages", data=data, headers=headers),
                ):
                    assert answer.status_code in (404, 422), (who.name, answer.request.url)
                    assert "a secret" not in answer.text
        assert (await post(who, cast.chess, reply_to=secret["id"])).status_code == 404


async def test_a_reply_that_is_tried_again_is_the_same_though_what_it_answers_is_gone(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    key = str(uuid4())
    sent = (await post(cast.olive, cast.chess, reply_to=first["id"], key=key)).json()
    await cast.milo.api.delete(f"/messages/{first['id']}")
    again = await post(cast.olive, cast.chess, reply_to=first["id"], key=key)
    assert again.status_code == 201
    assert again.json() == sent | {"quote": sent["quote"] | {"excerpt": "", "deleted": True}}
    other = await post(cast.olive, cast.chess, reply_to=first["id"], key=key, body="another")
    assert other.status_code == 409


async def test_of_an_edited_original_the_new_text_is_quoted_and_of_a_deleted_one_none(cast: Cast) -> None:
    first = await cast.say(cast.milo, "a secret xyzzy")
    sent = await cast.say(cast.olive, "hm", reply_to=first["id"])
    await cast.mina.browser.get(f"/conversations/{cast.chess}")  # so that it was rendered once
    await cast.milo.api.patch(f"/messages/{first['id']}", json={"body": "a better secret"})
    assert (await cast.mina.api.get(f"/messages/{sent['id']}")).json()["quote"]["excerpt"] == "a better secret"
    quote = quoted(await page(cast.olive, f"/conversations/{cast.chess}"), sent["id"])
    assert quote is not None
    assert "a better secret" in quote.text
    await cast.milo.api.delete(f"/messages/{first['id']}")
    told = (await cast.mina.api.get(f"/messages/{sent['id']}")).json()["quote"]
    assert (told["excerpt"], told["deleted"]) == ("", True)
    for path in (f"/conversations/{cast.chess}", f"/conversations/{cast.chess}/messages?after=0"):
        for client in (cast.olive.api, cast.olive.browser):
            assert "secret" not in (await client.get(path, follow_redirects=True)).text
    quote = quoted(await page(cast.olive, f"/conversations/{cast.chess}"), sent["id"])
    assert quote is not None
    assert " ".join(quote.text.split()) == "In reply to a deleted message"


async def reply_to_milo(cast: Cast) -> int:
    first = await cast.say(cast.milo, "question?")
    for who in (cast.olive, cast.mina, cast.milo):
        await cast.say(who, "an answer", reply_to=first["id"])
    return int(first["id"])


async def test_an_open_page_shows_what_becomes_of_what_is_quoted(cast: Cast) -> None:
    first = await reply_to_milo(cast)
    await check(cast, cast.mina, lambda _: cast.milo.api.patch(f"/messages/{first}", json={"body": "or *not*?"}))
    await check(
        cast,
        cast.mina,
        lambda _: cast.olive.api.post(
            f"/conversations/{cast.chess}/messages", json={"body": "one more", "reply_to": first}
        ),
    )
    await check(cast, cast.mina, lambda _: cast.milo.api.delete(f"/messages/{first}"))


async def test_a_page_that_was_away_catches_up_with_what_is_quoted(cast: Cast) -> None:
    first = await reply_to_milo(cast)
    head = (await history(cast.mina, cast.chess))[-1]["change"]
    await cast.milo.api.patch(f"/messages/{first}", json={"body": "better"})
    await cast.milo.api.delete(f"/messages/{first}")
    async with following(cast.server, cast.mina, f"{cast.chess}:{head}", json=False) as feed:
        await feed.until(lambda f: bool(f.named("message")))
        event = feed.named("message")[0]
        template = BeautifulSoup(event.data, "html.parser").select_one("template.now-quoted")
        found = template.find(class_="quote") if template else None
        assert isinstance(found, Tag)
        assert found["data-of"] == str(first)
        assert "un message supprimé" in str(found)
        assert "question?" not in event.data


async def test_a_change_of_what_many_answered_is_one_change(cast: Cast) -> None:
    first = await reply_to_milo(cast)
    for change in range(2):
        before = await database.fetch_value("SELECT change FROM conversation WHERE id = $1", cast.chess)
        if change:
            await cast.milo.api.delete(f"/messages/{first}")
        else:
            await cast.milo.api.patch(f"/messages/{first}", json={"body": "another question?"})
        assert await database.fetch_value("SELECT change FROM conversation WHERE id = $1", cast.chess) == before + 1


async def test_who_goes_and_takes_their_texts_along_is_quoted_no_more(cast: Cast) -> None:
    first = await reply_to_milo(cast)
    await check(cast, cast.mina, lambda _: _erase(cast, cast.milo.id))
    quoting = [m for m in await history(cast.mina, cast.chess) if m["reply_to"] and m["author"]["id"] != cast.milo.id]
    assert [(m["reply_to"], m["quote"]["deleted"], m["quote"]["excerpt"]) for m in quoting] == [(first, True, "")] * 2


async def _erase(cast: Cast, person: int) -> None:
    await erasing.erase_texts(person)
    cast.server.app.state.bell.ring("c", cast.chess)


async def test_a_quote_of_someone_who_is_blocked_is_folded_as_their_messages_are(cast: Cast) -> None:
    await reply_to_milo(cast)
    await cast.olive.api.put("/people/milo/block")
    shown = await page(cast.olive, f"/conversations/{cast.chess}")
    style = next(str(link["href"]) for link in shown.select("link") if str(link["href"]).startswith("/me.css"))
    found = (await cast.olive.browser.get(style)).text
    assert f'.quote:is([data-quoted="{cast.milo.id}"]) .quote-said{{display:none}}' in found
    assert "a message from someone you blocked" in found
    assert shown.select_one(f'.quote[data-quoted="{cast.milo.id}"] .quote-said')
    assert "quote-said" not in (await cast.mina.browser.get("/me.css")).text


async def test_a_deleted_reply_shows_no_quote(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    sent = await cast.say(cast.olive, "answer", reply_to=first["id"])
    await cast.olive.api.delete(f"/messages/{sent['id']}")
    assert quoted(await page(cast.mina, f"/conversations/{cast.chess}"), sent["id"]) is None


async def test_replies_cost_no_further_statement(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    where = await direct(cast.milo, cast.olive)
    await cast.say(cast.milo, "hello", where)
    before = [
        await statements_of(cast.mina.api.get(f"/conversations/{cast.chess}{path}")) for path in ("", "/messages")
    ]
    for _ in range(5):
        await cast.say(cast.olive, "answer", reply_to=first["id"])
    assert before == [
        await statements_of(cast.mina.api.get(f"/conversations/{cast.chess}{path}")) for path in ("", "/messages")
    ]


async def test_many_reply_at_once_and_one_to_what_is_gone(cast: Cast) -> None:
    first = await cast.say(cast.milo, "question?")
    gone = await cast.say(cast.milo, "slip")
    wanted = [first["id"], gone["id"], None] * 6
    deleting = cast.milo.api.delete(f"/messages/{gone['id']}")
    answers = await asyncio.gather(*(post(cast.olive, cast.chess, reply_to=number) for number in wanted), deleting)
    for number, answer in zip(wanted, answers, strict=False):
        assert answer.status_code == 201 or (number == gone["id"] and answer.status_code == 422)
        if answer.status_code == 201:
            assert answer.json()["reply_to"] == number


async def test_a_row_that_goes_takes_no_answer_along(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await cast.say(cast.milo, "question?")
    sent = await cast.say(cast.olive, "answer", reply_to=first["id"])
    asked = quotes.answerable

    async def goes_meanwhile(conversation: int, message: int) -> quotes.Quoted | None:
        found = await asked(conversation, message)
        await database.fetch("DELETE FROM message WHERE id = $1", message)
        return found

    monkeypatch.setattr(quotes, "answerable", goes_meanwhile)
    assert (await post(cast.olive, cast.chess, reply_to=first["id"])).status_code == 422
    assert (await cast.mina.api.get(f"/messages/{sent['id']}")).json()["reply_to"] is None
