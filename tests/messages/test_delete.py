"""Deleting one's own message: its place stays, its text is gone for good."""

import asyncio

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import assert_whole, history
from tests.streams import following


async def test_a_tombstone_stays_in_its_place(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "a secret")
    await cast.say(cast.olive, "next")
    answer = await cast.milo.api.delete(f"/messages/{sent['id']}")
    assert answer.status_code == 200
    gone = answer.json()
    assert gone == sent | {"body": "", "html": "", "change": sent["change"] + 2, "deleted_at": gone["deleted_at"]}
    assert gone["deleted_at"].endswith("Z")
    assert [m["position"] for m in await history(cast.mina, cast.chess)] == list(range(1, sent["position"] + 2))


async def test_the_text_is_gone_from_the_database_from_pages_and_from_every_replay(cast: Cast) -> None:
    head = await cast.say(cast.olive, "before")
    sent = await cast.say(cast.milo, "a secret xyzzy")
    await cast.milo.api.patch(f"/messages/{sent['id']}", json={"body": "a better secret xyzzy"})
    await cast.milo.browser.get(f"/conversations/{cast.chess}")  # so that it was rendered once
    await cast.milo.api.delete(f"/messages/{sent['id']}")
    for table in ("message", "conversation"):
        assert await database.fetch_value(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%xyzzy%'") == 0
    url = f"/conversations/{cast.chess}"
    for path in (url, f"{url}/messages", f"{url}/messages?after=0", f"/messages/{sent['id']}", "/messages"):
        for who in (cast.milo, cast.mina):
            for client in (who.api, who.browser):
                assert "xyzzy" not in (await client.get(path, follow_redirects=True)).text, path
    for json in (True, False):
        async with following(cast.server, cast.mina, f"{cast.chess}:{head['change']}", json=json) as feed:
            await feed.until(lambda f: len(f.named("message")) > 0)
            assert "xyzzy" not in "".join(event.data for event in feed.events)


async def test_others_may_not_and_outsiders_do_not_know_the_message(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "mine")
    for who, status in ((cast.mina, 403), (cast.olive, 403), (cast.oscar, 404), (cast.remy, 404), (cast.ada, 404)):
        assert (await who.api.delete(f"/messages/{sent['id']}")).status_code == status, who.name
        assert (await who.browser.get(f"/messages/{sent['id']}/delete")).status_code == status
    assert (await cast.milo.api.get(f"/messages/{sent['id']}")).json() == sent


async def test_a_second_deletion_finds_nothing(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "mine")
    answers = await asyncio.gather(*(cast.milo.api.delete(f"/messages/{sent['id']}") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    await assert_whole(cast.chess)


async def test_everyone_sees_live_that_it_is_gone(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "a secret")
    async with following(cast.server, cast.mina, f"{cast.chess}:{sent['change']}", json=False) as feed:
        await cast.milo.api.delete(f"/messages/{sent['id']}")
        await feed.until(lambda f: bool(f.named("message")))
        event = feed.named("message")[0]
        assert f'id="message-{sent["id"]}"' in event.data
        assert "message-deleted" in event.data
        assert "secret" not in event.data


async def test_a_plain_form_asks_first_and_then_deletes(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "mine")
    page = await cast.milo.browser.get(f"/messages/{sent['id']}/delete")
    assert f'action="/messages/{sent["id"]}?_method=delete"' in page.text
    answer = await cast.milo.browser.post(f"/messages/{sent['id']}?_method=delete")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"#message-{sent['id']}")
    assert "This message was deleted." in (await cast.milo.browser.get(answer.headers["location"])).text


async def test_a_tombstone_still_has_its_permalink(cast: Cast) -> None:
    sent = await cast.say(cast.milo, "mine")
    await cast.milo.api.delete(f"/messages/{sent['id']}")
    assert (await cast.mina.api.get(f"/messages/{sent['id']}")).json()["body"] == ""
    assert (await cast.mina.browser.get(f"/messages/{sent['id']}")).status_code == 303
