"""Every page of the application, with content and without, as each kind of reader finds it; and how to come there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from e2e.causerie import Causerie, Person
from e2e.steps import composer

Step = Callable[[Page], None]

WORDS = [
    "Good morning everyone! Is the hall open on Saturday?",
    "It is. *Bring* your **own** board, and see https://example.org/a/rather/long/address?with=a&query=in-it#and-more",
    "Two lines\nof one message, with `code` in it",
    "```\ndef move(piece, square):\n    return board[piece].to(square)  # a line that is longer than a telephone is wide\n```",
    "مرحبا بالجميع! هل القاعة مفتوحة يوم السبت؟",
    "Averyveryveryverylongwordthatnobodywouldwriteexceptoutofspiteorinthemiddleofaverylongaddress" * 3,
    "🎉🎉🎉 mail me: someone@example.org",
]


@dataclass(frozen=True)
class Stop:
    """A page: whose, where, and what to do there before one looks at it."""

    name: str
    person: Person | None
    path: str
    step: Step | None = None


@dataclass(frozen=True)
class World:
    """Olive has written and read much, Newcomer nothing."""

    olive: Person
    milo: Person
    newcomer: Person
    admin: Person
    chess: int
    direct: int
    empty: int
    general: int
    announcements: int
    code: str
    mine: int
    link: str
    invitation: str
    asked: int
    answered: int
    subscription: int
    bot: int
    bot_name: str
    off: str


def world(causerie: Causerie, language: str = "en") -> World:
    """Makes the people and what they say."""
    olive, milo, newcomer = (
        causerie.person(name, language) for name in ("Olive Owner", "Milo Møller-Ünal", "Newcomer No-One")
    )
    others = [causerie.person(name, language) for name in ("山田 太郎", "فاطمة الزهراء")]
    chess = olive.group("Chess club", milo, *others)
    for number, words in enumerate(WORDS):
        (olive, milo, others[number % 2])[number % 3].say(chess, words)
    mine = int(olive.say(chess, "to be corrected")["id"])
    olive.edit(mine, "corrected")
    olive.delete(int(olive.say(chess, "a slip")["id"]))
    causerie.sql(
        "UPDATE message SET created_at = created_at - interval '2 days' WHERE conversation = $1 AND position < 5", chess
    )
    admin = causerie.person("Ada Admin the Second", language)
    causerie.sql("UPDATE person SET role = 'admin' WHERE id = $1", admin.id)
    general = admin.api.get("/conversations/general").json()["id"]
    for what in ("pin", "mute"):
        admin.api.put(f"/conversations/{general}/{what}", json={}).raise_for_status()
    # Nothing is announced: everyone in the other tests would have it to read.
    told = admin.api.get("/conversations/announcements").json()["id"]
    code = olive.api.put(f"/conversations/{chess}/code", json={"uses": 7}).json()["code"]
    kept = admin.direct(milo)
    admin.api.put(f"/conversations/{kept}/archive", json={}).raise_for_status()
    newcomer.api.put(f"/people/{others[0].username}/block").raise_for_status()
    direct, empty = olive.direct(milo), olive.direct(others[0])
    invitation = olive.api.get("/contacts/invitation").json()["url"].partition(causerie.url)[2]
    milo.api.post(invitation).raise_for_status()
    for one, whom in ((others[1], olive), (olive, admin), (admin, milo)):
        one.api.post("/contacts", json={"username": whom.username}).raise_for_status()
    asked = milo.ask("Where is room 7, and who has its key on a Saturday?", "I cannot find it.")
    admin.api.put(f"/conversations/{asked}/assignee", json={}).raise_for_status()
    admin.say(asked, "Second floor.")
    admin.api.put(f"/conversations/{milo.ask('Lunch')}/closed", json={}).raise_for_status()
    olive.ask("A question that nobody looks after yet")
    milo.say(direct, "psst")
    answered = int(milo.say(chess, "not read yet")["id"])
    milo.say(chess, f"an answer to that, @{olive.username}", reply_to=answered)
    admin.say(general, "@all: welcome")
    hook = olive.api.post(f"/conversations/{chess}/webhooks", json={"name": "Absences"}).json()["url"]
    warning = {"title": "Absence", "text": "at 8:00", "link": "https://school.example/7", "severity": "warning"}
    olive.api.post(hook, json=warning).raise_for_status()
    asks = {"url": "https://hooks.example.org/a/rather/long/address?with=a&query=in-it", "events": ["member.left"]}
    subscribed = olive.api.post(f"/conversations/{chess}/subscriptions", json=asks).json()["id"]
    causerie.sql(
        """
        INSERT INTO delivery (subscription, message, event, change, state, tries, tried_at, status, problem, answer)
        SELECT $1, $2, 'member.left', n, state, n, now(), status, problem, answer FROM (VALUES
            (1, 'delivered', 200, NULL, 'ok'), (2, 'failed', 500, NULL, '<h1>Fault</h1>'), (3, 'failed', NULL, 'time', NULL)
        ) AS t (n, state, status, problem, answer)
        """,
        subscribed,
        mine,
    )
    bot_name = f"bot-of-{olive.username}"[:29] + "x"
    bot = int(
        olive.api.post("/me/bots", json={"username": bot_name, "name": "Weather"}).raise_for_status().json()["id"]
    )
    olive.api.post(f"/conversations/{chess}/members", json={"username": bot_name}).raise_for_status()
    made = olive.api.post(f"/me/bots/{bot}/tokens", json={"name": "Its own", "scopes": ["read", "write"]})
    olive.api.post("/me/tokens", json={"name": "Nightly export of the minutes", "scopes": ["read"]}).raise_for_status()
    bearer = {"authorization": f"Bearer {made.json()['token']}"}
    rain = {"body": "Rain from four o’clock on."}
    olive.api.post(f"/conversations/{chess}/messages", json=rain, headers=bearer).raise_for_status()
    gone = int(olive.say(chess, "a slip once more")["id"])
    milo.say(chess, "and to what is gone", reply_to=gone)
    olive.delete(gone)
    causerie.sql(
        """
        INSERT INTO export (person, kind, conversation, title, format, archive, paper, language, time_zone, from_at,
                            status, done, total, size, sha256, failure, ended_at, expires_at)
        SELECT $1::bigint, CASE WHEN title IS NULL THEN 'person' ELSE 'conversation' END, CASE WHEN title IS NULL THEN NULL ELSE $2::bigint END,
               coalesce(title, 'Olive'), format, archive, 'a4', 'en', 'UTC', from_at, status, done, total, size,
               CASE WHEN size IS NULL THEN NULL ELSE 'x'::bytea END, failure, now(), now() + interval '7 days'
        FROM (VALUES
            (1, NULL, 'json', false, NULL::timestamptz, 'expired', 9, 9, 1000, NULL),
            (2, 'Chess club', 'csv', false, now() - interval '9 days', 'cancelled', 3, 9, NULL, NULL),
            (3, 'Chess club', 'pdf', false, NULL, 'failed', 3, 9, NULL, 'memory'),
            (4, 'A title of a conversation that goes on and on, as people write them when nobody stops them', 'pdf', true,
             now() - interval '1 year', 'ready', 9, 9, 12345678, NULL),
            (5, NULL, 'csv', true, NULL, 'queued', 0, NULL, NULL, NULL),
            (6, 'Chess club', 'pdf', false, NULL, 'working', 4200, 10000, NULL, NULL)
        ) AS t (n, title, format, archive, from_at, status, done, total, size, failure) ORDER BY n
        """,
        olive.id,
        chess,
    )
    causerie.sql(
        "INSERT INTO dead_letter (job, payload, error, tries, first_at)"
        " VALUES ('TextsUnwanted', '{\"event\": {\"person\": 1}}', 'SMTPConnectError', 6, now() - interval '2 hours')"
    )
    return World(
        olive,
        milo,
        newcomer,
        admin,
        chess,
        direct,
        empty,
        general,
        told,
        code,
        mine,
        causerie.reset_token(olive),
        invitation,
        asked,
        answered,
        subscribed,
        bot,
        bot_name,
        causerie.unsubscribe(milo),
    )


def every_page(there: World) -> list[Stop]:
    """All of them. Words that a step looks for are ids and names of fields, so it works in every language."""
    olive, milo, new = there.olive, there.milo, there.newcomer
    chess = f"/conversations/{there.chess}"
    return [
        Stop("log in", None, "/auth/login"),
        Stop("log in, refused", None, "/auth/login", _submit("/auth/login", login="nobody", password="wrong")),
        Stop("sign up", None, "/auth/signup"),
        Stop(
            "sign up, refused",
            None,
            "/auth/signup",
            _submit("/auth/signup", name="x", username="y", email="z@z", password="q"),
        ),
        Stop("forgotten password", None, "/auth/forgot-password"),
        Stop(
            "link is sent", None, "/auth/forgot-password", _submit("/auth/forgot-password", email="nobody@example.org")
        ),
        Stop("new password", None, f"/auth/reset-password?token={there.link}"),
        Stop(
            "old link",
            None,
            f"/auth/reset-password?token={there.link}",
            _submit("/auth/reset-password", password="three blue horses run"),
        ),
        Stop("old link, opened", None, "/auth/reset-password?token=x"),
        Stop("turn mail off", None, there.off),
        Stop("mail is off", None, there.off, _submit(there.off)),
        Stop("mail not turned off", None, "/unsubscribe?token=x"),
        Stop("check an archive", None, "/verify"),
        Stop("archive not checked", None, "/verify", _submit("/verify")),
        Stop("check an archive, signed in", olive, "/verify"),
        Stop("keys that sign", None, "/exports/keys"),
        Stop("exports", olive, "/exports"),
        Stop("no exports yet", new, "/exports"),
        Stop("older exports", new, "/exports?before=1"),
        Stop("export of a conversation", milo, f"{chess}/export"),
        Stop(
            "export refused",
            milo,
            f"{chess}/export",
            _submit("/exports", conversation_id=str(there.chess), format="docx", to="x", paper="a3"),
        ),
        Stop("all my data refused", new, "/exports", _submit("/exports", format="docx", to="x", paper="a3")),
        Stop("an export", there.admin, "/exports", _submit("/exports", format="json")),
        Stop("health", None, "/health"),
        Stop("info", None, "/info"),
        Stop("docs", None, "/docs"),
        Stop("nowhere", None, "/auth/nowhere"),
        Stop("conversations", olive, "/conversations"),
        Stop("privacy", olive, "/me/privacy"),
        Stop("who is online", olive, "/people/online"),
        Stop("who has read", olive, f"/messages/{there.mine}/receipts"),
        Stop("no conversations yet", new, "/conversations"),
        Stop("conversation", olive, chess),
        Stop("conversation as a member", milo, chess),
        Stop("direct conversation", olive, f"/conversations/{there.direct}"),
        Stop("empty conversation", olive, f"/conversations/{there.empty}"),
        Stop("reply", olive, f"{chess}?reply_to={there.answered}"),
        Stop("a stretch of a conversation", olive, f"{chess}?before=9"),
        Stop("edit form in its place", olive, chess, _edit),
        Stop("refused edit in its place", olive, chess, _edit_wrongly),
        Stop("delete form in its place", olive, chess, _delete),
        Stop("message that waits", olive, chess, _wait),
        Stop("refused message", olive, chess, _refuse),
        Stop("new conversation", olive, "/conversations/new"),
        Stop(
            "new conversation, refused",
            olive,
            "/conversations/new",
            _submit("/conversations", title=" ", members="nobody-there"),
        ),
        Stop("members as the owner", olive, f"{chess}/members"),
        Stop("members as a member", milo, f"{chess}/members"),
        Stop("member not added", olive, f"{chess}/members", _submit(f"{chess}/members", username="nobody-there")),
        Stop("settings as the owner", olive, f"{chess}/settings"),
        Stop("settings as a member", milo, f"{chess}/settings"),
        Stop("group not renamed", olive, f"{chess}/settings", _submit(f"{chess}?_method=patch", title=" ")),
        Stop("settings of a direct conversation", milo, f"/conversations/{there.direct}/settings"),
        Stop("settings of what is muted and pinned", there.admin, f"/conversations/{there.general}/settings"),
        Stop("not muted", olive, f"{chess}/settings", _submit(f"{chess}/mute?_method=put", until="sometime")),
        Stop("link to a group", there.newcomer, f"/join/{there.code}"),
        Stop(
            "no link made", olive, f"{chess}/settings", _submit(f"{chess}/code?_method=put", lasts="year", uses="all")
        ),
        Stop("announcements", milo, f"/conversations/{there.announcements}"),
        Stop("announcements as an administrator", there.admin, f"/conversations/{there.announcements}"),
        Stop("archive", there.admin, "/conversations?archived=true"),
        Stop("nothing archived", olive, "/conversations?archived=true"),
        Stop("ask the staff", olive, "/support/new"),
        Stop("question not asked", olive, "/support/new", _submit("/conversations", kind="support", title=" ")),
        Stop("what I asked", milo, f"/conversations/{there.asked}"),
        Stop("what I asked, settings", milo, f"/conversations/{there.asked}/settings"),
        Stop("what the staff is asked", there.admin, "/support"),
        Stop("what is mine of it", there.admin, "/support?show=mine"),
        Stop("what is closed of it", there.admin, "/support?show=closed"),
        Stop("question to the staff", there.admin, f"/conversations/{there.asked}"),
        Stop("question to the staff, settings", there.admin, f"/conversations/{there.asked}/settings"),
        Stop(
            "question not assigned",
            there.admin,
            f"/conversations/{there.asked}/settings",
            _submit(f"/conversations/{there.asked}/assignee?_method=put", username="nobody-there"),
        ),
        Stop("queue that is not mine", olive, "/support"),
        Stop("webhooks", olive, f"{chess}/webhooks"),
        Stop("webhook not made", olive, f"{chess}/webhooks", _submit(f"{chess}/webhooks", name=" ")),
        Stop("webhook made", olive, f"{chess}/webhooks", _submit(f"{chess}/webhooks", name="Absences", signed="true")),
        Stop("not subscribed", olive, f"{chess}/webhooks", _submit(f"{chess}/subscriptions", url="http://10.0.0.1/")),
        Stop("deliveries", olive, f"/subscriptions/{there.subscription}"),
        Stop("webhooks of the instance", there.admin, "/admin/webhooks"),
        Stop("webhooks that are not mine", milo, f"{chess}/webhooks"),
        Stop("tokens", olive, "/me/tokens"),
        Stop("no tokens yet", new, "/me/tokens"),
        Stop("token made", olive, "/me/tokens", _submit("/me/tokens", name="One more", scopes="read")),
        Stop(
            "token refused", olive, "/me/tokens", _submit("/me/tokens", name=" ", scopes="all", expires_at="2020-01-01")
        ),
        Stop("bots", olive, "/me/bots"),
        Stop("no bots yet", new, "/me/bots"),
        Stop("bot refused", olive, "/me/bots", _submit("/me/bots", name=" ", username="all")),
        Stop("bot", olive, f"/me/bots/{there.bot}"),
        Stop(
            "bot not renamed",
            olive,
            f"/me/bots/{there.bot}",
            _submit(f"/me/bots/{there.bot}?_method=patch", name=" ", username="all"),
        ),
        Stop(
            "bot without a picture", olive, f"/me/bots/{there.bot}", _submit(f"/me/bots/{there.bot}/avatar?_method=put")
        ),
        Stop("tokens of a bot", olive, f"/me/bots/{there.bot}/tokens"),
        Stop("bot as others see it", there.admin, f"/people/{there.bot_name}"),
        Stop("edit page", olive, f"/messages/{there.mine}/edit"),
        Stop("delete page", olive, f"/messages/{there.mine}/delete"),
        Stop("my messages", olive, "/messages"),
        Stop("no messages of mine", new, "/messages"),
        Stop("my mentions", olive, "/mentions"),
        Stop("no mentions of mine", new, "/mentions"),
        Stop("notifications", olive, "/notifications"),
        Stop("no notifications", new, "/notifications"),
        Stop("older notifications", olive, "/notifications?before=2020-01-01T00:00:00%2B00:00~1"),
        Stop("how I am told", olive, "/me/notification-settings"),
        Stop(
            "not told so",
            olive,
            "/me/notification-settings",
            _submit("/me/notification-settings?_method=put", mail="often", quiet_from="noon"),
        ),
        Stop("devices that are told", olive, "/me/push-subscriptions"),
        Stop("level not chosen", olive, f"{chess}/settings", _submit(f"{chess}/level?_method=put", level="some")),
        Stop("who can be mentioned", olive, f"{chess}/mentionable"),
        Stop("people", olive, "/people"),
        Stop("nobody found", olive, "/people?q=nobody-is-called-like-that"),
        Stop("person", olive, f"/people/{milo.username}"),
        Stop("person as an administrator", there.admin, f"/people/{milo.username}"),
        Stop(
            "role refused",
            there.admin,
            f"/people/{milo.username}",
            _submit(f"/people/{milo.username}/role?_method=put", role="headmaster"),
        ),
        Stop("myself", olive, f"/people/{olive.username}"),
        Stop("person whom I asked", olive, f"/people/{there.admin.username}"),
        Stop("person who asks me", milo, f"/people/{there.admin.username}"),
        Stop("person who is a contact", milo, f"/people/{olive.username}"),
        Stop("contacts", olive, "/contacts"),
        Stop("no contacts yet", new, "/contacts"),
        Stop("contact not asked", olive, "/contacts", _submit("/contacts", username="nobody-there")),
        Stop("my invitation", olive, "/contacts/invitation"),
        Stop("invitation of someone", new, there.invitation),
        Stop("invitation of a contact", milo, there.invitation),
        Stop("invitation of my own", olive, there.invitation),
        Stop("invitation that is old", new, "/contacts/invitation/old"),
        Stop("my account", olive, "/me"),
        Stop("my account, refused", olive, "/me", _submit("/me?_method=patch", name=" ")),
        Stop("picture refused", olive, "/me", _submit("/me/avatar?_method=put")),
        Stop("nobody blocked", olive, "/me/blocks"),
        Stop("blocked people", new, "/me/blocks"),
        Stop("my devices", olive, "/me/sessions"),
        Stop("change the password", olive, "/me/password"),
        Stop(
            "password not changed",
            olive,
            "/me/password",
            _submit("/me/password?_method=put", current="x", password="y"),
        ),
        Stop("change the address", olive, "/me/email"),
        Stop("address not changed", olive, "/me/email", _submit("/me/email?_method=put", email="z@z", current="x")),
        Stop("confirm an address, too late", None, "/auth/confirm-email?token=x"),
        Stop("close my account", olive, "/me/deactivate"),
        Stop("account not closed", olive, "/me/deactivate", _submit("/me/deactivate", current="x")),
        Stop("delete my account", olive, "/me/delete"),
        Stop("account not deleted", olive, "/me/delete", _submit("/me?_method=delete", current="x", messages="x")),
        Stop("background work", there.admin, "/admin/jobs"),
        Stop("audits", there.admin, "/admin/audits"),
        Stop("conversations to audit", there.admin, "/admin/conversations"),
        Stop("none to audit", there.admin, "/admin/conversations?q=nothing-is-called-so"),
        Stop("audit", there.admin, f"/admin{chess}/audit"),
        Stop("audit refused", there.admin, f"/admin{chess}/audit", _submit(f"/admin{chess}/audit", reason=" ")),
        Stop("nothing there", olive, "/conversations/999999999"),
        Stop("not allowed", milo, f"{chess}/members", _submit(f"{chess}?_method=delete")),
    ]


def _submit(action: str, **fields: str) -> Step:
    """Sends that form of the page, whatever the browser thinks of its fields."""

    def step(page: Page) -> None:
        with page.expect_navigation():
            page.evaluate(
                """([action, fields]) => {
                    const form = Object.assign(document.createElement("form"), { method: "post", action });
                    for (const [name, value] of Object.entries(fields))
                        form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
                    document.body.append(form);
                    form.submit();
                }""",
                [action, fields],
            )

    return step


def _edit(page: Page) -> None:
    composer(page).press("ArrowUp")
    expect(page.locator(".message-editing textarea")).to_be_focused()


def _edit_wrongly(page: Page) -> None:
    _edit(page)
    page.locator(".message-editing textarea").fill(" ")
    page.locator(".message-editing textarea").press("Enter")
    expect(page.locator(".message-editing .error")).to_be_visible()


def _delete(page: Page) -> None:
    page.locator(".message-actions a[href$=delete]:visible").last.click()
    expect(page.locator(".message-editing .button-danger")).to_be_focused()


def _wait(page: Page) -> None:
    page.route("**/conversations/*/messages", lambda route: route.abort())
    composer(page).fill("this one waits")
    composer(page).press("Enter")
    expect(page.locator(".message-unsent")).to_be_visible()


def _refuse(page: Page) -> None:
    composer(page).fill("x" * 2001)
    composer(page).press("Enter")
    expect(page.locator("#composer .error")).to_be_visible()
