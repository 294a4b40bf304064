"""What devices are told: of what their person may see at that moment and has not read, and once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.core import database
from app.notifications.push import keys, queue, sender
from tests.conftest import Cast
from tests.notifications.conftest import Read
from tests.notifications.push_service import Push, chooses, failures, signed, signs_in, subscribed, waits


async def test_a_device_is_told_who_wrote_and_how_it_begins(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "are you there, **@olive**?")
    await read()
    await push.send()
    (shown,) = device.shown
    number = await database.fetch_value("SELECT id FROM notification WHERE person = $1", cast.olive.id)
    assert (shown["title"], shown["body"]) == ("Milo Member mentioned you in Chess club", "are you there, @olive?")
    assert (shown["url"], shown["tag"], shown["lang"]) == (f"/notifications/{number}", f"notification-{number}", "en")
    assert (await cast.nobody.browser.get(shown["icon"])).status_code == 200
    await push.send()
    assert len(device.calls) == 1, "told once"
    assert await waits() == 0


async def test_it_comes_from_us_alone_and_is_kept_for_a_day(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive psst")
    await read()
    await push.send()
    (call,) = device.calls
    claims = signed(call, push.service)
    assert claims["sub"] == "mailto:us@example.org"
    assert claims["k"] == await keys.public()
    assert call.headers["ttl"] == "86400"
    assert call.headers["urgency"] == "high"
    topic = call.headers["topic"]
    assert 0 < len(topic) <= 32
    assert topic.isalnum()
    assert b"Milo" not in call.body
    assert "Milo" not in str(call.headers)


async def test_another_of_the_same_replaces_it_on_the_way_and_on_the_device(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    for text in ("@olive one", "@olive two"):
        await cast.say(cast.milo, text)
        await read()
        await push.send()
    one, two = device.shown
    assert one["tag"] == two["tag"]
    assert one["about"] != two["about"], "and tells it aloud"
    assert two["title"] == "2 mentions in Chess club, the last by Milo Member"
    assert len({call.headers["topic"] for call in device.calls}) == 1
    direct = (await cast.milo.api.put("/direct/olive")).json()["id"]
    await cast.say(cast.milo, "psst", direct)
    await read()
    await push.send()
    assert len({call.headers["topic"] for call in device.calls}) == 2


async def test_what_was_read_and_then_marked_unread_is_not_told(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    said = await cast.say(cast.milo, "@olive hello")
    await read()
    await cast.olive.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await cast.olive.api.put(f"/conversations/{cast.chess}/unread", json={})
    await push.send()
    assert device.calls == []


async def test_it_waits_a_moment_and_what_was_read_by_then_is_not_told(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    said = await cast.say(cast.milo, "@olive hello")
    await read()
    await push.round()
    assert device.calls == [], "not yet"
    await cast.olive.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await push.send()
    assert device.calls == []
    await cast.say(cast.milo, "@olive are you there?")
    await read()
    await push.send()
    assert len(device.calls) == 1, "what comes later is, or this means nothing"


async def test_what_was_read_while_its_service_failed_is_not_told(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    push.service.answers = [503, 201]
    said = await cast.say(cast.milo, "@olive hello")
    await read()
    await push.send()
    assert await waits() == 1
    await cast.olive.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    await push.send()
    assert len(device.calls) == 1
    assert await waits() == 0


@pytest.mark.parametrize("what", ["deleted", "left", "blocked", "muted", "archived", "silenced", "off"])
async def test_what_may_not_be_seen_or_heard_any_more_is_not_told(
    cast: Cast, read: Read, push: Push, what: str
) -> None:
    device = await subscribed(cast.mina, push.service)
    other = await subscribed(cast.olive, push.service)
    said = await cast.say(cast.milo, "@mina secret")
    await cast.say(cast.milo, "@olive hello")
    await read()
    if what == "deleted":
        await cast.milo.api.delete(f"/messages/{said['id']}")
    elif what == "left":
        await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.mina.id}")
    elif what == "blocked":
        await cast.mina.api.put("/people/milo/block")
    elif what == "muted":
        await cast.mina.api.put(f"/conversations/{cast.chess}/mute", json={})
    elif what == "archived":
        await cast.mina.api.put(f"/conversations/{cast.chess}/archive", json={})
    elif what == "silenced":
        await cast.mina.api.put(f"/conversations/{cast.chess}/level", json={"level": "nothing"})
    else:
        await chooses(cast.mina, push="nothing")
    await push.send()
    assert device.calls == []
    assert len(other.calls) == 1, "others are told, or this means nothing"


async def test_an_edited_text_is_told_as_it_is_by_then(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    said = await cast.say(cast.milo, "@olive a secret")
    await read()
    await cast.milo.api.patch(f"/messages/{said['id']}", json={"body": "@olive hello"})
    await push.send()
    assert [shown["body"] for shown in device.shown] == ["@olive hello"]


async def test_who_wants_nothing_pushed_is_told_nothing(cast: Cast, read: Read, push: Push) -> None:
    await chooses(cast.olive, push="nothing")
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive hello")
    await read()
    await push.send()
    assert device.calls == []


async def test_who_wants_none_in_the_centre_is_led_to_the_message(cast: Cast, read: Read, push: Push) -> None:
    await chooses(cast.olive, app="nothing")
    device = await subscribed(cast.olive, push.service)
    said = await cast.say(cast.milo, "@olive hello")
    await read()
    await push.send()
    assert device.shown[0]["url"] == f"/messages/{said['id']}"
    assert (await cast.olive.api.get(device.shown[0]["url"])).status_code == 200


async def test_in_quiet_hours_it_waits_for_their_end(cast: Cast, read: Read, push: Push) -> None:
    now = datetime.now(UTC)
    await chooses(
        cast.olive, quiet_from=f"{now - timedelta(hours=1):%H:%M}", quiet_to=f"{now + timedelta(hours=2):%H:%M}"
    )
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive hello")
    await read()
    await push.send()
    assert device.calls == []
    failed = await failures(device)
    assert failed is not None
    assert failed[0] == 0
    assert 3600 < failed[1] <= 2 * 3600
    await push.round()
    assert device.calls == []
    await chooses(cast.olive, quiet_from="", quiet_to="")
    await push.send()
    assert len(device.calls) == 1


async def test_every_device_is_told_and_one_that_was_signed_out_nothing(cast: Cast, read: Read, push: Push) -> None:
    phone = await subscribed(cast.olive, push.service, "/push/phone")
    other = await signs_in(cast, "olive")
    laptop = await subscribed(other, push.service, "/push/laptop")
    await cast.say(cast.milo, "@olive one")
    await read()
    await push.send()
    assert (len(phone.calls), len(laptop.calls)) == (1, 1)
    await cast.say(cast.milo, "@olive two")
    await read()
    assert (await cast.olive.api.delete(f"/me/sessions/{other.session}")).status_code == 204
    await push.send()
    assert (len(phone.calls), len(laptop.calls)) == (2, 1)
    assert await failures(laptop) is None, "its address is forgotten"


async def test_a_device_whose_session_ran_out_is_told_nothing(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive hello")
    await read()
    await database.fetch("UPDATE session SET expires_at = now() WHERE id = $1", cast.olive.session)
    await push.send()
    assert device.calls == []
    assert await failures(device) is None


async def test_who_is_killed_while_sending_leaves_it_to_the_next(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive hello")
    await read()
    await database.fetch("UPDATE notification SET push_at = now()")
    await queue.spread()
    assert [each.id for each in await queue.claim(10)] == [device.id], "and then kill -9"
    assert await queue.claim(10) == [], "nobody else is at it meanwhile"
    await push.round()
    assert device.calls == []
    failed = await failures(device)
    assert failed is not None
    assert 0 < failed[1] <= queue.LEASE.total_seconds()
    await push.send()
    assert len(device.calls) == 1


async def test_what_comes_while_a_device_is_served_is_told_too(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive hello")
    await read()
    await database.fetch("UPDATE notification SET push_at = now()")
    await queue.spread()
    (claimed,) = await queue.claim(10)
    (row,) = (await queue.waiting(claimed)).rows
    await queue.told(claimed, row)
    direct = (await cast.milo.api.put("/direct/olive")).json()["id"]
    await cast.say(cast.milo, "psst", direct)
    await read()
    await database.fetch("UPDATE notification SET push_at = now() WHERE push_at IS NOT NULL")
    await queue.spread()
    await queue.done(claimed)
    await push.round()
    assert [shown["body"] for shown in device.shown] == ["psst"]


def test_what_services_ask_for_is_understood() -> None:
    assert sender._asked("120") == timedelta(seconds=120)
    assert sender._asked("99999999999999") == timedelta(days=1)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert timedelta(minutes=59) < sender._asked(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) <= timedelta(hours=1)
    for nothing in (
        *("Mon, 01 Jan 0001 00:00:00 +1400", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"),
        *("", "soon", "-5", "Mon, 01 Jan 2001 00:00:00 GMT", "٣"),
    ):
        assert sender._asked(nothing) == timedelta()


@pytest.mark.parametrize("what", ["signed out", "read", "left"])
async def test_before_each_of_several_it_is_asked_whether_it_may_still_be_told(
    cast: Cast, read: Read, push: Push, what: str
) -> None:
    device = await subscribed(cast.mina, push.service)
    direct = (await cast.milo.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.milo, "psst", direct)
    await read()
    said = await cast.say(cast.milo, "@mina secret")
    await read()
    push.service.answers_now.clear()
    sending = asyncio.create_task(push.send())
    await push.service.got(1)
    if what == "signed out":
        await database.fetch("UPDATE session SET expires_at = now() WHERE id = $1", cast.mina.session)
    elif what == "read":
        await cast.mina.api.put(f"/conversations/{cast.chess}/read", json={"position": said["position"]})
    else:
        await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.mina.id}")
    push.service.answers_now.set()
    await sending
    assert [shown["body"] for shown in device.shown] == ["psst"]
