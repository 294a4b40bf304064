"""The general room, which everyone is in."""

import asyncio

from app.core import database
from app.core.i18n import catalogue
from tests.conftest import Cast, Server
from tests.conversations.story import events, history, members, sidebar


async def test_who_looks_at_their_conversations_is_in_the_general_room(cast: Cast) -> None:
    newcomer = await cast.server.someone("nora", "Nora New")
    lines = (await newcomer.api.get("/conversations")).json()["conversations"]
    assert [(line["id"], line["kind"], line["title"]) for line in lines] == [(cast.general, "general", "General")]
    assert "nora" in await members(cast.ada, cast.general)


async def test_who_opens_the_general_room_itself_is_in_it(cast: Cast) -> None:
    newcomer = await cast.server.someone("nora", "Nora New")
    opened = await newcomer.api.get(f"/conversations/{cast.general}")
    assert opened.status_code == 200
    assert (await events(newcomer, cast.general))[-1] == "Nora New joined."


async def test_who_writes_to_the_general_room_first_comes_in_by_that(cast: Cast) -> None:
    newcomer = await cast.server.someone("nora", "Nora New")
    await cast.say(newcomer, "hello everyone", cast.general)
    assert [m["body"] for m in await history(newcomer, cast.general)][-2:] == ["Nora New joined.", "hello everyone"]


async def test_many_requests_of_a_newcomer_at_once_are_one_coming_in(cast: Cast) -> None:
    newcomer = await cast.server.someone("nora", "Nora New")
    urls = ["/conversations", "/conversations/general", f"/conversations/{cast.general}/messages"] * 7
    answers = await asyncio.gather(*(newcomer.api.get(url) for url in urls))
    assert {answer.status_code for answer in answers} == {200}
    assert (await events(cast.ada, cast.general)).count("Nora New joined.") == 1


async def test_looking_again_says_nothing_more(cast: Cast) -> None:
    for _ in range(3):
        await cast.milo.api.get("/conversations")
    assert (await events(cast.ada, cast.general)).count("Milo Member joined.") == 1


async def test_many_newcomers_at_once_all_come_in(cast: Cast) -> None:
    people = [await cast.server.someone(f"pupil{n}") for n in range(12)]
    await asyncio.gather(*(person.api.get("/conversations") for person in people))
    assert {person.username for person in people} <= await members(cast.ada, cast.general)
    came = [line for line in await events(cast.ada, cast.general) if line.startswith("Pupil")]
    assert len(came) == len(set(came)) == 12


async def test_what_was_written_before_one_came_is_not_unread(cast: Cast) -> None:
    for n in range(3):
        await cast.say(cast.ada, f"early {n}", cast.general)
    newcomer = await cast.server.someone("nora")
    assert (await sidebar(newcomer))[cast.general]["unread"] == 0
    await cast.say(cast.ada, "late", cast.general)
    assert (await sidebar(newcomer))[cast.general]["unread"] == 1


async def test_nobody_leaves_removes_renames_or_deletes_the_general_room(cast: Cast) -> None:
    room = f"/conversations/{cast.general}"
    refused = [
        await cast.milo.api.delete(f"{room}/members/{cast.milo.id}"),
        await cast.ada.api.delete(f"{room}/members/{cast.milo.id}"),
        await cast.ada.api.post(f"{room}/members", json={"username": "oscar"}),
        await cast.ada.api.patch(room, json={"title": "Mine now"}),
        await cast.ada.api.put(f"{room}/owner", json={"username": "milo"}),
        await cast.ada.api.delete(room),
    ]
    assert [answer.status_code for answer in refused] == [403] * 6
    assert (await cast.ada.api.get(room)).json()["title"] == "General"


async def test_the_room_is_called_in_the_readers_language(cast: Cast) -> None:
    french = catalogue("fr").gettext("General")
    assert french != "General"
    assert (await sidebar(cast.mina))[cast.general]["title"] == french
    assert (await sidebar(cast.milo))[cast.general]["title"] == "General"


async def test_an_instance_has_one_general_room_from_its_first_day(server: Server) -> None:
    assert await database.fetch_value("SELECT count(*) FROM conversation WHERE kind = 'general'") == 1
    first = await server.someone("ada", role="admin")
    room = (await first.api.get("/conversations/general")).json()
    assert (room["kind"], room["members"], room["role"]) == ("general", 1, "member")


async def test_a_browser_is_sent_from_general_to_the_room(cast: Cast) -> None:
    answer = await cast.milo.browser.get("/conversations/general")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/conversations/{cast.general}")
