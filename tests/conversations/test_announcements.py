"""Announcements: an administrator tells everyone, those who come later too, and nobody answers."""

import asyncio
import dataclasses
from typing import Any
from uuid import uuid4

import pytest

from app.core import database
from app.core.settings import Settings
from app.messages import sending
from tests.conftest import Actor, Cast
from tests.conversations.story import history
from tests.streams import following


async def announce(cast: Cast, body: str = "No school on Monday", **more: Any) -> dict[str, Any]:
    answer = await cast.ada.api.post("/broadcasts", json={"body": body, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def line(who: Actor) -> dict[str, Any] | None:
    found = (await who.api.get("/conversations")).json()["conversations"]
    return next((each for each in found if each["kind"] == "announcements"), None)


async def test_everyone_sees_it_and_it_is_unread(cast: Cast) -> None:
    for who in (cast.milo, cast.oscar):
        assert await line(who) is None, "there is nothing to show yet"
    sent = await announce(cast)
    for who in (cast.milo, cast.oscar, cast.remy):
        found = await line(who)
        assert found is not None
        assert (found["title"], found["unread"]) == ("Announcements", 1)
        assert [message["body"] for message in await history(who, sent["conversation_id"])] == ["No school on Monday"]
    french = await line(cast.mina)
    assert french is not None
    assert french["title"] == "Annonces"


async def test_whoever_comes_later_sees_all_and_the_last_one_is_new_to_them(cast: Cast) -> None:
    for body in ("one", "two", "three"):
        sent = await announce(cast, body)
    nina = await cast.server.someone("nina")
    found = await line(nina)
    assert found is not None
    assert found["unread"] == 1
    said = await history(nina, sent["conversation_id"])
    assert [message["body"] for message in said] == ["one", "two", "three"], "and nobody's coming is announced"


@pytest.mark.parametrize("policy", ["open", "school"])
class TestByEitherPolicy:
    @pytest.fixture
    def settings(self, settings: Settings, policy: str) -> Settings:
        return dataclasses.replace(settings, role_policy=policy)  # type: ignore[arg-type]

    async def test_nobody_else_writes_there(self, cast: Cast) -> None:
        sent = await announce(cast)
        room = sent["conversation_id"]
        teacher = await cast.server.someone("tess", role="teacher")
        for who in (cast.milo, cast.olive, teacher):
            for answer in (
                await who.api.post("/broadcasts", json={"body": "me too"}),
                await who.api.post(f"/conversations/{room}/messages", json={"body": "me too"}),
            ):
                assert answer.status_code == 403
                assert "announcements" in answer.json()["detail"]
        page = await cast.milo.browser.get(f"/conversations/{room}")
        assert "composer-shut" in page.text
        assert len(await history(cast.ada, room)) == 1

    async def test_the_administrator_writes_there_as_anywhere(self, cast: Cast) -> None:
        page = await cast.ada.browser.get("/conversations/announcements", follow_redirects=True)
        assert 'id="composer"' in page.text
        room = (await announce(cast))["conversation_id"]
        assert (await cast.ada.api.post(f"/conversations/{room}/messages", json={"body": "two"})).status_code == 201
        sent = await announce(cast, "tree")
        assert (await cast.ada.api.patch(f"/messages/{sent['id']}", json={"body": "three"})).status_code == 200
        assert (await cast.ada.api.delete(f"/messages/{sent['id']}")).status_code == 200


async def test_whoever_is_no_administrator_any_more_announces_nothing_not_even_beside_one(cast: Cast) -> None:
    """The role is asked for in the statement that keeps the message, also when several are kept together."""
    room = (await announce(cast))["conversation_id"]
    await line(cast.milo)
    drafts = [sending.Draft(who.id, uuid4(), "hello", None) for who in (cast.milo, cast.milo)]
    kept = await asyncio.gather(*(sending.send(room, draft) for draft in drafts))
    assert kept == [None, None]
    await database.fetch("UPDATE person SET role = 'student' WHERE id = $1", cast.ada.id)
    refused = await cast.ada.api.post("/broadcasts", json={"body": "still me"})
    assert refused.status_code == 403
    assert len(await history(cast.milo, room)) == 1


async def test_those_who_are_there_see_it_at_once(cast: Cast) -> None:
    for who in (cast.milo, cast.mina):
        await who.api.get("/conversations")
    async with (
        following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as page,
        following(cast.server, cast.mina) as program,
    ):
        await announce(cast)
        await page.until(lambda f: any("Announcements" in event.data for event in f.named("conversation")))
        await program.until(lambda f: any(e.json["body"] == "No school on Monday" for e in f.named("message")))


async def test_the_same_key_announces_once(cast: Cast) -> None:
    key = "7c6b8f6e-55a5-4b3e-9a35-0d6d7f0f1b11"
    assert (await announce(cast, key=key))["id"] == (await announce(cast, key=key))["id"]


async def test_an_empty_one_is_refused(cast: Cast) -> None:
    refused = await cast.ada.api.post("/broadcasts", json={"body": " "})
    assert refused.status_code == 422
    assert "body" in refused.json()["errors"]


async def test_it_cannot_be_left_renamed_or_deleted(cast: Cast) -> None:
    room = (await announce(cast))["conversation_id"]
    await line(cast.milo)
    for who in (cast.ada, cast.milo):
        for answer in (
            await who.api.delete(f"/conversations/{room}/members/{who.id}"),
            await who.api.patch(f"/conversations/{room}", json={"title": "Mine"}),
            await who.api.patch(f"/conversations/{room}", json={"everyone_writes": True}),
            await who.api.delete(f"/conversations/{room}"),
            await who.api.post(f"/conversations/{room}/members", json={"username": "oscar"}),
        ):
            assert answer.status_code == 403, answer.text
