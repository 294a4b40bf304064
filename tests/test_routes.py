"""Who may do what, for every route: one table, and the routes of the application must be exactly its rows.

Each line says what a program gets: a status for each actor, from left to right

    nobody    no account, or not signed in
    expired   has an account, but the session that the token names has ended
    outsider  Oscar: an account, and nothing to do with the group
    removed   Remy: was in the group until its owner removed him
    member    Milo: is in the group, and wrote the message
    owner     Olive: owns the group, and the session
    admin     Ada: the administrator, who is not in the group
    blocked   Bob: is in the group, and Mina, who is too, has blocked him

A browser gets the same: a page where JSON says 2xx, the door where it says 401, an error page of that very status where
it says 403, 404 or 422. What each role gets in a school: `test_routes_by_role.py`.

In the paths and bodies stand the objects of the scene: {group} and its doubles {doomed}, {handed} and {shrinking}, of
the same people, for what would destroy it; {message} and {unwanted}, both Milo's, in the group; {session} is Olive's;
{picture} is Mina's; with {asked} Milo asks Olive to be a contact, with {asked_staff} the staff something;
{invitation} is Mina's code; of {told} and {told_too} Olive was told; {given_up} and {unwanted_job} are jobs that
were given up; {bot}, {doomed_bot}, {token} and {bot_token} are Olive's. The group has the webhook {hook},
posted to at {hook_path}, and {subscription} with its {delivery}; {own_hook} is of the instance;
{device} is a browser of Olive's that is told; her exports are {export}, which is ready, {waiting_export} and
{doomed_export}.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute

from app.accounts import sessions
from app.accounts.sessions import Proof
from app.core import database
from app.core.settings import load
from app.core.templates import static_url
from app.main import create_app
from app.notifications.webhooks import following
from tests.admin.story import dead_letter
from tests.conftest import PASSWORD, Actor, Cast, password_hash
from tests.exports.shelf import asked, ready
from tests.pictures import picture

# The blocked one is a member of the group too; it is Mina who has blocked them.
ACTORS = ("nobody", "expired", "outsider", "removed", "member", "owner", "admin", "blocked")
ICON = static_url("icons/causerie.svg")
FILES = ICON.removesuffix("icons/causerie.svg") + "{file_path:path}"
NEW = {"username": "new.{actor}", "name": "New", "email": "new.{actor}@example.org", "password": PASSWORD}
WRONG = {"current": "not the right one", "password": PASSWORD}
SUBSCRIPTION = {"url": "https://example.org/hook", "events": ["message.sent"]}

# Who gets what: everyone; whoever is signed in; members alone; the owner, members being told that it is not for them;
# the author of the message, other members being told so.
EVERYONE = "{0} {0} {0} {0} {0} {0} {0} {0}"
SIGNED_IN = "401 401 {0} {0} {0} {0} {0} {0}"
MEMBERS = "401 401 404 404 {0} {0} 404 {0}"
OWNER = "401 401 404 404 403 {0} 404 403"
AUTHOR = "401 401 404 404 {0} 403 404 403"
# What administrators alone know of.
ADMIN = "401 401 404 404 404 404 {0} 404"
# What others are told that it is for administrators.
ADMIN_TOLD = "401 401 403 403 403 403 {0} 403"
# What is Olive's alone, and of which nobody else knows.
MINE = "401 401 404 404 404 {0} 404 404"
# What is between two people is as if the other one were not there.
NOT_BLOCKED = "401 401 {0} {0} {0} {0} {0} 404"

TABLE: list[tuple[str, str, str, dict[str, Any] | None]] = [
    # method and route                                       who gets what           body, or another address to ask for
    ("GET /", "/", EVERYONE.format(200), None),
    ("GET /health", "/health", EVERYONE.format(200), None),
    ("GET /info", "/info", EVERYONE.format(200), None),
    ("GET /docs", "/docs", EVERYONE.format(200), None),
    ("GET /docs/openapi.json", "/docs/openapi.json", EVERYONE.format(200), None),
    (f"GET {FILES}", ICON, EVERYONE.format(200), None),
    (f"HEAD {FILES}", ICON, EVERYONE.format(200), None),
    ("GET /auth/signup", "/auth/signup", EVERYONE.format(200), None),
    ("POST /auth/signup", "/auth/signup", EVERYONE.format(201), NEW),
    ("GET /auth/login", "/auth/login", EVERYONE.format(200), None),
    ("POST /auth/login", "/auth/login", EVERYONE.format(401), {"login": "mina", "password": "not the right one"}),
    ("POST /auth/refresh", "/auth/refresh", SIGNED_IN.format(200), {"refresh_token": "{refresh}"}),
    ("POST /auth/logout", "/auth/logout", "204 401 204 204 204 204 204 204", {}),
    ("GET /auth/forgot-password", "/auth/forgot-password", EVERYONE.format(200), None),
    ("POST /auth/forgot-password", "/auth/forgot-password", EVERYONE.format(202), {"email": "mina@example.org"}),
    ("GET /auth/reset-password", "/auth/reset-password?token=x", EVERYONE.format(200), None),
    ("POST /auth/reset-password", "/auth/reset-password", EVERYONE.format(422), {"token": "x", "password": PASSWORD}),
    ("POST /language", "/language", EVERYONE.format(204), {"language": "en"}),
    ("GET /me", "/me", SIGNED_IN.format(200), None),
    ("PATCH /me", "/me", SIGNED_IN.format(200), {"name": "Someone"}),
    ("PUT /me/avatar", "/me/avatar", SIGNED_IN.format(422), {}),
    ("DELETE /me/avatar", "/me/avatar", SIGNED_IN.format(204), None),
    ("GET /avatars/{person_id:int}/{digest:str}", "{picture}", NOT_BLOCKED.format(200), None),
    ("DELETE /me", "/me", SIGNED_IN.format(422), WRONG),
    ("GET /me/tokens", "/me/tokens", SIGNED_IN.format(200), None),
    ("POST /me/tokens", "/me/tokens", SIGNED_IN.format(201), {"name": "Script", "scopes": "read"}),
    ("DELETE /me/tokens/{token_id:int}", "/me/tokens/{token}", MINE.format(204), None),
    ("GET /me/bots/{bot_id:int}/tokens", "/me/bots/{bot}/tokens", MINE.format(200), None),
    (
        "POST /me/bots/{bot_id:int}/tokens",
        "/me/bots/{bot}/tokens",
        MINE.format(201),
        {"name": "Script", "scopes": "read"},
    ),
    (
        "DELETE /me/bots/{bot_id:int}/tokens/{token_id:int}",
        "/me/bots/{bot}/tokens/{bot_token}",
        MINE.format(204),
        None,
    ),
    ("GET /me/bots", "/me/bots", SIGNED_IN.format(200), None),
    ("POST /me/bots", "/me/bots", SIGNED_IN.format(201), {"username": "helper.{actor}", "name": "Helper"}),
    ("GET /me/bots/{bot_id:int}", "/me/bots/{bot}", MINE.format(200), None),
    ("PATCH /me/bots/{bot_id:int}", "/me/bots/{bot}", MINE.format(200), {"name": "Helper"}),
    ("PUT /me/bots/{bot_id:int}/avatar", "/me/bots/{bot}/avatar", MINE.format(422), {}),
    ("DELETE /me/bots/{bot_id:int}/avatar", "/me/bots/{bot}/avatar", MINE.format(204), None),
    ("DELETE /me/bots/{bot_id:int}", "/me/bots/{doomed_bot}", MINE.format(204), None),
    ("POST /me/active", "/me/active", SIGNED_IN.format(204), {}),
    ("GET /me/privacy", "/me/privacy", SIGNED_IN.format(200), None),
    ("PATCH /me/privacy", "/me/privacy", SIGNED_IN.format(200), {"state": "auto"}),
    ("GET /messages/{message_id:int}/receipts", "/messages/{message}/receipts", AUTHOR.format(200), None),
    ("GET /people/online", "/people/online", SIGNED_IN.format(200), None),
    ("GET /me.css", "/me.css", SIGNED_IN.format(200), None),
    ("GET /me/email", "/me/email", SIGNED_IN.format(200), None),
    ("PUT /me/email", "/me/email", SIGNED_IN.format(422), WRONG | {"email": "new@example.org"}),
    ("GET /auth/confirm-email", "/auth/confirm-email?token=x", EVERYONE.format(200), None),
    ("POST /auth/confirm-email", "/auth/confirm-email", EVERYONE.format(422), {"token": "x"}),
    ("GET /me/password", "/me/password", SIGNED_IN.format(200), None),
    ("PUT /me/password", "/me/password", SIGNED_IN.format(422), WRONG),
    ("GET /me/delete", "/me/delete", SIGNED_IN.format(200), None),
    ("POST /me/deactivate", "/me/deactivate", SIGNED_IN.format(422), WRONG),
    ("GET /me/deactivate", "/me/deactivate", SIGNED_IN.format(200), None),
    ("GET /me/sessions", "/me/sessions", SIGNED_IN.format(200), None),
    ("DELETE /me/sessions/{session_id:int}", "/me/sessions/{session}", "401 401 404 404 404 204 404 404", None),
    ("GET /people", "/people", SIGNED_IN.format(200), None),
    ("GET /people/{username:str}", "/people/mina", NOT_BLOCKED.format(200), None),
    ("PUT /people/{username:str}/role", "/people/mina/role", "401 401 403 403 403 403 204 403", {"role": "parent"}),
    ("PUT /people/{username:str}/block", "/people/remy/block", "401 401 204 422 204 204 204 204", {}),
    ("DELETE /people/{username:str}/block", "/people/remy/block", SIGNED_IN.format(204), None),
    ("GET /contacts", "/contacts", SIGNED_IN.format(200), None),
    ("POST /contacts", "/contacts", "401 401 201 201 201 201 201 422", {"username": "mina"}),
    ("PUT /contacts/{contact_id:int}/accept", "/contacts/{asked}/accept", "401 401 404 404 403 200 404 404", {}),
    ("DELETE /contacts/{contact_id:int}", "/contacts/{asked}", "401 401 404 404 204 204 404 404", None),
    ("GET /contacts/invitation", "/contacts/invitation", SIGNED_IN.format(200), None),
    ("POST /contacts/invitation", "/contacts/invitation", SIGNED_IN.format(200), {}),
    ("GET /contacts/invitation/{code:str}", "/contacts/invitation/{invitation}", NOT_BLOCKED.format(200), None),
    ("POST /contacts/invitation/{code:str}", "/contacts/invitation/{invitation}", NOT_BLOCKED.format(201), {}),
    ("GET /me/blocks", "/me/blocks", SIGNED_IN.format(200), None),
    ("PUT /direct/{username:str}", "/direct/mina", NOT_BLOCKED.format(200), {}),
    ("GET /conversations", "/conversations", SIGNED_IN.format(200), None),
    ("POST /conversations", "/conversations", SIGNED_IN.format(201), {"kind": "group", "title": "Tea"}),
    ("GET /conversations/new", "/conversations/new", SIGNED_IN.format(200), None),
    ("GET /support", "/support", "401 401 403 403 403 403 200 403", None),
    ("GET /support/new", "/support/new", SIGNED_IN.format(200), None),
    ("GET /conversations/general", "/conversations/general", SIGNED_IN.format(200), None),
    ("GET /conversations/announcements", "/conversations/announcements", SIGNED_IN.format(200), None),
    ("POST /broadcasts", "/broadcasts", "401 401 403 403 403 403 201 403", {"body": "hello, everyone"}),
    ("GET /conversations/{conversation_id:int}", "/conversations/{group}", MEMBERS.format(200), None),
    ("PATCH /conversations/{conversation_id:int}", "/conversations/{group}", OWNER.format(200), {"title": "Go"}),
    ("DELETE /conversations/{conversation_id:int}", "/conversations/{doomed}", OWNER.format(204), None),
    (
        "GET /conversations/{conversation_id:int}/mentionable",
        "/conversations/{group}/mentionable?q=m",
        MEMBERS.format(200),
        None,
    ),
    ("GET /mentions", "/mentions", SIGNED_IN.format(200), None),
    ("GET /notifications", "/notifications", SIGNED_IN.format(200), None),
    (
        "GET /notifications/{notification_id:int}",
        "/notifications/{told}",
        "401 401 404 404 404 200 404 404",
        None,
    ),
    (
        "PUT /notifications/{notification_id:int}/read",
        "/notifications/{told_too}/read",
        "401 401 404 404 404 204 404 404",
        {},
    ),
    (
        "DELETE /notifications/{notification_id:int}",
        "/notifications/{told_too}",
        "401 401 404 404 404 204 404 404",
        None,
    ),
    ("PUT /notifications/read", "/notifications/read", SIGNED_IN.format(204), {}),
    ("DELETE /notifications", "/notifications", SIGNED_IN.format(204), None),
    ("GET /me/notification-settings", "/me/notification-settings", SIGNED_IN.format(200), None),
    ("PUT /me/notification-settings", "/me/notification-settings", SIGNED_IN.format(200), {"mail": "nothing"}),
    ("GET /exports", "/exports", SIGNED_IN.format(200), None),
    ("POST /exports", "/exports", MEMBERS.format(202), {"conversation_id": "{group}", "format": "json"}),
    ("GET /exports/{export_id:int}", "/exports/{export}", MINE.format(200), None),
    ("GET /exports/{export_id:int}/download", "/exports/{export}/download", MINE.format(200), None),
    ("POST /exports/{export_id:int}/cancel", "/exports/{waiting_export}/cancel", MINE.format(200), {}),
    ("DELETE /exports/{export_id:int}", "/exports/{doomed_export}", MINE.format(204), None),
    (
        "GET /conversations/{conversation_id:int}/export",
        "/conversations/{group}/export",
        MEMBERS.format(200),
        None,
    ),
    ("GET /exports/keys", "/exports/keys", EVERYONE.format(200), None),
    ("GET /verify", "/verify", EVERYONE.format(200), None),
    ("POST /verify", "/verify", EVERYONE.format(422), {}),
    ("GET /sw.js", "/sw.js", EVERYONE.format(200), None),
    ("GET /me/push-subscriptions", "/me/push-subscriptions", SIGNED_IN.format(200), None),
    ("POST /me/push-subscriptions", "/me/push-subscriptions", SIGNED_IN.format(422), {"endpoint": "https://localhost"}),
    (
        "DELETE /me/push-subscriptions/{subscription_id:int}",
        "/me/push-subscriptions/{device}",
        "401 401 404 404 404 204 404 404",
        None,
    ),
    ("DELETE /me/mail-refusals", "/me/mail-refusals", SIGNED_IN.format(204), None),
    ("GET /unsubscribe", "/unsubscribe?token=x", EVERYONE.format(200), None),
    ("POST /unsubscribe", "/unsubscribe?token=x", EVERYONE.format(422), {}),
    (
        "PUT /conversations/{conversation_id:int}/level",
        "/conversations/{group}/level",
        MEMBERS.format(200),
        {"level": "nothing"},
    ),
    ("DELETE /conversations/{conversation_id:int}/level", "/conversations/{group}/level", MEMBERS.format(200), None),
    ("GET /conversations/{conversation_id:int}/settings", "/conversations/{group}/settings", MEMBERS.format(200), None),
    ("GET /conversations/{conversation_id:int}/members", "/conversations/{group}/members", MEMBERS.format(200), None),
    (
        "POST /conversations/{conversation_id:int}/members",
        "/conversations/{group}/members",
        OWNER.format(201),
        {"username": "mina"},
    ),
    (
        "DELETE /conversations/{conversation_id:int}/members/{person_id:int}",
        "/conversations/{shrinking}/members/{mina}",
        OWNER.format(204),
        None,
    ),
    (
        "PUT /conversations/{conversation_id:int}/owner",
        "/conversations/{handed}/owner",
        OWNER.format(204),
        {"username": "mina"},
    ),
    (
        "PUT /conversations/{conversation_id:int}/read",
        "/conversations/{group}/read",
        MEMBERS.format(204),
        {"position": 1},
    ),
    (
        "PUT /conversations/{conversation_id:int}/mute",
        "/conversations/{group}/mute",
        MEMBERS.format(200),
        {"until": "hour"},
    ),
    ("DELETE /conversations/{conversation_id:int}/mute", "/conversations/{group}/mute", MEMBERS.format(200), None),
    ("PUT /conversations/{conversation_id:int}/archive", "/conversations/{group}/archive", MEMBERS.format(200), {}),
    (
        "DELETE /conversations/{conversation_id:int}/archive",
        "/conversations/{group}/archive",
        MEMBERS.format(200),
        None,
    ),
    ("PUT /conversations/{conversation_id:int}/pin", "/conversations/{group}/pin", MEMBERS.format(200), {}),
    ("DELETE /conversations/{conversation_id:int}/pin", "/conversations/{group}/pin", MEMBERS.format(200), None),
    ("POST /conversations/{conversation_id:int}/typing", "/conversations/{group}/typing", MEMBERS.format(204), {}),
    ("PUT /conversations/{conversation_id:int}/unread", "/conversations/{group}/unread", MEMBERS.format(200), {}),
    (
        "PUT /conversations/{conversation_id:int}/assignee",
        "/conversations/{asked_staff}/assignee",
        "401 401 404 404 403 404 200 404",
        {},
    ),
    (
        "DELETE /conversations/{conversation_id:int}/assignee",
        "/conversations/{asked_staff}/assignee",
        "401 401 404 404 403 404 200 404",
        None,
    ),
    (
        "PUT /conversations/{conversation_id:int}/closed",
        "/conversations/{asked_staff}/closed",
        "401 401 404 404 200 404 200 404",
        {},
    ),
    (
        "DELETE /conversations/{conversation_id:int}/closed",
        "/conversations/{asked_staff}/closed",
        "401 401 404 404 200 404 200 404",
        None,
    ),
    ("GET /join/{code:str}", "/join/{code}", "401 401 200 404 200 200 200 200", None),
    ("POST /join/{code:str}", "/join/{code}", "401 401 201 404 201 201 201 201", {}),
    ("PUT /conversations/{conversation_id:int}/code", "/conversations/{group}/code", OWNER.format(200), {}),
    ("DELETE /conversations/{conversation_id:int}/code", "/conversations/{group}/code", OWNER.format(204), None),
    ("GET /conversations/{conversation_id:int}/messages", "/conversations/{group}/messages", MEMBERS.format(200), None),
    (
        "POST /conversations/{conversation_id:int}/messages",
        "/conversations/{group}/messages",
        MEMBERS.format(201),
        {"body": "hello"},
    ),
    ("GET /messages", "/messages", SIGNED_IN.format(200), None),
    ("GET /messages/{message_id:int}", "/messages/{message}", MEMBERS.format(200), None),
    ("PATCH /messages/{message_id:int}", "/messages/{message}", AUTHOR.format(200), {"body": "edited"}),
    ("DELETE /messages/{message_id:int}", "/messages/{unwanted}", AUTHOR.format(200), None),
    ("GET /messages/{message_id:int}/edit", "/messages/{message}/edit", AUTHOR.format(200), None),
    ("GET /messages/{message_id:int}/delete", "/messages/{message}/delete", AUTHOR.format(200), None),
    ("GET /admin/jobs", "/admin/jobs", ADMIN.format(200), None),
    ("POST /admin/jobs/{letter_id:int}/tries", "/admin/jobs/{given_up}/tries", ADMIN.format(204), {}),
    ("DELETE /admin/jobs/{letter_id:int}", "/admin/jobs/{unwanted_job}", ADMIN.format(204), None),
    ("POST /admin/jobs/tries", "/admin/jobs/tries", ADMIN.format(204), {}),
    ("POST /hooks/{webhook_id:int}/{secret:str}", "{hook_path}", EVERYONE.format(201), {"text": "hello"}),
    ("GET /admin/audits", "/admin/audits", ADMIN.format(200), None),
    ("GET /admin/conversations", "/admin/conversations?q=chess", ADMIN.format(200), None),
    (
        "GET /admin/conversations/{conversation_id:int}/audit",
        "/admin/conversations/{group}/audit",
        ADMIN.format(200),
        None,
    ),
    (
        "POST /admin/conversations/{conversation_id:int}/audit",
        "/admin/conversations/{group}/audit",
        ADMIN.format(422),
        {"format": "json", "reason": "a complaint", "current": "not the right one"},
    ),
    ("GET /admin/webhooks", "/admin/webhooks", ADMIN_TOLD.format(200), None),
    ("POST /admin/webhooks", "/admin/webhooks", ADMIN_TOLD.format(201), {"name": "Absences"}),
    ("PUT /admin/webhooks/{webhook_id:int}/secret", "/admin/webhooks/{own_hook}/secret", ADMIN_TOLD.format(200), {}),
    ("DELETE /admin/webhooks/{webhook_id:int}", "/admin/webhooks/{own_hook}", ADMIN_TOLD.format(204), None),
    ("POST /admin/subscriptions", "/admin/subscriptions", ADMIN_TOLD.format(201), SUBSCRIPTION),
    ("GET /conversations/{conversation_id:int}/webhooks", "/conversations/{group}/webhooks", OWNER.format(200), None),
    (
        "POST /conversations/{conversation_id:int}/webhooks",
        "/conversations/{group}/webhooks",
        OWNER.format(201),
        {"name": "Absences"},
    ),
    (
        "PUT /conversations/{conversation_id:int}/webhooks/{webhook_id:int}/secret",
        "/conversations/{group}/webhooks/{hook}/secret",
        OWNER.format(200),
        {},
    ),
    (
        "DELETE /conversations/{conversation_id:int}/webhooks/{webhook_id:int}",
        "/conversations/{group}/webhooks/{hook}",
        OWNER.format(204),
        None,
    ),
    (
        "POST /conversations/{conversation_id:int}/subscriptions",
        "/conversations/{group}/subscriptions",
        OWNER.format(201),
        SUBSCRIPTION,
    ),
    ("GET /subscriptions/{subscription_id:int}", "/subscriptions/{subscription}", OWNER.format(200), None),
    (
        "POST /subscriptions/{subscription_id:int}/deliveries/{delivery_id:int}",
        "/subscriptions/{subscription}/deliveries/{delivery}",
        OWNER.format(202),
        {},
    ),
    ("PUT /subscriptions/{subscription_id:int}/secret", "/subscriptions/{subscription}/secret", OWNER.format(200), {}),
    (
        "PUT /subscriptions/{subscription_id:int}/enabled",
        "/subscriptions/{subscription}/enabled",
        OWNER.format(200),
        {},
    ),
    ("DELETE /subscriptions/{subscription_id:int}", "/subscriptions/{subscription}", OWNER.format(204), None),
    ("GET /live", "/live?after={group}:0", MEMBERS.format(200), None),
]


def routes(app: Litestar) -> set[str]:
    """Every route of the application and each of its methods, as the table writes them."""
    found = set()
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            found |= {f"{method} {route.path}" for method in route.methods if method != "OPTIONS"}
        elif isinstance(route, ASGIRoute):
            found.add(f"GET {route.path}")
    return {route for route in found if " /docs/none" not in route}


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    app = create_app(load({"DATABASE_URL": "postgresql://nobody@localhost/nothing", "SECRET_KEY": "k" * 64}))
    rows = [row[0] for row in TABLE]
    assert len(rows) == len(set(rows)), "a row stands twice"
    assert set(rows) - routes(app) == set(), "rows without a route"
    assert routes(app) - set(rows) == set(), "routes without a row: say in the table who may do what"


@dataclass
class Scene:
    """The objects that the table names."""

    cast: Cast
    names: dict[str, Any]
    others: dict[str, Actor] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        cast = self.cast
        actors: dict[str, Actor] = {
            "nobody": cast.nobody,
            "expired": cast.milo,
            "outsider": cast.oscar,
            "removed": cast.remy,
            "member": cast.milo,
            "owner": cast.olive,
            "admin": cast.ada,
            "blocked": self.names["blocked"],
        }
        return (actors | self.others)[name]

    async def signs_in(self, name: str) -> sessions.Tokens | None:
        """A session of their own for each request: one that ends another leaves the others alone."""
        if name == "nobody":
            return None
        tokens = await sessions.start(
            self.cast.server.settings, Proof(self.actor(name).id, await password_hash()), "tests", "127.0.0.1"
        )
        if name == "expired":
            await database.fetch("UPDATE session SET ended_at = now() WHERE id = (SELECT max(id) FROM session)")
        return tokens

    def filled(self, text: str, **more: str) -> str:
        for key, value in (self.names | more).items():
            text = text.replace("{" + key + "}", str(value))
        return text

    async def ask(
        self, name: str, method: str, path: str, body: dict[str, Any] | None, **headers: str
    ) -> httpx.Response:
        """Sends the request and reads the answer; of a stream only its head."""
        tokens = await self.signs_in(name)
        more = {"actor": name, "refresh": tokens.refresh if tokens else ""}
        given = {
            key: self.filled(value, **more) if isinstance(value, str) else value for key, value in (body or {}).items()
        }
        client = self.cast.server.client(**headers)
        if "sec-fetch-site" in headers:
            cookies = {"access": tokens.access, "refresh": tokens.refresh} if tokens else {}
            client.headers["cookie"] = "; ".join(f"{k}={v}" for k, v in cookies.items())
            sent = {"data": {k: str(v) for k, v in given.items()}} if body is not None else {}
        else:
            if tokens:
                client.headers["authorization"] = f"Bearer {tokens.access}"
            sent = {"json": given} if body is not None else {}
        async with client.stream(method, self.filled(path, **more), **sent) as answer:  # type: ignore[arg-type]
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                await answer.aread()
            return answer


@pytest.fixture
async def scene(cast: Cast) -> Scene:
    for someone in (cast.ada, cast.olive, cast.milo, cast.mina, cast.remy, cast.oscar):
        await someone.api.get("/conversations/general")  # who comes in later changes it
    names: dict[str, Any] = {"group": cast.chess, "mina": cast.mina.id}
    for double in ("doomed", "handed", "shrinking", "linked"):
        made = await cast.olive.api.post("/conversations", json={"title": double, "members": ["milo", "mina", "remy"]})
        names[double] = made.json()["id"]
        code = await cast.olive.api.put(f"/conversations/{names[double]}/code", json={})
        names["code"] = code.json()["code"]
        await cast.olive.api.delete(f"/conversations/{names[double]}/members/{cast.remy.id}")
    names["blocked"] = blocked = await cast.server.someone("bob", "Bob Blocked")
    await cast.olive.api.post(f"/conversations/{cast.chess}/members", json={"username": "bob"})
    for double in ("doomed", "handed", "shrinking", "linked"):
        await cast.olive.api.post(f"/conversations/{names[double]}/members", json={"username": "bob"})
    await blocked.api.get("/conversations/general")
    await cast.mina.api.put("/people/bob/block")
    names["asked"] = (await cast.milo.api.post("/contacts", json={"username": "olive"})).json()["id"]
    names["invitation"] = (await cast.mina.api.get("/contacts/invitation")).json()["url"].rpartition("/")[2]
    question = await cast.milo.api.post("/conversations", json={"kind": "support", "title": "Where is room 7?"})
    names["asked_staff"] = question.json()["id"]
    await cast.mina.api.put("/me/avatar", content=picture(), headers={"content-type": "image/png"})
    names["picture"] = (await cast.mina.api.get("/me")).json()["avatar"]
    names["told"], names["told_too"] = [
        await database.fetch_value(
            """
            INSERT INTO notification (person, kind, actor, in_app, read_at)
            VALUES ($1, 'contact_accepted', $2, true, $3) RETURNING id
            """,
            cast.olive.id,
            cast.milo.id,
            read_at,
        )
        for read_at in (None, datetime.now(UTC))
    ]
    names["device"] = await database.fetch_value(
        """
        INSERT INTO push_subscription (person, session, endpoint, p256dh, auth)
        VALUES ($1, $2, 'https://push.example.org/olive', '', '') RETURNING id
        """,
        cast.olive.id,
        cast.olive.session,
    )
    hook = (await cast.olive.api.post(f"/conversations/{cast.chess}/webhooks", json={"name": "Hook"})).json()
    names["hook"], names["hook_path"] = hook["id"], hook["url"].removeprefix(cast.server.url)
    names["own_hook"] = (await cast.ada.api.post("/admin/webhooks", json={"name": "Hook"})).json()["id"]
    subscribed = await cast.olive.api.post(f"/conversations/{cast.chess}/subscriptions", json=SUBSCRIPTION)
    names["subscription"] = subscribed.json()["id"]
    names["export"] = await ready(cast.olive, cast.chess, b"data")
    names["waiting_export"], names["doomed_export"] = [await asked(cast.olive, cast.chess) for _double in range(2)]
    names["message"] = (await cast.say(cast.milo, "e4"))["id"]
    names["unwanted"] = (await cast.say(cast.milo, "e5"))["id"]
    for double in ("bot", "doomed_bot"):
        made = await cast.olive.api.post(
            "/me/bots", json={"username": f"{double.replace('_', '-')}-one", "name": "Bot"}
        )
        names[double] = made.json()["id"]
    await following.follow()
    names["delivery"] = await database.fetch_value("SELECT min(id) FROM delivery")
    for name, path in (("token", "/me/tokens"), ("bot_token", f"/me/bots/{names['bot']}/tokens")):
        token = await cast.olive.api.post(path, json={"name": "Script", "scopes": ["read"]})
        names[name] = token.json()["id"]
    await sessions.start(cast.server.settings, Proof(cast.olive.id, await password_hash()), "tests", "127.0.0.1")
    names["session"] = await database.fetch_value("SELECT max(id) FROM session")
    for name in ("given_up", "unwanted_job"):
        names[name] = await dead_letter()
    return Scene(cast, names)


BROWSER = {"accept": "text/html", "sec-fetch-site": "same-origin"}
HTMX = BROWSER | {"hx-request": "true"}


@pytest.mark.parametrize("name", ACTORS)
async def test_everyone_gets_what_the_table_says(scene: Scene, name: str) -> None:
    wrong = []
    for row, path, expected, body in TABLE:
        method = row.split()[0]
        status = int(expected.split()[ACTORS.index(name)])
        answer = await scene.ask(name, method, path, body, accept="application/json")
        if answer.status_code != status:
            wrong.append(f"{row}: {answer.status_code} instead of {status}")
        if status in (401, 403, 404):
            assert answer.headers["content-type"] == "application/problem+json", row
            assert "chess" not in answer.text.lower(), row
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["nobody", "expired", "outsider", "removed", "admin"])
async def test_who_gets_nothing_as_json_gets_nothing_as_a_page_or_a_fragment(scene: Scene, name: str) -> None:
    """Only where the table refuses: those requests change nothing, so they can be made one after another."""
    seen = 0
    for row, path, expected, body in TABLE:
        method = row.split()[0]
        status = int(expected.split()[ACTORS.index(name)])
        if status not in (401, 403, 404) or "/auth/" in path:
            continue
        page, fragment = [await scene.ask(name, method, path, body, **kind) for kind in (BROWSER, HTMX)]
        if status == 401:
            assert page.status_code == 303, row
            assert page.headers["location"].startswith("/auth/login"), row
            assert fragment.headers["hx-redirect"].startswith("/auth/login"), row
        else:
            assert (page.status_code, fragment.status_code) == (status, status), row
        for answer in (page, fragment):
            assert "chess" not in answer.text.lower(), row
            assert "e4" not in answer.text.split("<body")[-1].split() or name == "admin", row
        seen += 1
    assert seen > 10


async def test_what_was_refused_changed_nothing(scene: Scene) -> None:
    async def state() -> list[list[Any]]:
        tables = ("conversation", "membership", "message", "contact")
        return [[tuple(row) for row in await database.fetch(f"SELECT * FROM {table} ORDER BY id")] for table in tables]

    before = await state()
    for name in ("nobody", "expired", "outsider", "removed", "admin"):
        for row, path, expected, body in TABLE:
            if int(expected.split()[ACTORS.index(name)]) in (401, 403, 404):
                await scene.ask(name, row.split()[0], path, body, accept="application/json")
    after = await state()
    for old, new in zip(before, after, strict=True):
        assert new == old


async def test_a_removed_member_and_an_outsider_cannot_follow_the_group_however_they_ask(scene: Scene) -> None:
    group = scene.names["group"]
    for name in ("outsider", "removed", "admin"):
        for path in (f"/live?after={group}:0", f"/live?format=json&after={group}:0", f"/live?after={group}:99999"):
            answer = await scene.ask(name, "GET", path, None, accept="text/event-stream")
            assert answer.status_code == 404, (name, path)
        resumed = await scene.ask(name, "GET", "/live", None, **{"accept": "*/*", "last-event-id": f"{group}:1"})
        assert resumed.status_code == 404, name
