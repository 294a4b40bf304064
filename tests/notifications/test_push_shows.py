"""What devices show: as much as their person chose, in their language, and shortened so that services take it."""

import pytest

from app.notifications.push.payload import LEAST, MOST, Payload, fit
from tests.conftest import Cast
from tests.notifications.conftest import Read
from tests.notifications.push_service import Push, chooses, subscribed, waits

FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("shows", "title", "body"),
    [
        ("text", "Milo Member mentioned you in Chess club", "@olive meet me at noon"),
        ("name", "Milo Member", "New message"),
        ("nothing", "New message", ""),
    ],
)
async def test_it_shows_as_much_as_they_chose(
    cast: Cast, read: Read, push: Push, shows: str, title: str, body: str
) -> None:
    await chooses(cast.olive, push_shows=shows)
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive meet me at noon")
    await read()
    await push.send()
    (shown,) = device.shown
    assert (shown["title"], shown["body"]) == (title, body)
    rest = str(shown).replace(title, "")
    assert shows == "text" or not any(word in rest for word in ("Milo", "Chess", "noon"))
    assert shows != "nothing" or "Milo" not in str(shown)


@pytest.mark.parametrize(("app", "on_page"), [("everything", True), ("nothing", False)])
async def test_it_says_whether_open_pages_show_it_too(
    cast: Cast, read: Read, push: Push, app: str, on_page: bool
) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, "@olive one")
    await read()
    await chooses(cast.olive, app=app)
    await push.send()
    assert [shown["on_page"] for shown in device.shown] == [on_page]


async def test_it_speaks_the_language_of_its_person(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.mina, push.service)
    await cast.say(cast.milo, "@mina salut")
    await read()
    await push.send()
    (shown,) = device.shown
    assert shown["lang"] == "fr"
    assert shown["title"] == (await cast.mina.api.get("/notifications")).json()["notifications"][0]["title"]
    assert "mentioned" not in shown["title"]


LONG = {
    "one word": "x" * 1990,
    "families": FAMILY * 390,
    "right to left": "مرحبا بالجميع " * 140,
    "to be escaped": '"\\' * 990,
    "markup": "&<b>" * 490,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
async def test_long_texts_come_shortened_and_whole(cast: Cast, read: Read, push: Push, text: str) -> None:
    device = await subscribed(cast.olive, push.service)
    await cast.say(cast.milo, f"@olive {text}")
    await read()
    await push.send()
    (shown,) = device.shown
    assert shown["body"].startswith("@olive ")
    assert shown["body"].endswith("…")
    assert shown["body"] == shown["body"].encode().decode()
    assert "\ufffd" not in shown["body"]


LETTERS = ["x", "é", "…", "م", "😀", FAMILY, '"', "\\", "\x07"]


@pytest.mark.parametrize("letter", LETTERS, ids=ascii)
@pytest.mark.parametrize("most", [LEAST, LEAST + 1, LEAST + 2, LEAST + 3, MOST])
def test_whatever_is_told_fits(letter: str, most: int) -> None:
    given = Payload(letter * 300, letter * 5000, "tag", "about", "en", "/icon", "/notifications/1")
    made = fit(given, most)
    assert len(made) <= most
    assert len(made) > most - 40, "and nothing is cut that would fit"
    assert made.decode().count("\ufffd") == 0
    short = Payload("Milo", letter, "tag", "about", "en", "/icon", "/notifications/1")
    assert letter.encode() in fit(short) or letter in '"\\\x07'


async def test_a_service_that_takes_only_little_is_given_less(cast: Cast, read: Read, push: Push) -> None:
    device = await subscribed(cast.olive, push.service)
    push.service.answers = [413, 201]
    await cast.say(cast.milo, f"@olive {FAMILY * 300}")
    await read()
    await push.send()
    first, second = device.calls
    assert len(second.body) <= LEAST + 103
    assert len(second.body) < len(first.body)
    assert device.opened(second)["title"] == "Milo Member mentioned you in Chess club"
    push.service.answers = [413]
    await cast.say(cast.milo, "@olive again")
    await read()
    await push.send()
    assert len(device.calls) == 4, "once more each, and then no more"
    await push.send()
    assert len(device.calls) == 4
    assert await waits() == 0
