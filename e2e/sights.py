"""What there is to see, and by whom: the pages that screenshots.py takes pictures of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx

from e2e.steps import unlike_words

PASSWORD = "three blue horses run"
ROOMS = 60
LONG = "Everything about the summer festival, the raffle, the jumble sale and who brings back the big tent, part {}"


@dataclass(frozen=True, slots=True)
class Shot:
    """A page as it is to be seen: its address, and what is clicked there first."""

    name: str
    path: str
    click: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks, at what; nobody is signed in when `login` is empty."""

    name: str
    login: str
    password: str
    shots: Sequence[Shot]


SIDEBAR = Shot("index", "/conversations")
DOOR = (
    Shot("login", "/auth/login"),
    Shot("login-wrong", "/auth/login", "form[action='/auth/login'] .button-primary"),
    Shot("signup", "/auth/signup"),
    Shot("forgot", "/auth/forgot-password"),
    Shot("reset", "/auth/reset-password?token=none"),
    Shot("not-found", "/there-is-no-such-page"),
    Shot("info", "/info"),
    Shot("health", "/health"),
    Shot("verify", "/verify"),
    Shot("keys", "/exports/keys"),
)
ACCOUNT = (
    Shot("people", "/people"),
    Shot("people-none", "/people?q=zzzzzz"),
    Shot("me", "/me"),
    Shot("devices", "/me/sessions"),
    Shot("password", "/me/password"),
    Shot("deactivate", "/me/deactivate"),
    Shot("delete", "/me/delete"),
    Shot("email", "/me/email"),
    Shot("mine", "/messages"),
    Shot("new", "/conversations/new"),
    Shot("notifications", "/notifications"),
    Shot("mentions", "/mentions"),
    Shot("notification-settings", "/me/notification-settings"),
    Shot("push", "/me/push-subscriptions"),
    Shot("exports", "/exports"),
    Shot("tokens", "/me/tokens"),
    Shot("bots", "/me/bots"),
    Shot("contacts", "/contacts"),
    Shot("invitation", "/contacts/invitation"),
    Shot("privacy", "/me/privacy"),
    Shot("blocks", "/me/blocks"),
    Shot("online", "/people/online"),
    Shot("archive", "/conversations?archived=true"),
    Shot("ask", "/support/new"),
    Shot("docs", "/docs"),
    Shot("error", "/conversations/999999999"),
)


def visitors(base: str, login: str, password: str) -> Iterator[Visitor]:
    """Nobody, the one who has a login there (if any), and two who sign up: with nothing yet, and with very much."""
    yield Visitor("door", "", "", DOOR)
    if login:
        with signed_in(base, login, password) as api:
            yield Visitor("lively", login, password, list(_lively(api)))
    newcomer = _sign_up(base, "Noé")
    with signed_in(base, newcomer, PASSWORD) as api:
        yield Visitor("newcomer", newcomer, PASSWORD, list(_newcomer(api)))
    collector = _sign_up(base, "Wilhelmina Featherstonehaugh-Cholmondeley")
    with signed_in(base, collector, PASSWORD) as api:
        yield Visitor("collector", collector, PASSWORD, list(_collector(api)))


def signed_in(base: str, login: str, password: str) -> httpx.Client:
    """What speaks for somebody over the API; raises httpx.HTTPStatusError when they are not let in."""
    answer = httpx.post(f"{base}/auth/login", json={"login": login, "password": password}, timeout=30)
    token = answer.raise_for_status().json()["access_token"]
    return httpx.Client(
        base_url=base, headers={"authorization": f"Bearer {token}", "accept": "application/json"}, timeout=30
    )


def _sign_up(base: str, name: str) -> str:
    """Somebody new; gives their username."""
    username = f"visitor-{unlike_words()}"
    body = {"username": username, "name": name, "email": f"{username}@example.org", "password": PASSWORD}
    httpx.post(f"{base}/auth/signup", json=body, timeout=30).raise_for_status()
    return username


def _lively(api: httpx.Client) -> Iterator[Shot]:
    """The conversations of somebody who has many: the fullest of each kind, and one that is their own."""
    lines = api.get("/conversations", params={"limit": 100}).json()["conversations"]
    yield SIDEBAR
    for kind in ("general", "group", "direct"):
        of_kind = [line for line in lines if line["kind"] == kind]
        for name, key in (("fullest", "change"), ("unread", "unread")):
            most = max(of_kind, key=lambda line: int(line[key]), default=None)
            if most and most[key]:
                yield Shot(f"{kind}-{name}", f"/conversations/{most['id']}")
    owned = next((line["id"] for line in lines if _owned(api, line)), None)
    if owned:
        yield Shot("owner-members", f"/conversations/{owned}/members")
        yield Shot("owner-settings", f"/conversations/{owned}/settings")
        yield Shot("owner-webhooks", f"/conversations/{owned}/webhooks")
        yield Shot("owner-export", f"/conversations/{owned}/export")
    yield Shot("back", f"/conversations/{lines[0]['id']}?from=1")
    for message in api.get("/messages").json()["messages"][:1]:
        here, mine = f"/conversations/{message['conversation_id']}", f"/messages/{message['id']}"
        yield Shot("editing", here, ".message-actions a[href$='/edit']")
        yield Shot("deleting", here, ".message-actions a[href$='/delete']")
        yield Shot("edit-page", f"{mine}/edit")
        yield Shot("delete-page", f"{mine}/delete")
    yield from ACCOUNT


def _owned(api: httpx.Client, line: dict[str, object]) -> bool:
    return line["kind"] == "group" and api.get(f"/conversations/{line['id']}").json()["role"] == "owner"


def _newcomer(api: httpx.Client) -> Iterator[Shot]:
    yield SIDEBAR
    yield Shot("general", f"/conversations/{api.get('/conversations/general').json()['id']}")
    yield Shot("alone", f"/conversations/{_made(api, 'A room of one’s own')}")
    yield Shot("mine", "/messages")
    for name in ("notifications", "mentions", "exports", "contacts"):
        yield Shot(name, f"/{name}")


def _collector(api: httpx.Client) -> Iterator[Shot]:
    rooms = [_made(api, LONG.format(number) if number % 3 else f"Room {number}") for number in range(1, ROOMS + 1)]
    yield SIDEBAR
    yield Shot("room", f"/conversations/{rooms[-2]}")
    yield Shot("settings", f"/conversations/{rooms[-2]}/settings")


def _made(api: httpx.Client, title: str) -> int:
    """A new group; gives its id."""
    answer = api.post("/conversations", json={"kind": "group", "title": title[:100], "members": []})
    return int(answer.raise_for_status().json()["id"])
