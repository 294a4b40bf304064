"""Anyone asks the staff; any teacher or administrator answers as the team, assigns it and closes it."""

import asyncio
import dataclasses
from typing import Any
from uuid import uuid4

import pytest

from app.core import database
from app.core.settings import Settings
from app.messages import erasing, sending
from tests.conftest import Actor, Cast
from tests.conversations.desk import Desk, ask, open_desk
from tests.conversations.story import assert_whole, events, history, members, sidebar
from tests.pages import errors, form, says, typed


@pytest.fixture
async def desk(cast: Cast) -> Desk:
    return await open_desk(cast)


@pytest.mark.parametrize("policy", ["open", "school"])
class TestByEitherPolicy:
    @pytest.fixture
    def settings(self, settings: Settings, policy: str) -> Settings:
        return dataclasses.replace(settings, role_policy=policy)  # type: ignore[arg-type]

    async def test_whoever_asked_and_all_of_the_staff_read_and_write_and_nobody_else(self, desk: Desk) -> None:
        thread = f"/conversations/{desk.thread}"
        first = (await history(desk.milo, desk.thread))[-1]["id"]
        for who, may in ((desk.milo, True), (desk.tess, True), (desk.ada, True), (desk.cast.oscar, False)):
            for answer in (
                await who.api.get(thread),
                await who.browser.get(thread),
                await who.api.get(f"{thread}/messages"),
                await who.api.get(f"{thread}/members"),
                await who.api.get(f"{thread}/settings"),
                await who.api.get(f"/messages/{first}"),
                await who.api.put(f"{thread}/read", json={"position": 1}),
            ):
                assert answer.status_code in ((200, 204) if may else (404,)), (who.name, answer.request.url)
                assert may or "room 7" not in answer.text
            sent = await who.api.post(f"{thread}/messages", json={"body": f"{who.name} was here"})
            assert sent.status_code == (201 if may else 404), who.name
        for who in (desk.pia, desk.cast.mina):
            assert (await who.api.get(thread)).status_code == 404
        assert (await desk.cast.nobody.api.get(thread)).status_code == 401

    async def test_parents_teachers_and_administrators_ask_as_students_do(self, desk: Desk) -> None:
        for who in (desk.pia, desk.tess, desk.ada):
            thread = await ask(who, f"{who.name} asks", "how?")
            assert thread in await sidebar(who)
            assert (await who.api.post(f"/conversations/{thread}/messages", json={"body": "well?"})).status_code == 201
        assert (await desk.tess.api.get(f"/conversations/{thread}")).json()["asker"]["username"] == "ada"

    async def test_the_team_writes_without_having_looked(self, desk: Desk) -> None:
        kept = await asyncio.gather(*(desk.say(who, f"{n}") for n in range(5) for who in (desk.ada, desk.tess)))
        assert len({message["position"] for message in kept}) == 10
        await assert_whole(desk.thread)


async def test_it_begins_with_the_question(desk: Desk) -> None:
    said = await history(desk.milo, desk.thread)
    assert [message["body"] for message in said] == [
        "Milo Member asked the staff: “Where is room 7?”",
        "I cannot find it.",
    ]
    view = await desk.view(desk.milo)
    assert (view["kind"], view["title"], view["unread"]) == ("support", "Where is room 7?", 0)
    assert (view["asker"]["username"], view["assignee"], view["closed_at"]) == ("milo", None, None)
    alone = await ask(desk.milo, "Only a title")
    assert len(await history(desk.milo, alone)) == 1
    await assert_whole(desk.thread)
    french = await ask(desk.cast.mina, "Où ?")
    assert (await events(desk.cast.mina, french))[0].startswith("Mina Member a demandé à l’équipe")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": " \u200b "}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"body": "x" * 2001}, "body"),
        ({"body": "a\0b"}, "body"),
    ],
)
async def test_what_cannot_be_asked_is_refused_and_kept(desk: Desk, wrong: dict[str, str], field: str) -> None:
    before = await database.fetch_value("SELECT count(*) FROM conversation")
    given = {"kind": "support", "title": "Keys", "body": "Where are they?", **wrong}
    answer = await desk.milo.api.post("/conversations", json=given)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    if "\0" not in wrong[field]:  # a browser cannot type it
        page = await desk.milo.browser.post("/conversations", data=given)
        assert page.status_code == 422
        assert list(errors(form(page, "/conversations"))) == [field]
        assert typed(form(page, "/conversations")) == given
    assert await database.fetch_value("SELECT count(*) FROM conversation") == before


@pytest.mark.parametrize("body", [{"title": 7}, {"title": "x", "body": []}, {"title": "x", "members": 7}])
async def test_wrong_types_are_refused(desk: Desk, body: dict[str, Any]) -> None:
    assert (await desk.milo.api.post("/conversations", json={"kind": "support", **body})).status_code in (400, 422)


