"""French and English: which one someone gets, and how times are written."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.core import i18n
from app.core.i18n import Locale
from tests.conftest import Cast, Server
from tests.pages import parsed, says

AT_NIGHT = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        (None, None, "en"),
        (None, "", "en"),
        (None, "fr", "fr"),
        (None, "fr-CA", "fr"),
        (None, "FR-fr", "fr"),
        (None, "de, fr;q=0.5, en;q=0.4", "fr"),
        (None, "fr;q=0.4, en;q=0.5", "en"),
        (None, "fr;q=0, en;q=0.1", "en"),
        (None, "fr;q=0", "en"),
        (None, "de", "en"),
        (None, "*", "en"),
        (None, "fr;q=nan", "en"),
        (None, "fr;q=x, en", "en"),
        (None, ";;;,,,q=", "en"),
        ("fr", "en", "fr"),
        ("tlh", "fr", "fr"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_first_of_theirs_that_we_speak(
    cookie: str | None, accept: str | None, language: str
) -> None:
    assert i18n.choose_language(cookie, accept) == language


def test_times_are_of_the_zone_and_the_language_of_the_reader() -> None:
    paris, tokyo = Locale("fr", "Europe/Paris"), Locale("en", "Asia/Tokyo")
    assert i18n.clock(AT_NIGHT, Locale("en", "UTC")) == "23:30"
    assert i18n.clock(AT_NIGHT, paris) == "00:30"
    assert i18n.day(AT_NIGHT, paris) == "samedi 21 novembre 2026"
    assert i18n.day(AT_NIGHT, tokyo) == "Saturday, 21 November 2026"
    assert i18n.day(AT_NIGHT, Locale("en", "UTC")) == "Friday, 20 November 2026"
    assert i18n.day_key(AT_NIGHT, tokyo) == "2026-11-21"
    assert i18n.stamp(AT_NIGHT, paris) == "21 nov. 2026, 00:30"


def test_a_zone_that_does_not_exist_is_utc() -> None:
    assert i18n.clock(AT_NIGHT, Locale("en", "Mars/Olympus")) == "23:30"
    assert not i18n.is_zone("../../etc/passwd")
    assert "Europe/Paris" in i18n.zones()


def test_plurals_are_those_of_the_language() -> None:
    one, many = (
        "Too many attempts. Please try again in %d minute.",
        "Too many attempts. Please try again in %d minutes.",
    )
    i18n.use(Locale("fr", "UTC"))
    assert i18n.ngettext(one, many, 0).endswith("%d minute.")
    assert i18n.ngettext(one, many, 1).endswith("%d minute.")
    assert i18n.ngettext(one, many, 2).endswith("%d minutes.")
    i18n.use(Locale("en", "UTC"))
    assert i18n.ngettext(one, many, 0) == many


async def test_in_front_of_the_door_one_chooses_a_language_and_keeps_it(server: Server) -> None:
    await server.someone("olive")
    browser = server.browser()
    assert "Log in" in says(await browser.get("/auth/login"))
    chosen = await browser.post("/language", data={"language": "fr", "next": "/auth/login"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/auth/login")
    page = await browser.get("/auth/login", headers={"accept-language": "en"})
    assert parsed(page).html["lang"] == "fr"  # type: ignore[index]
    assert "Se connecter" in says(page)


async def test_who_is_signed_in_reads_their_own_language_whatever_the_browser_says(cast: Cast) -> None:
    for who, language in ((cast.mina, "fr"), (cast.milo, "en")):
        who.browser.cookies.set("language", "en" if language == "fr" else "fr")
        page = await who.browser.get("/people", headers={"accept-language": "de, en;q=0.5"})
        assert parsed(page).html["lang"] == language  # type: ignore[index]


async def test_two_readers_at_once_each_read_their_own(cast: Cast) -> None:
    pages = await asyncio.gather(*(who.browser.get("/people") for who in (cast.mina, cast.milo) * 10))
    assert [parsed(page).html["lang"] for page in pages] == ["fr", "en"] * 10  # type: ignore[index]
