"""Passwords and tokens, by themselves. How they are used is in tests/accounts."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from app.core import security
from app.core.errors import Unavailable
from app.core.security import Claims, make_token, read_token

SECRET = "s" * 64
CLAIMS = Claims(person=7, session=8, generation=9)


async def test_the_same_password_never_has_the_same_hash() -> None:
    one, other = await security.hash_password("three blue horses"), await security.hash_password("three blue horses")
    assert one != other
    assert await security.password_matches(one, "three blue horses")
    assert not await security.password_matches(one, "three blue horses ")


async def test_the_same_letters_are_the_same_password_however_the_keyboard_makes_them() -> None:
    hashed = await security.hash_password("\u00e9t\u00e9 \u00e0 la mer")
    assert await security.password_matches(hashed, "e\u0301te\u0301 a\u0300 la mer")


async def test_a_password_of_a_thousand_accents_is_not_even_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ordering them takes the square of their number: seconds for what fits into a request, while nothing else runs."""
    looked_at: list[int] = []
    composed = security._composed

    def watched(word: str) -> str:
        looked_at.append(len(word))
        return composed(word)

    monkeypatch.setattr(security, "_composed", watched)
    accents = "e" + "\u0301\u0323" * 15_000
    assert not await security.password_matches(await security.hash_password("a quiet password"), accents)
    assert not await security.password_matches(None, accents)
    assert max(looked_at) <= 4 * security.LONGEST_PASSWORD
    assert not await security.password_matches(await security.hash_password(""), accents), "nor taken for none"


async def test_an_unknown_account_matches_nothing() -> None:
    assert not await security.password_matches(None, "")
    assert not await security.password_matches("no hash at all", "")


async def test_the_loop_goes_on_while_passwords_are_hashed() -> None:
    longest = 0.0
    hashing = asyncio.gather(*(security.hash_password(f"password number {n}") for n in range(20)))
    while not hashing.done():
        started = time.monotonic()
        await asyncio.sleep(0.005)  # what is measured is how much later this comes back
        longest = max(longest, time.monotonic() - started)
    await hashing
    assert longest < 0.5


async def test_a_flood_of_log_ins_is_refused_instead_of_waiting_for_ever() -> None:
    many = [security.password_matches(None, "guess") for _ in range(140)]
    answers = await asyncio.gather(*many, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 40
    assert not await security.password_matches(None, "later it goes on")


async def test_estimates_do_not_hold_up_log_ins() -> None:
    slow = asyncio.gather(*(security.password_problem("0123456789@$!" * 3) for _ in range(20)))
    await asyncio.wait_for(security.password_matches(None, "x"), 2)
    assert not slow.done()
    await slow


def test_a_token_is_read_as_what_it_was_made() -> None:
    now = datetime.now(UTC)
    for kind in ("access", "refresh"):
        token = make_token(kind, CLAIMS, SECRET, now, timedelta(minutes=1))
        assert read_token(kind, token, SECRET) == CLAIMS
        assert read_token("refresh" if kind == "access" else "access", token, SECRET) is None
        assert read_token(kind, token, "t" * 64) is None
        assert make_token(kind, CLAIMS, SECRET, now, timedelta(minutes=1)) == token, "two who ask at once get the same"


def test_a_database_whose_clock_is_ahead_locks_nobody_out() -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=90)
    assert read_token("access", make_token("access", CLAIMS, SECRET, ahead, timedelta(minutes=1)), SECRET) == CLAIMS


def test_a_token_ends() -> None:
    past = datetime.now(UTC) - timedelta(minutes=2)
    assert read_token("access", make_token("access", CLAIMS, SECRET, past, timedelta(minutes=1)), SECRET) is None


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "\0", "." * 10_000, "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_none(token: str) -> None:
    assert read_token("access", token, SECRET) is None


def test_link_tokens_cannot_be_guessed_and_only_their_hash_is_given_to_keep() -> None:
    made = [security.make_link_token() for _ in range(50)]
    assert len({token for token, _hashed in made}) == 50
    for token, hashed in made:
        assert len(token) == 43
        assert len(hashed) == 32
        assert security.hash_link_token(token) == hashed


def test_a_pseudonym_is_stable_and_tells_nothing_without_the_key() -> None:
    assert security.pseudonym(SECRET, "1.2.3.4") == security.pseudonym(SECRET, "1.2.3.4")
    assert security.pseudonym(SECRET, "1.2.3.4") != security.pseudonym("t" * 64, "1.2.3.4")
