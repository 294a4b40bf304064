"""Devices with push notifications: how one subscribes, sees which do, and ends it."""

import asyncio
from typing import Any

import asyncpg
import pytest
from bs4 import BeautifulSoup

from app.accounts import sessions
from app.core import database
from app.core.errors import Unauthorized
from app.notifications.push import devices, keys
from app.notifications.push.devices import MOST
from tests.conftest import PASSWORD, Actor, Cast
from tests.notifications.push_service import Browser, signs_in
from tests.receivers import Receiver

HERE = "/me/push-subscriptions"


def browser(endpoint: str = "https://push.example.org/abc") -> dict[str, Any]:
    """What the Push API of a browser gives."""
    return {**Browser(Receiver(), "").json, "endpoint": endpoint}


async def listed(who: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await who.api.get(HERE)).json()["subscriptions"]
    return found


async def test_a_browser_subscribes_and_is_listed_without_its_address(cast: Cast) -> None:
    given = browser()
    answer = await cast.milo.api.post(HERE, json=given)
    assert answer.status_code == 201
    (one,) = await listed(cast.milo)
    assert one == answer.json()
    assert (one["current"], one["failing"], one["last_used_at"]) == (True, False, None)
    everything = (await cast.milo.api.get(HERE)).text + (await cast.milo.browser.get(HERE)).text
    assert "push.example.org" not in everything
    assert given["keys"]["auth"] not in everything
    assert await listed(cast.mina) == []


