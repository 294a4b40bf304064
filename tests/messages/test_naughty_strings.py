"""The Big List of Naughty Strings through messages, titles and names: nothing runs, nothing is harmed."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from bs4 import BeautifulSoup, Tag

from app.accounts.usernames import skeleton
from app.core import database, text
from app.live import wire
from tests.conftest import Actor, Cast
from tests.conversations.story import history, make_group

T = TypeVar("T")
NAUGHTY: list[str] = json.loads((Path(__file__).parent.parent / "data" / "blns.json").read_text())
RISKY = {"iframe", "object", "embed", "svg", "math", "base", "style", "img", "video", "audio"}
IN_MESSAGES = {"p", "br", "a", "code", "pre", "em", "strong", "s"}


def kept(written: str) -> str:
    """What a message keeps of it: plain line breaks, trimmed."""
    return written.replace("\r\n", "\n").replace("\r", "\n").strip()


def visible(written: str) -> bool:
    return text.storable(written) and not text.is_blank(kept(written))


async def in_turn(given: Iterable[str], action: Callable[[str], Awaitable[T]]) -> list[T]:
    """The action for each, eight at a time; the answers in the order of the strings."""
    gate = asyncio.Semaphore(8)

    async def one(each: str) -> T:
        async with gate:
            return await action(each)

    return await asyncio.gather(*(one(each) for each in given))


def assert_nothing_runs(page: BeautifulSoup) -> None:
    """As a browser parses it, there is no script but our files, no handler, no style, no address that could run."""
    for tag in page.find_all(True):
        assert tag.name not in {"iframe", "object", "embed", "svg", "math", "base", "style", "img", "video", "audio"}, (
            tag
        )
        if tag.name == "script":
            assert str(tag.get("src", "")).startswith("/static/"), tag
            assert not tag.text, tag
        for name, value in tag.attrs.items():
            assert not name.startswith("on"), tag
            assert name not in {"style", "srcdoc", "formaction"}, tag
            if name in {"href", "src", "action"}:
                assert str(value).strip().lower().startswith(("/", "#", "http://", "https://", "mailto:")), tag


async def pages(who: Actor, conversation: int) -> list[BeautifulSoup]:
    """All pages of a conversation, the newest first."""
    found, link = [], f"/conversations/{conversation}?latest=true"
    while link:
        page = BeautifulSoup((await who.browser.get(link)).text, "html5lib")
        assert_nothing_runs(page)
        found.append(page)
        older = page.select_one("#messages > #older a")
        link = str(older["href"]) if older else ""
    return found


def bodies(page: BeautifulSoup) -> dict[int, Tag]:
    """What is shown of each message."""
    items = page.select("#messages > li.message[data-kind=text]")
    found = {}
    for item in items:
        (body,) = item.select(".message-body")
        assert {tag.name for tag in body.find_all(True)} <= IN_MESSAGES, item
        found[int(str(item["id"]).removeprefix("message-"))] = body
    return found


async def test_messages_come_back_unharmed_and_are_shown_as_text(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/messages"
    answers = await in_turn(NAUGHTY, lambda each: cast.milo.api.post(url, json={"body": each}))
    sent = {}
    for written, answer in zip(NAUGHTY, answers, strict=True):
        assert answer.status_code == (201 if visible(written) else 422), repr(written)
        if answer.status_code == 201:
            assert answer.json()["body"] == kept(written)
            sent[answer.json()["id"]] = answer.json()
    assert len(sent) > 450
    again = {m["id"]: m for m in await history(cast.mina, cast.chess) if m["kind"] == "text"}
    assert again == sent
    shown: dict[int, Tag] = {}
    for page in await pages(cast.mina, cast.chess):
        shown |= bodies(page)
    assert shown.keys() == sent.keys()
    for number, body in shown.items():
        alone = BeautifulSoup(f"<div>{sent[number]['html']}</div>", "html5lib").div
        assert alone is not None
        assert body.get_text() == alone.get_text()


async def test_edits_come_back_unharmed_and_plain_forms_show_what_was_written(cast: Cast) -> None:
    sent = (await cast.say(cast.milo, "to be edited"))["id"]
    for number, written in enumerate(filter(visible, NAUGHTY)):
        answer = await cast.milo.api.patch(f"/messages/{sent}", json={"body": written})
        assert (answer.status_code, answer.json()["body"]) == (200, kept(written))
        if number % 4:
            continue
        form = await cast.milo.browser.get(f"/messages/{sent}/edit", headers={"hx-request": "true"})
        page = BeautifulSoup(form.text, "html5lib")
        assert_nothing_runs(page)
        (field,) = page.select("textarea")
        assert field.get_text().removeprefix("\n") == kept(written)


async def test_titles_come_back_as_one_line_and_are_shown_as_text(cast: Cast) -> None:
    answers = await in_turn(NAUGHTY, lambda each: cast.ada.api.post("/conversations", json={"title": each}))
    titles: dict[int, str] = {}
    for written, answer in zip(NAUGHTY, answers, strict=True):
        line = text.one_line(written)
        if not text.storable(written) or text.is_blank(line) or len(line) > 100:
            assert answer.status_code == 422, repr(written)
        else:
            assert (answer.status_code, answer.json()["title"]) == (201, line)
            titles[answer.json()["id"]] = line
    assert len(titles) > 400
    shown, link = {}, "/conversations"
    while link:
        answer = await cast.ada.browser.get(link, headers={"hx-request": "true"})
        page = BeautifulSoup(f"<ul>{answer.text}</ul>", "html5lib")
        assert_nothing_runs(page)
        for line_ in page.select("li.sidebar-item"):
            shown[int(str(line_["data-conversation"]))] = line_.select(".sidebar-title")[0].get_text()
        more = page.select_one("li.sidebar-more a")
        link = str(more["href"]) if more else ""
    assert shown == titles | {cast.general: "General"}
    for group in list(titles)[::30]:
        page = BeautifulSoup((await cast.ada.browser.get(f"/conversations/{group}/settings")).text, "html5lib")
        assert_nothing_runs(page)
        assert page.select("input[name=title]")[0]["value"] == titles[group]
        (told,) = (await pages(cast.ada, group))[0].select("#messages > li.message-system .message-body")
        assert told.get_text() == f"Ada Admin created the group “{titles[group]}”."


async def test_names_are_shown_as_text_wherever_they_stand(cast: Cast) -> None:
    names = list(dict.fromkeys(text.one_line(each)[:50] for each in NAUGHTY if text.storable(each)))
    names = [name for name in names if not text.is_blank(name)]
    people = await database.fetch(
        """
        INSERT INTO person (username, skeleton, name, email, email_key, password_hash, search_key)
        SELECT u, u, n, u, u, '', '' FROM unnest($1::text[], $2::text[]) AS t (u, n) RETURNING id
        """,
        [skeleton(f"naughty{number}") for number in range(len(names))],
        names,
    )
    group = await make_group(cast.olive)
    ids = [person["id"] for person in people]
    await database.fetch("INSERT INTO membership (conversation, person) SELECT $1, unnest($2::bigint[])", group, ids)
    await database.fetch(
        """
        INSERT INTO message (conversation, position, change, author, body, kind, event, subject)
        SELECT $1, n + 1, n + 1, id, 'hello', CASE WHEN n % 2 = 0 THEN 'text' ELSE 'system' END,
               CASE WHEN n % 2 = 0 THEN NULL ELSE 'added' END, CASE WHEN n % 2 = 0 THEN NULL ELSE id END
        FROM unnest($2::bigint[]) WITH ORDINALITY AS t (id, n)
        """,
        group,
        ids,
    )
    await database.fetch("UPDATE conversation SET position = $2, change = $2 WHERE id = $1", group, len(names) + 1)
    authors, told = [], []
    for page in await pages(cast.olive, group):
        authors += [tag.get_text() for tag in page.select("#messages .message-author")][::-1]
        told += [tag.get_text() for tag in page.select("#messages > li.message-system .message-body")][::-1]
    assert authors[::-1] == names[1::2]
    assert told[::-1][1:] == [f"{name} added {name}." for name in names[::2]]
    link, listed = f"/conversations/{group}/members", 0
    while link:
        page = BeautifulSoup((await cast.olive.browser.get(link)).text, "html5lib")
        assert_nothing_runs(page)
        rows = [tag.get_text() for tag in page.select("#members .row-main a bdi")]
        assert set(rows) <= {*names, "Olive Owner"}
        listed += len(rows)
        more = page.select_one("p.more a")
        link = str(more["href"]) if more else ""
    assert listed == len(names) + 1


def test_the_wire_carries_each_line_as_it_is() -> None:
    for written in NAUGHTY:
        sent = wire.event("message", written, "7:1").decode()
        name, id_, *lines = sent.removesuffix("\n\n").split("\n")
        assert (name, id_) == ("event: message", "id: 7:1")
        assert all(line.startswith("data: ") for line in lines)
        assert "\n".join(line[6:] for line in lines) == written.replace("\r\n", "\n").replace("\r", "\n")
        program = wire.json_event("message", {"body": written}, "7:1").decode()
        assert json.loads(program.split("\n")[2].removeprefix("data: ")) == {"body": written}
        assert program.count("\n") == 4
