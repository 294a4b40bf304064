"""Deliveries that fail: tried again with growing waits, given up, switched off, told again."""

import pytest

from app.core import database
from app.notifications.webhooks import following, jobs, signing
from app.notifications.webhooks.sending import WAITS, Sender, claim
from tests.conftest import Cast, statements_of
from tests.notifications.webhooks.conftest import log_of, subscribe, texts, work
from tests.receivers import Receiver, receiving


async def pass_time(seconds: float) -> None:
    """Moves the clock on, as far as deliveries know of it."""
    await database.fetch(
        """
        UPDATE delivery SET due_at = due_at - $1 * interval '1 second',
            created_at = created_at - $1 * interval '1 second',
            claimed_until = claimed_until - $1 * interval '1 second', tried_at = tried_at - $1 * interval '1 second'
        """,
        seconds,
    )
    await database.fetch("UPDATE subscription SET failing_since = failing_since - $1 * interval '1 second'", seconds)


async def test_a_receiver_that_fails_and_then_works_gets_it_with_the_same_id(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    receiver.answers = [500, (503, "not now"), 200]
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    assert await work(sender) == 1
    (delivery,) = await log_of(cast.olive, made)
    assert (delivery["state"], delivery["status"], delivery["tries"]) == ("waiting", 500, 1)
    assert await work(sender) == 0, "not before its time"
    await pass_time(12)
    assert await work(sender) == 1
    (delivery,) = await log_of(cast.olive, made)
    assert (delivery["status"], delivery["answer"]) == (503, "not now")
    await pass_time(12)
    assert await work(sender) == 0, "the waits grow"
    await pass_time(60)
    assert await work(sender) == 1
    (delivery,) = await log_of(cast.olive, made)
    assert (delivery["state"], delivery["tries"], delivery["due_at"]) == ("delivered", 3, None)
    assert len({call.headers["x-causerie-delivery"] for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1
    assert (await cast.olive.api.get(f"/subscriptions/{made['id']}")).json()["failing_since"] is None


async def test_a_worker_that_was_killed_while_sending_leaves_it_to_the_next_one(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    """Claimed and never heard of again, before it was sent or after."""
    await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await following.follow()
    (claimed,) = await claim(10)
    assert await work(sender) == 0, "it is another's"
    await pass_time(61)
    assert await work(sender) == 1
    assert receiver.calls[0].headers["x-causerie-delivery"] == str(claimed.key)


async def test_a_redirect_is_a_failure_and_its_target_is_not_called(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    async with receiving() as target:
        receiver.answers = [(307, target.url)]
        made = await subscribe(cast.olive, cast.chess, receiver)
        await cast.say(cast.milo, "e4")
        await work(sender)
        (delivery,) = await log_of(cast.olive, made)
        assert (delivery["state"], delivery["problem"]) == ("waiting", "redirect")
        assert target.calls == []


async def test_after_three_days_of_nothing_but_failures_it_is_switched_off_and_can_be_switched_on(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    receiver.answers = [500]
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await work(sender)
    for wait in WAITS[:8]:
        await cast.say(cast.milo, "more")
        await pass_time(wait * 1.11)
        assert await work(sender) >= 1
        shown = (await cast.olive.api.get(f"/subscriptions/{made['id']}")).json()
        assert shown["disabled_at"] is None, "not before"
        assert shown["failing_since"]
    await pass_time(WAITS[8] * 1.11)
    await work(sender)
    shown = (await cast.olive.api.get(f"/subscriptions/{made['id']}")).json()
    assert shown["disabled_reason"] == "failing"
    assert {each["state"] for each in shown["deliveries"]} == {"failed"}
    called = len(receiver.calls)
    await cast.say(cast.milo, "while it is off")
    await pass_time(100_000)
    assert await work(sender) == 0
    assert len(receiver.calls) == called
    page = await cast.olive.browser.get(f"/subscriptions/{made['id']}")
    assert f"/subscriptions/{made['id']}/enabled" in page.text
    refused = await cast.olive.api.post(f"/subscriptions/{made['id']}/deliveries/{shown['deliveries'][0]['id']}")
    assert refused.status_code == 409
    on = await cast.olive.browser.post(f"/subscriptions/{made['id']}/enabled?_method=put")
    assert on.status_code == 303
    receiver.answers = [200]
    receiver.calls.clear()
    await cast.say(cast.milo, "on again")
    await work(sender)
    assert texts(receiver) == [("message.sent", "on again")], "what happened meanwhile is not told"


async def test_one_success_in_between_keeps_it_on(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    receiver.answers = [500, 200, 500]
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "fails")
    await work(sender)
    await database.fetch("UPDATE subscription SET failing_since = now() - interval '4 days'")
    await cast.say(cast.milo, "gets through")
    await work(sender)
    await cast.say(cast.milo, "fails again")
    await work(sender)
    shown = (await cast.olive.api.get(f"/subscriptions/{made['id']}")).json()
    assert shown["disabled_at"] is None


async def test_one_that_fails_for_ever_is_given_up_and_the_others_go_on(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await following.follow()
    await database.fetch("UPDATE delivery SET tries = $1", len(WAITS))
    receiver.answers = [500, 200]
    assert await work(sender) == 1
    await cast.say(cast.milo, "d4")
    await work(sender)
    first, second = await log_of(cast.olive, made)
    assert (first["state"], second["state"]) == ("failed", "delivered")


async def test_who_answers_that_it_is_gone_is_not_called_again(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    receiver.answers = [410]
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await work(sender)
    shown = (await cast.olive.api.get(f"/subscriptions/{made['id']}")).json()
    assert (shown["disabled_reason"], shown["deliveries"][0]["state"]) == ("gone", "failed")


async def test_telling_it_again_is_a_delivery_of_its_own(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await work(sender)
    (first,) = await log_of(cast.olive, made)
    path = f"/subscriptions/{made['id']}/deliveries/{first['id']}"
    assert (await cast.olive.api.post(path)).json()["again_of"] == first["id"]
    assert (await cast.olive.browser.post(path)).status_code == 303
    await work(sender)
    assert texts(receiver) == [("message.sent", "e4")] * 3
    assert len({call.headers["x-causerie-delivery"] for call in receiver.calls}) == 3
    other = await subscribe(cast.olive, cast.chess, receiver)
    wrong = await cast.olive.api.post(f"/subscriptions/{other['id']}/deliveries/{first['id']}")
    assert wrong.status_code == 404, "of another subscription"


async def test_a_new_secret_signs_what_comes_after(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    renewed = (await cast.olive.api.put(f"/subscriptions/{made['id']}/secret")).json()
    assert renewed["secret"] != made["secret"]
    page = await cast.olive.browser.get(f"/subscriptions/{made['id']}")
    assert renewed["secret"] not in page.text, "it is told once"
    await cast.say(cast.milo, "e4")
    await work(sender)
    (call,) = receiver.calls
    stamp, given = call.headers["x-causerie-timestamp"], call.headers["x-causerie-signature"]
    assert signing.matches(renewed["secret"], stamp, call.body, given)
    assert not signing.matches(made["secret"], stamp, call.body, given)


async def test_a_slow_receiver_leaves_room_for_the_others(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    await subscribe(cast.olive, cast.chess, receiver)
    for number in range(10):
        await cast.say(cast.milo, f"m{number}")
    await following.follow()
    assert len(await claim(32)) == 4
    assert await claim(32) == [], "four of it are under way"
    async with receiving() as other:
        await subscribe(cast.olive, cast.chess, other)
        await cast.say(cast.milo, "quick")
        assert await work(sender) == 1
        assert texts(other) == [("message.sent", "quick")]


async def test_old_deliveries_are_forgotten(cast: Cast, receiver: Receiver, sender: Sender) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "old")
    await work(sender)
    await pass_time(31 * 86400)
    await cast.say(cast.milo, "new")
    await work(sender)
    await jobs.sweep()
    assert len(await log_of(cast.olive, made)) == 1


async def test_the_log_costs_the_same_however_long_it_is_and_is_paged(
    cast: Cast, receiver: Receiver, sender: Sender
) -> None:
    made = await subscribe(cast.olive, cast.chess, receiver)
    path = f"/subscriptions/{made['id']}"
    await cast.say(cast.milo, "one")
    await work(sender)
    await cast.olive.browser.get(path)  # with her first page she comes into the general room
    few = await statements_of(cast.olive.browser.get(path))
    for number in range(7):
        await cast.say(cast.milo, f"m{number}")
    await work(sender)
    assert await statements_of(cast.olive.browser.get(path)) == few
    first = (await cast.olive.api.get(path, params={"limit": 5})).json()
    rest = (await cast.olive.api.get(path, params={"limit": 5, "before": first["next"]})).json()
    assert (len(first["deliveries"]), len(rest["deliveries"]), rest["next"]) == (5, 3, None)


@pytest.mark.parametrize("word", ["'; DROP TABLE delivery; --", "<script>alert(1)</script>", "\0\udfff" * 10])
async def test_what_a_receiver_answers_is_shown_as_text(
    cast: Cast, receiver: Receiver, sender: Sender, word: str
) -> None:
    receiver.answers = [(200, word.replace("\udfff", "\ufffd"))]
    made = await subscribe(cast.olive, cast.chess, receiver)
    await cast.say(cast.milo, "e4")
    await work(sender)
    (delivery,) = await log_of(cast.olive, made)
    assert delivery["state"] == "delivered"
    page = await cast.olive.browser.get(f"/subscriptions/{made['id']}")
    assert "<script>alert" not in page.text