async def test_the_same_browser_again_is_one_and_another_address_takes_its_place(cast: Cast) -> None:
    given = browser()
    first = (await cast.milo.api.post(HERE, json=given)).json()
    assert (await cast.milo.api.post(HERE, json=given)).json() == first
    moved = (await cast.milo.api.post(HERE, json=browser("https://push.example.org/new"))).json()
    assert [each["id"] for each in await listed(cast.milo)] == [moved["id"]]


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "push",
        "http://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://2130706433/x",
        "https://me:secret@push.example.org/x",
        "https://push.example.org:22/x",
        "file:///etc/passwd",
        "https://push.example.org/\0",
        "https://push.example.org/\ud800",
        "https://push.example.org/" + "x" * 2000,
        "https://push.example.org/" + "é" * 900,
        7,
        None,
        ["https://push.example.org"],
    ],
)
async def test_an_address_that_is_none_or_of_our_own_network_is_refused(cast: Cast, endpoint: Any) -> None:
    given = {**browser(), "endpoint": endpoint}
    answer = await cast.milo.api.post(HERE, json=given) if "\ud800" not in str(endpoint) else None
    if answer is None:
        raw = b'{"endpoint": "https://push.example.org/\\ud800"}'
        answer = await cast.milo.api.post(HERE, content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert await listed(cast.milo) == []


WRONG_KEYS: dict[str, dict[str, Any]] = {
    "no key": {"p256dh": ""},
    "no secret": {"auth": ""},
    "a short key": {"p256dh": "AAAA"},
    "a short secret": {"auth": "AAAA"},
    "a point beside the curve": {"p256dh": keys.encoded(b"\4" + b"\1" * 64)},
    "a compressed point": {"p256dh": keys.encoded(b"\2" + b"\1" * 32)},
    "nothing but zeros": {"p256dh": keys.encoded(b"\0" * 65)},
    "other letters": {"p256dh": "é" * 87},
    "a long key": {"p256dh": "x" * 10_000},
    "a NUL": {"auth": "\0" * 22},
    "a number": {"p256dh": 7},
    "a list": {"auth": []},
}


@pytest.mark.parametrize("wrong", WRONG_KEYS.values(), ids=WRONG_KEYS)
async def test_keys_that_cannot_be_encrypted_for_are_refused(cast: Cast, wrong: dict[str, Any]) -> None:
    given = browser()
    given["keys"] |= wrong
    answer = await cast.milo.api.post(HERE, json=given)
    assert answer.status_code in (400, 422), answer.text
    assert await listed(cast.milo) == []


async def test_who_signs_in_on_the_same_browser_has_it_from_then_on(cast: Cast) -> None:
    given = browser()
    await cast.milo.api.post(HERE, json=given)
    assert (await cast.mina.api.post(HERE, json=given)).status_code == 201
    assert await listed(cast.milo) == []
    assert len(await listed(cast.mina)) == 1


async def test_who_knows_no_more_than_the_address_of_anothers_browser_does_not_get_it(cast: Cast) -> None:
    await cast.milo.api.post(HERE, json=browser())
    answer = await cast.mina.api.post(HERE, json=browser())
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["endpoint"]
    assert len(await listed(cast.milo)) == 1


async def test_one_is_removed_by_its_person_alone(cast: Cast) -> None:
    number = (await cast.milo.api.post(HERE, json=browser())).json()["id"]
    assert (await cast.mina.api.delete(f"{HERE}/{number}")).status_code == 404
    assert (await cast.milo.api.delete(f"{HERE}/{number}")).status_code == 204
    assert (await cast.milo.api.delete(f"{HERE}/{number}")).status_code == 404
    assert await listed(cast.milo) == []


async def test_there_are_so_many_and_no_more_also_when_all_come_at_once(cast: Cast) -> None:
    actors = [await signs_in(cast, "milo") for _number in range(MOST + 2)]
    given = [browser(f"https://push.example.org/{number}") for number in range(MOST + 2)]
    answers = await asyncio.gather(
        *(actor.api.post(HERE, json=each) for actor, each in zip(actors, given, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * MOST + [422] * 2
    assert len(await listed(cast.milo)) == MOST
    told = next(actor for actor, answer in zip(actors, answers, strict=True) if answer.status_code == 201)
    assert (await told.api.post(HERE, json=browser("https://push.example.org/moved"))).status_code == 201


@pytest.mark.parametrize("how", ["log out", "elsewhere", "password", "deactivated", "deleted"])
async def test_with_its_session_it_goes(cast: Cast, how: str) -> None:
    other = await signs_in(cast, "milo")
    await other.api.post(HERE, json=browser())
    if how == "log out":
        await other.api.post("/auth/logout")
    elif how == "elsewhere":
        await cast.milo.api.delete(f"/me/sessions/{other.session}")
    elif how == "password":
        given = {"current": PASSWORD, "password": "four green birds sing"}
        assert (await cast.milo.api.put("/me/password", json=given)).status_code == 204
    elif how == "deactivated":
        assert (await cast.milo.api.post("/me/deactivate", json={"current": PASSWORD})).status_code == 204
    else:
        given = {"current": PASSWORD, "messages": "keep"}
        assert (await cast.milo.api.request("DELETE", "/me", json=given)).status_code == 204
    assert await database.fetch_value("SELECT count(*) FROM push_subscription") == 0


async def test_what_outlived_its_session_is_swept_away(cast: Cast) -> None:
    await cast.milo.api.post(HERE, json=browser())
    await cast.mina.api.post(HERE, json=browser("https://push.example.org/minas"))
    await database.fetch("UPDATE session SET expires_at = now() WHERE id = $1", cast.milo.session)
    await devices.sweep()
    assert await database.fetch_value("SELECT array_agg(person) FROM push_subscription") == [cast.mina.id]


async def test_a_session_that_ends_meanwhile_subscribes_nothing(cast: Cast) -> None:
    me = await sessions.person_of(cast.server.settings, cast.milo.access)
    assert me is not None
    await sessions.end(cast.milo.session)
    given = browser()
    asked = devices.Subscription(given["endpoint"], devices.Keys(**given["keys"]))
    with pytest.raises(Unauthorized):
        await devices.subscribe(cast.server.settings, me, asked)


async def test_there_is_one_key_whoever_asks_first_and_it_stays(dsn: str, cast: Cast) -> None:
    found = await asyncio.gather(*(keys.public() for _number in range(20)))
    assert len(set(found)) == 1
    assert (await cast.milo.api.get(HERE)).json()["public_key"] == found[0]
    assert await database.fetch_value("SELECT count(*) FROM vapid_key") == 1
    with pytest.raises(asyncpg.PostgresError):
        await database.fetch("INSERT INTO vapid_key (id, private, public) VALUES (2, '', '')")


async def test_the_private_key_is_shown_by_nothing(cast: Cast) -> None:
    key = await keys.key()
    private = await database.fetch_value("SELECT private FROM vapid_key")
    for shown in (repr(key), str(key), key.header(cast.server.settings, "https://push.example.org/x")):
        assert private.hex() not in shown
        assert keys.encoded(private) not in shown
        assert str(int.from_bytes(private)) not in shown


async def test_the_page_of_settings_lists_them_and_each_is_removed_by_a_plain_form(cast: Cast) -> None:
    await cast.milo.api.post(HERE, json=browser())
    page = BeautifulSoup((await cast.milo.browser.get("/me/notification-settings")).text, "html.parser")
    section = page.find(id="push")
    assert section is not None
    assert section["data-key"] == await keys.public()
    form = section.find("form")
    assert form is not None
    answer = await cast.milo.browser.post(str(form["action"]))
    assert (answer.status_code, answer.headers["location"]) == (303, HERE)
    after = await cast.milo.browser.get(HERE)
    assert BeautifulSoup(after.text, "html.parser").select("#push form") == []
    assert section.find("noscript") is not None, "who has no scripts is told what it takes"


async def test_a_form_of_settings_that_was_refused_still_leads_to_the_devices(cast: Cast) -> None:
    answer = await cast.milo.browser.post("/me/notification-settings?_method=put", data={"mail": "often"})
    assert answer.status_code == 422
    assert HERE in answer.text


async def test_the_service_worker_is_for_the_whole_site_and_never_stale(cast: Cast) -> None:
    answer = await cast.nobody.browser.get("/sw.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in answer.headers["content-security-policy"]
    assert "caches" not in answer.text, "it keeps nothing"
    assert '"fetch"' not in answer.text, "and answers nothing"
