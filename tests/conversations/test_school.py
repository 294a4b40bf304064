"""ROLE_POLICY=school: who may write to whom, in the very routes. The table itself: `tests/people/test_policy.py`."""

import asyncio
import dataclasses
from itertools import product

import pytest

from app.core import database
from app.core.settings import Settings
from app.people import policy
from app.people.policy import ROLES
from tests.conftest import Actor, Cast
from tests.conversations.story import direct, make_group
from tests.streams import following


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, role_policy="school")


@pytest.fixture
async def school(cast: Cast) -> Cast:
    """Milo and Oscar are pupils, Mina and Remy parents, Olive a teacher, Ada the administrator."""
    for someone, role in ((cast.olive, "teacher"), (cast.mina, "parent"), (cast.remy, "parent")):
        await become(someone, role)
    return cast


async def become(who: Actor, role: str) -> None:
    await database.fetch("UPDATE person SET role = $2 WHERE id = $1", who.id, role)


async def send(who: Actor, conversation: int, body: str = "hello") -> int:
    return (await who.api.post(f"/conversations/{conversation}/messages", json={"body": body})).status_code


async def test_direct_messages_follow_the_table(school: Cast) -> None:
    one, other = school.oscar, school.milo
    for author, reader in product(ROLES, ROLES):
        await become(one, author)
        await become(other, reader)
        may = policy.may_write_to("school", author, reader)
        opened = await one.api.put(f"/direct/{other.username}")
        assert opened.status_code == (200 if may else 403), (author, reader)
        if may:
            assert await send(one, opened.json()["id"]) == 201, (author, reader)
        assert await database.fetch_value("SELECT count(*) FROM conversation WHERE kind = 'direct'") == may
        await database.fetch("DELETE FROM conversation WHERE kind = 'direct'")


async def test_a_role_that_changes_later_holds_for_each_message_from_then_on(school: Cast) -> None:
    where = await direct(school.milo, school.olive)
    assert await send(school.milo, where) == 201
    said = (await school.milo.api.get(f"/conversations/{where}/messages")).json()["messages"][-1]["id"]
    await become(school.olive, "student")
    for one in (school.milo, school.olive):
        answer = await one.api.post(f"/conversations/{where}/messages", json={"body": "psst"})
        assert answer.status_code == 403
        assert "cannot write to each other" in answer.json()["detail"]
        page = (await one.browser.get(f"/conversations/{where}")).text
        assert "cannot write to each other" in page, "what was said stays readable, and the page says why it is shut"
        assert 'name="body"' not in page
    assert (await school.milo.api.patch(f"/messages/{said}", json={"body": "psst"})).status_code == 403
    await become(school.olive, "teacher")
    assert await send(school.milo, where) == 201


async def test_groups_are_made_by_teachers_and_administrators(school: Cast) -> None:
    for someone, may in ((school.milo, False), (school.mina, False), (school.olive, True), (school.ada, True)):
        made = await someone.api.post("/conversations", json={"title": "Trip", "members": ["oscar"]})
        assert made.status_code == (201 if may else 403)
        page = (await someone.browser.get("/conversations")).text
        assert ('href="/conversations/new"' in page) is may, "nobody is offered what they may not do"


async def test_a_group_is_written_in_by_all_while_one_of_the_staff_looks_after_it(school: Cast) -> None:
    group = await make_group(school.olive, school.milo, school.mina, school.ada)
    for someone in (school.milo, school.mina, school.olive):
        assert await send(someone, group) == 201
    assert (
        await school.olive.api.put(f"/conversations/{group}/owner", json={"username": "milo"})
    ).status_code == 422, "a pupil cannot look after it"
    await become(school.olive, "parent")
    assert [await send(who, group) for who in (school.milo, school.mina, school.olive)] == [403] * 3
    assert await send(school.ada, group) == 201
    added = await school.olive.api.post(f"/conversations/{group}/members", json={"username": "oscar"})
    assert added.status_code == 403
    await school.olive.api.delete(f"/conversations/{group}/members/{school.olive.id}")
    owner = await database.fetch_value("SELECT owner FROM conversation WHERE id = $1", group)
    assert owner == school.ada.id, "one of the staff comes before whoever has been in it longer"
    assert await send(school.milo, group) == 201


async def test_the_general_room_is_read_by_all_and_written_by_the_staff_unless_an_administrator_opens_it(
    school: Cast,
) -> None:
    room = (await school.milo.api.get("/conversations/general")).json()["id"]
    assert [await send(who, room) for who in (school.milo, school.mina)] == [403, 403]
    assert [await send(who, room) for who in (school.olive, school.ada)] == [201, 201]
    assert "everyone can read" in (await school.milo.browser.get(f"/conversations/{room}")).text
    for someone in (school.milo, school.olive):
        refused = await someone.api.patch(f"/conversations/{room}", json={"everyone_writes": True})
        assert refused.status_code == 403
    async with following(school.server, school.milo, f"{room}:0", json=False) as feed:
        opened = await school.ada.browser.post(f"/conversations/{room}?_method=patch", data={"everyone_writes": "true"})
        assert opened.status_code == 303
        await feed.until(lambda f: bool(f.named("reset")))  # its page is loaded anew, with a composer
    assert await send(school.milo, room) == 201
    assert (await school.ada.api.patch(f"/conversations/{room}", json={"everyone_writes": False})).status_code == 200
    assert await send(school.milo, room) == 403


async def test_a_batch_keeps_those_who_may_and_refuses_those_who_may_not(school: Cast) -> None:
    """Sends to one room at once share a statement."""
    room = (await school.milo.api.get("/conversations/general")).json()["id"]
    for who in (school.olive, school.ada):
        await who.api.get("/conversations/general")
    senders = [school.milo, school.olive, school.mina, school.ada] * 5
    answers = await asyncio.gather(*(send(who, room, f"number {n}") for n, who in enumerate(senders)))
    assert answers == [403, 201, 403, 201] * 5


async def test_whoever_goes_is_told_to_whom_their_groups_go_in_a_school(school: Cast) -> None:
    for path in ("/me/deactivate", "/me/delete", f"/conversations/{school.chess}/settings"):
        assert "the teacher or administrator who has been" in (await school.olive.browser.get(path)).text, path
