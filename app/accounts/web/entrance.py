"""The entrance: signing up, in and out, and a forgotten password."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.params import Parameter

from app.accounts import actions, profile, sessions
from app.accounts.auth import client_address, signed_in, signed_out
from app.accounts.events import PasswordResetAsked
from app.accounts.sessions import Proof
from app.accounts.views import LONGEST_EMAIL, EntranceView, SignedIn
from app.core import i18n, jobs, limits
from app.core.bell import Bell
from app.core.errors import Unauthorized
from app.core.page import Form, Page, header
from app.core.settings import Settings

PUBLIC = {"public": True}
HOME = "/conversations"
# A page whose address is a key: kept by nobody, told to nobody.
SECRET_PAGE = {"referrer-policy": "no-referrer", "cache-control": "no-store"}
# Whoever sits down at this computer next finds nothing by going back.
FORGET = {"clear-site-data": '"cache"'}
Next = Annotated[str, Parameter(query="next", required=False)]


class SignUp(msgspec.Struct):
    username: str = ""
    name: str = ""
    email: str = ""
    password: str = ""
    time_zone: str = ""
    next: str = ""


class LogIn(msgspec.Struct):
    """`login` is an e-mail or a username; `username` is taken too, as OAuth clients send it."""

    login: str = ""
    username: str = ""
    password: str = ""
    next: str = ""


class Refresh(msgspec.Struct):
    refresh_token: str = ""


class Forgot(msgspec.Struct):
    email: str = ""


class Reset(msgspec.Struct):
    token: str = ""
    password: str = ""


@get("/auth/signup", opt=PUBLIC)
async def signup_page(next_: Next = "") -> Page[EntranceView]:
    view = EntranceView(first=not await actions.anyone_here(), next=_safe(next_))
    return Page("accounts/signup.html", view)


@post("/auth/signup", opt={**PUBLIC, "form": "accounts/signup.html"})
async def signup(data: SignUp, request: Request[Any, Any, Any], settings: Settings) -> Page[SignedIn]:
    proof = await actions.sign_up(
        settings,
        username=data.username,
        name=data.name,
        email=data.email,
        password=data.password,
        address=client_address(request, settings),
        time_zone=data.time_zone,
    )
    role = (await sessions.own_view(proof.person)).role
    flash = "first" if role == "admin" else "welcome"
    return await _enter(request, settings, proof, status=201, then=_safe(data.next), flash=flash)


@get("/auth/login", opt=PUBLIC)
async def login_page(request: Request[Any, Any, Any], next_: Next = "") -> Page[EntranceView]:
    if request.scope.get("user") is not None:
        return Page("accounts/login.html", EntranceView(), see_other=_safe(next_))
    if not await actions.anyone_here():
        return Page("accounts/login.html", EntranceView(), see_other="/auth/signup")
    return Page("accounts/login.html", EntranceView(next=_safe(next_)))


@post("/auth/login", status_code=200, opt={**PUBLIC, "form": "accounts/login.html"})
async def login(data: LogIn, request: Request[Any, Any, Any], settings: Settings) -> Page[SignedIn]:
    proof = await actions.log_in(
        settings, data.login or data.username, data.password, client_address(request, settings)
    )
    return await _enter(request, settings, proof, status=200, then=_safe(data.next))


@post("/auth/refresh", status_code=200, opt={"anonymous": True})
async def refresh(data: Refresh, settings: Settings, bell: Bell) -> Page[SignedIn]:
    tokens = await sessions.refresh(settings, data.refresh_token, lambda session: bell.ring("s", session))
    me = await sessions.person_of(settings, tokens.access) if tokens else None
    if tokens is None or me is None:
        raise Unauthorized
    view = SignedIn(
        await sessions.own_view(me.id), tokens.access, tokens.refresh, expires_in=settings.access_token_minutes * 60
    )
    return Page("accounts/login.html", view, see_other=HOME)


@post("/auth/logout", status_code=204, opt=PUBLIC)
async def logout(request: Request[Any, Any, Any], settings: Settings, bell: Bell) -> Page[None]:
    me = request.scope.get("user")
    if me is not None:
        await sessions.end(me.session)
        bell.ring("s", me.session)
    elif header(request.scope, b"authorization"):
        raise Unauthorized  # a program whose token names nobody would believe that its session has ended
    request.scope["state"].pop("cookies", None)
    gone = signed_out(settings)
    return Page("accounts/login.html", None, status=204, see_other="/auth/login", headers=FORGET, cookies=gone)


@get("/auth/forgot-password", opt=PUBLIC)
async def forgot_page() -> Page[EntranceView]:
    return Page("accounts/forgot.html", EntranceView())


@post("/auth/forgot-password", status_code=202, opt={**PUBLIC, "form": "accounts/forgot.html"})
async def forgot(data: Forgot, request: Request[Any, Any, Any], settings: Settings) -> Page[EntranceView]:
    """Answers the same, and does the same work, whether the address is known or not: the worker looks it up."""
    email = data.email.strip()[:LONGEST_EMAIL]
    network = limits.network(client_address(request, settings))
    await limits.spend(settings, (limits.RESET_ACCOUNT, email.casefold()), (limits.RESET_ADDRESS, network))
    await jobs.defer(PasswordResetAsked(email))
    return Page("accounts/forgot.html", EntranceView(done=True), status=202)


@get("/auth/reset-password", opt=PUBLIC)
async def reset_page(token: str = "") -> Page[EntranceView]:
    # Told before a new password is thought of and typed twice.
    form = None if await actions.link_works(token) else Form(errors={"token": actions.old_link()})
    return Page("accounts/reset.html", EntranceView(token=token), form=form, headers=SECRET_PAGE)


@post("/auth/reset-password", status_code=204, opt={**PUBLIC, "form": "accounts/reset.html"})
async def reset(data: Reset, request: Request[Any, Any, Any], settings: Settings, bell: Bell) -> Page[None]:
    ended = await actions.reset_password(settings, data.token, data.password, client_address(request, settings))
    for session in ended:
        bell.ring("s", session)
    return Page("accounts/login.html", None, status=204, see_other="/auth/login", flash="password-changed")


class Language(msgspec.Struct):
    language: str = ""
    next: str = "/"


@post("/language", status_code=204, opt=PUBLIC)
async def choose_language(data: Language, request: Request[Any, Any, Any], settings: Settings) -> Page[None]:
    """The language of the pages in front of the door; who is signed in has it on the account page too."""
    language = data.language if data.language in i18n.LANGUAGES else "en"
    me = request.scope.get("user")
    if me is not None:
        await profile.update(settings, me, language=language)
    chosen = Cookie("language", value=language, path="/", max_age=365 * 86400, samesite="lax", secure=settings.secure)
    return Page("accounts/login.html", None, status=204, see_other=_safe(data.next), cookies=[chosen])


async def _enter(
    request: Request[Any, Any, Any],
    settings: Settings,
    proof: Proof,
    status: int,
    then: str = HOME,
    flash: str | None = None,
) -> Page[SignedIn]:
    """A new session, always: one that was there before log-in is ended, so none can be planted (fixation)."""
    old = request.scope.get("user")
    if old is not None:
        await sessions.end(old.session)
    tokens = await sessions.start(
        settings, proof, header(request.scope, b"user-agent"), client_address(request, settings)
    )
    person = await sessions.own_view(proof.person)
    view = SignedIn(person, tokens.access, tokens.refresh, expires_in=settings.access_token_minutes * 60)
    request.scope["state"].pop("cookies", None)
    return Page(
        "accounts/login.html", view, status=status, see_other=then, flash=flash, cookies=signed_in(settings, tokens)
    )


def _safe(target: str) -> str:
    """Only a path of ours is followed after log-in: `//evil.example` and `/\\evil.example` lead elsewhere."""
    plain = (
        target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable() and "\\" not in target
    )
    return target if plain else HOME


HANDLERS = [
    signup_page,
    signup,
    login_page,
    login,
    refresh,
    logout,
    forgot_page,
    forgot,
    reset_page,
    reset,
    choose_language,
]