class TestLimits:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, rate_limits=True)

    async def test_nobody_asks_without_end(self, desk: Desk) -> None:
        await database.fetch("UPDATE rate_limit SET tries = $1 WHERE key LIKE 'support-person:%'", 20)
        given = {"kind": "support", "title": "Again", "body": "and again"}
        refused = await desk.milo.api.post("/conversations", json=given)
        assert refused.status_code == 429
        page = await desk.milo.browser.post("/conversations", data=given)
        assert page.status_code == 429
        assert typed(form(page, "/conversations")) == given, "what was typed is kept"
        await ask(desk.pia, "of hers, all the same")


async def test_an_answer_is_the_team_s_and_says_who_wrote_it(desk: Desk) -> None:
    mine, theirs = await desk.say(desk.milo, "hello?"), await desk.say(desk.tess, "Second floor.")
    assert (mine["of_team"], theirs["of_team"]) == (False, True)
    said = {message["id"]: message for message in await history(desk.milo, desk.thread)}
    assert (said[mine["id"]]["of_team"], said[theirs["id"]]["of_team"]) == (False, True)
    assert said[theirs["id"]]["author"]["name"] == "Tess Teacher"
    fragments = [
        (await who.browser.get(f"/messages/{theirs['id']}", headers={"hx-request": "true"})).text
        for who in (desk.milo, desk.tess, desk.ada)
    ]
    assert len(set(fragments)) == 1, "the same bytes for all"
    assert "Tess Teacher" in fragments[0]
    assert '<span class="tag">Staff</span>' in fragments[0]
    own = (await desk.tess.api.post("/conversations", json={"kind": "support", "title": "Chalk"})).json()["id"]
    assert not (await desk.cast.say(desk.tess, "there is none", own))["of_team"], "who asks is not the team"


async def test_assigning_tells_all_and_the_last_one_holds(desk: Desk) -> None:
    assert (await desk.put(desk.ada, "assignee", username="@Tess")).status_code == 200
    assert (await desk.view(desk.milo))["assignee"]["username"] == "tess"
    await asyncio.gather(desk.put(desk.tess, "assignee"), desk.put(desk.ada, "assignee"))
    told = (await history(desk.milo, desk.thread))[2:]
    assert told[0]["event"] == "assigned"
    last = told[-1]
    assert (await desk.view(desk.milo))["assignee"]["id"] == last["subject"]["id"]
    many = len(told)
    await desk.put(desk.ada, "assignee", username=last["subject"]["username"])
    assert len(await history(desk.milo, desk.thread)) == 2 + many, "the same again changes nothing"
    assert (await desk.end(desk.tess, "assignee")).status_code == 200
    assert (await desk.end(desk.tess, "assignee")).status_code == 200
    assert (await desk.view(desk.milo))["assignee"] is None
    assert len(await history(desk.milo, desk.thread)) == 3 + many
    await assert_whole(desk.thread)


async def test_it_is_given_to_the_staff_alone_and_by_the_staff_alone(desk: Desk) -> None:
    for name in ("oscar", "pia", "milo", "nobody-here", "x" * 5000, "a b", "tess\0"):
        refused = await desk.put(desk.ada, "assignee", username=name)
        assert refused.status_code in (400, 422), name
    assert (await desk.put(desk.ada, "assignee", username=7)).status_code in (400, 422)
    assert (await desk.put(desk.milo, "assignee")).status_code == 403
    assert (await desk.end(desk.milo, "assignee")).status_code == 403
    assert (await desk.view(desk.milo))["assignee"] is None
    page = await desk.ada.browser.post(
        f"/conversations/{desk.thread}/assignee?_method=put", data={"username": "nobody-here"}
    )
    assert page.status_code == 422
    assert typed(form(page, f"/conversations/{desk.thread}/assignee?_method=put"))["username"] == "nobody-here"


async def test_nothing_else_is_assigned_or_closed(desk: Desk) -> None:
    await desk.cast.olive.api.post(f"/conversations/{desk.cast.chess}/members", json={"username": "ada"})
    for where in (desk.cast.chess, desk.cast.general):
        for what in ("assignee", "closed"):
            url = f"/conversations/{where}/{what}"
            assert (await desk.ada.api.put(url, json={})).status_code == 403
            assert (await desk.ada.api.delete(url)).status_code == 403


