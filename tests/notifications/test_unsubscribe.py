"""Turning mail off by a link in it: without log-in, by mail programs themselves, and by nobody else's token."""

import re

import pytest

from app.core import database
from app.core.security import seal, unseal
from app.notifications import unsubscribe
from tests.conftest import Actor, Cast
from tests.notifications.conftest import Post, part
from tests.pages import says


async def level(who: Actor) -> tuple[str, bool]:
    found = (await who.api.get("/me/notification-settings")).json()
    return found["mail"], found["weekly"]


async def mailed(cast: Cast, post: Post) -> str:
    """The address in the head of a mail to Mina, which mail programs call."""
    await cast.say(cast.olive, "@mina hello")
    await post.deliver()
    (mail,) = post.to(cast.mina)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<(\S+)>", mail["List-Unsubscribe"])
    assert found is not None
    assert found[1] in part(mail, "plain"), "people find it too"
    return found[1]


@pytest.mark.parametrize("form", ["a form", "a form with files", "a form of another site"])
async def test_a_mail_program_turns_it_off_by_one_click(cast: Cast, post: Post, form: str) -> None:
    address = await mailed(cast, post)
    headers = {"origin": "https://mail.example", "sec-fetch-site": "cross-site"} if "site" in form else {}
    client = cast.server.client(**headers)
    clicked = {"List-Unsubscribe": "One-Click"}
    if "files" in form:
        answer = await client.post(address, files={"List-Unsubscribe": (None, "One-Click")})
    else:
        answer = await client.post(address, data=clicked)
    assert answer.status_code == 200
    assert await level(cast.mina) == ("nothing", False)
    assert await level(cast.olive) == ("mentions", False), "nobody else's"
    await cast.say(cast.olive, "@mina hello once more")
    await post.deliver()
    assert len(post.to(cast.mina)) == 1
    assert (await client.post(address, data=clicked)).status_code == 200, "again changes nothing"


async def test_what_was_gathered_already_is_not_sent_after_it(cast: Cast, post: Post) -> None:
    address = await mailed(cast, post)
    await cast.say(cast.olive, "@mina hello once more")
    await post.gather()
    await cast.server.client().post(address, data={})
    await cast.mina.api.put("/me/notification-settings", json={"mail": "everything"})
    await post.deliver()
    assert len(post.to(cast.mina)) == 1


async def test_the_page_does_nothing_until_its_button_is_pressed(cast: Cast, post: Post) -> None:
    address = await mailed(cast, post)
    browser = cast.nobody.browser
    page = await browser.get(address)
    assert page.status_code == 200
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert await level(cast.mina) == ("mentions", False), "programs look into mails and open every link"
    action = re.search(r'action="(/unsubscribe\?token=[^"]+)"', page.text)
    assert action is not None
    done = await browser.post(action[1], data={"List-Unsubscribe": "One-Click"})
    assert "Notification emails are off." in says(done)
    assert "/me/notification-settings" in done.text, "and how it is had again"
    assert await level(cast.mina) == ("nothing", False)


async def test_it_is_of_whom_it_was_mailed_to_whoever_is_signed_in(cast: Cast, post: Post) -> None:
    address = await mailed(cast, post)
    await cast.milo.browser.post(address, data={"List-Unsubscribe": "One-Click"})
    assert await level(cast.milo) == ("mentions", False)
    assert await level(cast.mina) == ("nothing", False)


async def test_a_forged_token_turns_nothing_off(cast: Cast) -> None:
    secret = cast.server.settings.secret_key
    good = seal(unsubscribe.PURPOSE, f"told:{cast.mina.id}", secret)
    said, _dot, signature = good.partition(".")
    others = seal(unsubscribe.PURPOSE, f"told:{cast.milo.id}", secret).partition(".")[0]
    forged = [
        "",
        "x",
        ".",
        said,
        f"{said}.",
        f"{others}.{signature}",
        f"{said}.{signature[:-1]}",
        f"{good}x",
        "é\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        seal("something else", f"told:{cast.mina.id}", secret),
        seal(unsubscribe.PURPOSE, f"told:{cast.mina.id}", "x" * 64),
        cast.mina.access,
    ]
    for token in forged:
        for method in ("GET", "POST"):
            answer = await cast.nobody.api.request(method, "/unsubscribe", params={"token": token})
            assert answer.status_code == (200 if method == "GET" else 422), token
    assert await database.fetch_value("SELECT count(*) FROM notification_settings WHERE mail = 'nothing'") == 0
    assert (await cast.nobody.api.post("/unsubscribe", params={"token": good})).json()["done"] is True


async def test_a_token_is_good_for_nothing_else(cast: Cast) -> None:
    good = seal(unsubscribe.PURPOSE, f"told:{cast.mina.id}", cast.server.settings.secret_key)
    for headers in ({"authorization": f"Bearer {good}"}, {"cookie": f"access={good}; refresh={good}"}):
        client = cast.server.client(accept="application/json", **headers)
        assert (await client.get("/me")).status_code == 401


def test_a_seal_says_what_was_sealed_for_its_purpose_alone() -> None:
    made = seal("tea", "für élise", "k" * 32)
    assert unseal("tea", made, "k" * 32) == "für élise"
    assert unseal("coffee", made, "k" * 32) is None
    assert unseal("te", made, "k" * 32) is None
    assert made.isascii()
