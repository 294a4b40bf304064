"""Passwords and tokens."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from jwt.types import Options
from zxcvbn import zxcvbn

from app.core.errors import Unavailable
from app.core.i18n import _

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256
# OWASP's Argon2id setting for small machines: 19 MiB, two passes, one lane (25 ms here).
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Hashing must not stall the loop, and a flood of log-ins must not eat the memory: two at a time, few waiting.
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
# One at a time, apart from the log-ins: the estimator is Python, and keeps the words it is given in a global.
_estimator = ThreadPoolExecutor(max_workers=1, thread_name_prefix="zxcvbn")
_waiting = 0
_MOST_WAITING = 100
# Its time grows with the square of the length and doubles with each further sign that may stand for a letter: 13 s for
# "@8({[<369&#!1/|0$5+7%2/4" three times. So it judges the start, where only the usual disguises count (0.1 s).
_JUDGED = 32
_RARE_DISGUISES = str.maketrans(dict.fromkeys("({[<|+%", "~"))
# It knows English; these are what French lists of stolen passwords begin with.
_FRENCH = (
    "motdepasse azerty azertyuiop soleil doudou loulou marseille bonjour jetaime chouchou chocolat coucou nicolas "
    "camille princesse papillon monamour administrateur toulouse bordeaux france ecole college lycee cheval poisson "
    "salut vacances causerie"
).split()
# What an unknown account is checked against, so that it takes as long as a known one.
_NOBODY = _hasher.hash(secrets.token_hex(16))


async def hash_password(password: str) -> str:
    """The Argon2id hash, in the pool."""
    return str(await _in_pool(_pool, _hasher.hash, _composed(password)))


async def password_matches(hashed: str | None, password: str) -> bool:
    """Whether it is the password; None stands for an unknown account and costs the same."""
    # Composing 64 KB of accents takes seconds, in which nothing else runs: what is far too long is not looked at.
    fits = len(password) <= 4 * LONGEST_PASSWORD
    same = await _in_pool(_pool, _verify, hashed or _NOBODY, password if fits else "")
    return bool(same) and fits and hashed is not None


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, _composed(password)[: LONGEST_PASSWORD + 1])
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def _composed(password: str) -> str:
    """An é is one sign on some keyboards and two on others (RFC 8265): the same password is meant."""
    return unicodedata.normalize("NFC", password)


async def password_problem(password: str, *known: str) -> str | None:
    """What is wrong with a new password, in the reader's language, or None. `known` is what anyone could guess."""
    if len(password) < SHORTEST_PASSWORD:
        return _("Use at least 10 characters.")
    if len(password) > LONGEST_PASSWORD:
        return _("Use at most 256 characters.")
    judged = password[:_JUDGED].translate(_RARE_DISGUISES)
    words = [part for word in known for part in (word, *word.replace("@", " ").split()) if len(part) > 2]
    estimate = await _in_pool(_estimator, zxcvbn, judged, [*words, *_FRENCH])
    if estimate["score"] < 2:  # fewer than a million guesses
        return _("This password is too easy to guess. Try a few unrelated words.")
    return None


async def _in_pool(pool: ThreadPoolExecutor, function: Any, *args: Any) -> Any:
    global _waiting
    if _waiting >= _MOST_WAITING:
        raise Unavailable(_("Too many people are logging in right now. Please try again in a moment."))
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *args)
    finally:
        _waiting -= 1


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, once its signature and its end are checked."""

    person: int
    session: int
    generation: int


def make_token(
    kind: Literal["access", "refresh"], claims: Claims, secret: str, made: datetime, lasts: timedelta
) -> str:
    """A signed token. The same arguments give the same token: a refresh that is asked for twice answers alike."""
    payload = {
        "typ": kind,
        "sub": str(claims.person),
        "sid": claims.session,
        "gen": claims.generation,
        "iat": int(made.timestamp()),
        "exp": int((made + lasts).timestamp()),
    }
    return jwt.encode(payload, secret, algorithm="HS256")


# Without `require`, PyJWT takes a token that never ends. When it was made is not compared with now: that is the
# database's clock, and a second between the two machines would lock everyone out.
_OPTIONS: Options = {"require": ["exp", "sub"], "verify_iat": False}
_MOST_REMEMBERED = 20_000
_genuine: dict[tuple[str, str, str], tuple[float, Claims]] = {}


def read_token(kind: Literal["access", "refresh"], token: str, secret: str) -> Claims | None:
    """The claims of a token of that kind; None when it is forged, of another kind, or over.

    A browser sends the same token with each request: what was found genuine is remembered until its end.
    """
    known = _genuine.get((kind, token, secret))
    if known is not None and time.time() < known[0]:
        return known[1]
    try:
        payload = jwt.decode(token, secret, algorithms=["HS256"], options=_OPTIONS)
        if payload.get("typ") != kind:
            return None
        claims = Claims(int(payload["sub"]), int(payload["sid"]), int(payload["gen"]))
    except (jwt.InvalidTokenError, KeyError, ValueError, TypeError):
        return None
    if len(_genuine) >= _MOST_REMEMBERED:
        _genuine.clear()
    _genuine[kind, token, secret] = (float(payload["exp"]), claims)
    return claims


def make_link_token() -> tuple[str, bytes]:
    """A secret for a link, and the hash to keep. 256 random bits need no slow hash."""
    token = secrets.token_urlsafe(32)
    return token, hash_link_token(token)


def hash_link_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def seal(purpose: str, text: str, secret: str) -> str:
    """A token that says this text, signed for one purpose; it has no end. For links that must work without log-in for
    as long as the mail is kept in which they stand, and that may do no harm in other hands."""
    said = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return f"{said}.{_signature(purpose, said, secret)}"


def unseal(purpose: str, token: str, secret: str) -> str | None:
    """What such a token says; None when it was not made here for this purpose."""
    said, _dot, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(errors="replace"), _signature(purpose, said, secret).encode()):
        return None
    return base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)).decode()


def _signature(purpose: str, said: str, secret: str) -> str:
    """The purpose is signed too, behind a sign that no purpose has."""
    made = hmac.digest(secret.encode(), f"{purpose}\n{said}".encode(errors="replace"), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def pseudonym(secret: str, text: str) -> str:
    """A stable name for something personal, such as an address, that does not tell it."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]