@pytest.mark.parametrize("closer", ["milo", "tess"])
async def test_the_team_and_whoever_asked_close_it_and_open_it_again(desk: Desk, closer: str) -> None:
    who: Actor = getattr(desk, closer)
    for _ in range(2):  # the second changes nothing
        assert (await desk.put(who, "closed")).status_code == 200
    assert (await desk.view(desk.milo))["closed_at"].endswith("Z")
    for _ in range(2):
        assert (await desk.end(who, "closed")).status_code == 200
    assert (await desk.view(desk.milo))["closed_at"] is None
    assert (await events(desk.milo, desk.thread))[1:] == [
        f"{who.name} closed this request.",
        f"{who.name} reopened this request.",
    ]


async def test_more_from_whoever_asked_opens_it_again_and_more_from_the_team_does_not(desk: Desk) -> None:
    await desk.put(desk.tess, "closed")
    await desk.say(desk.ada, "one more thing")
    assert (await desk.view(desk.milo))["closed_at"] is not None
    await asyncio.gather(desk.say(desk.milo, "not found"), desk.say(desk.tess, "look again"), desk.say(desk.milo, "no"))
    assert (await desk.view(desk.milo))["closed_at"] is None
    told = [m["event"] or m["body"] for m in await history(desk.milo, desk.thread)]
    assert told.count("reopened") == 1
    assert told.index("reopened") < min(told.index("not found"), told.index("no"))
    await assert_whole(desk.thread)


async def test_a_message_that_is_sent_again_after_it_was_closed_opens_nothing(desk: Desk) -> None:
    key = str(uuid4())
    first = await desk.cast.say(desk.milo, "once", desk.thread, key=key)
    await desk.put(desk.tess, "closed")
    assert (await desk.cast.say(desk.milo, "once", desk.thread, key=key))["id"] == first["id"]
    assert (await desk.view(desk.milo))["closed_at"] is not None


async def test_closed_is_asked_in_the_statement_that_keeps_the_message(desk: Desk) -> None:
    await desk.put(desk.tess, "closed")
    drafts = [sending.Draft(desk.milo.id, uuid4(), "hello", None) for _ in range(3)]
    assert await asyncio.gather(*(sending.send(desk.thread, draft) for draft in drafts)) == [None] * 3


async def test_it_is_neither_left_nor_renamed_nor_deleted_and_nobody_is_added(desk: Desk) -> None:
    thread = f"/conversations/{desk.thread}"
    for who in (desk.milo, desk.tess):
        for answer in (
            await who.api.delete(f"{thread}/members/{who.id}"),
            await who.api.patch(thread, json={"title": "Mine"}),
            await who.api.delete(thread),
            await who.api.post(f"{thread}/members", json={"username": "oscar"}),
            await who.api.put(f"{thread}/code", json={}),
        ):
            assert answer.status_code == 403, answer.request.url


async def test_who_only_looks_is_not_among_its_people(desk: Desk) -> None:
    await desk.view(desk.tess)
    await desk.put(desk.ada, "assignee")
    assert await members(desk.milo, desk.thread) == {"milo", "ada"}
    assert (await desk.view(desk.milo))["members"] == 2


async def test_by_plain_forms(desk: Desk) -> None:
    page = await desk.milo.browser.get("/support/new")
    made = await desk.milo.browser.post(
        "/conversations", data={**typed(form(page, "/conversations")), "title": "Keys", "body": "Lost *them*"}
    )
    assert made.status_code == 303
    there = made.headers["location"]
    page = await desk.milo.browser.get(there)
    assert "Not assigned yet" in says(page)
    page = await desk.tess.browser.get(there)
    assert "data-staff" in page.text
    taken = await desk.tess.browser.post(f"{there}/assignee?_method=put", data={})
    assert (taken.status_code, taken.headers["location"]) == (303, f"{there}?latest=true#end")
    assert "Assigned to Tess Teacher" in says(await desk.milo.browser.get(there))
    assert "/assignee" not in (await desk.milo.browser.get(f"{there}/settings")).text
    assert "/assignee" in (await desk.tess.browser.get(f"{there}/settings")).text
    await desk.milo.browser.post(f"{there}/closed?_method=put")
    page = await desk.milo.browser.get(there)
    assert form(page, f"{there}/closed?_method=delete")


async def test_who_deletes_their_account_leaves_no_title_also_where_the_message_that_had_it_is_over(desk: Desk) -> None:
    """No number of a change is taken: no message is left to bear it."""
    before = await database.fetch_row("SELECT title, change, owner FROM conversation WHERE id = $1", desk.thread)
    assert before is not None
    assert before["title"]
    await database.fetch("DELETE FROM message WHERE conversation = $1", desk.thread)
    await erasing.erase_texts(before["owner"])
    after = await database.fetch_row("SELECT title, change FROM conversation WHERE id = $1", desk.thread)
    assert after is not None
    assert tuple(after) == ("", before["change"])
