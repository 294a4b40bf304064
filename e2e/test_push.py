"""Notifications on a device, as a browser shows them. Its push service is not to be reached from here, so what a service
would deliver is handed to the service worker as Chromium itself does it."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import CDPSession, Page, Worker, expect

from e2e.causerie import Causerie, Person, until
from e2e.conftest import Visit, Watch, whole_browser
from e2e.steps import connection, eventually, live

pytestmark = whole_browser()
SETTINGS = "/me/notification-settings"


def registered(page: Page) -> Worker:
    """The service worker of the site, once it runs; as the button of the settings registers it."""
    page.evaluate(
        """async () => {
            await navigator.serviceWorker.register("/sw.js", { scope: "/" });
            const { active } = await navigator.serviceWorker.ready;
            // What is pushed to one that is just becoming active comes to nobody.
            if (active.state !== "activated") await new Promise((done) => active.addEventListener("statechange", done));
        }"""
    )
    eventually(page, lambda: page.context.service_workers, "the service worker runs")
    return page.context.service_workers[0]


class Service:
    """What the push service does: it delivers."""

    def __init__(self, page: Page, origin: str) -> None:
        self.origin = origin
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.registrations: list[dict[str, Any]] = []
        self.activated = False
        self.session.on("ServiceWorker.workerRegistrationUpdated", self._updated)
        self.session.on("ServiceWorker.workerVersionUpdated", self._changed)
        self.session.send("ServiceWorker.enable")
        eventually(page, lambda: self.registrations, "the registration is known")
        # The page may know before the browser does; until then what is delivered comes to nobody.
        eventually(page, lambda: self.activated, "the browser has activated the service worker")

    def _updated(self, event: dict[str, Any]) -> None:
        self.registrations += event["registrations"]

    def _changed(self, event: dict[str, Any]) -> None:
        self.activated = self.activated or any(each["status"] == "activated" for each in event["versions"])

    def deliver(self, data: str) -> None:
        known = self.registrations[-1]["registrationId"]
        self.session.send(
            "ServiceWorker.deliverPushMessage", {"origin": self.origin, "registrationId": known, "data": data}
        )


def shown(page: Page) -> list[dict[str, Any]]:
    """The notifications that stand on the device."""
    found: list[dict[str, Any]] = page.evaluate(
        """async () => (await (await navigator.serviceWorker.ready).getNotifications())
            .map(({ title, body, tag, lang, dir, icon, renotify, data }) => ({ title, body, tag, lang, dir, icon, renotify, data }))"""
    )
    return found


def told(number: int, **more: str | bool) -> str:
    return json.dumps(
        {
            "title": "Milo mentioned you in Chess club",
            "body": "are you there?",
            "tag": f"notification-{number}",
            "about": "1-1",
            "lang": "en",
            "icon": "/icon.png",
            "url": f"/notifications/{number}",
            **more,
        }
    )


def allowed(causerie: Causerie, visit: Visit, person: Person, path: str = SETTINGS) -> Page:
    page = visit(person, path, permissions=["notifications"])
    assert page.evaluate("Notification.permission") == "granted"
    return page


def test_what_is_pushed_is_shown_and_replaces_what_it_belongs_to(causerie: Causerie, visit: Visit) -> None:
    page = allowed(causerie, visit, causerie.person("Olive Owner"))
    registered(page)
    service = Service(page, causerie.url)
    service.deliver(told(7))
    eventually(page, lambda: len(shown(page)) == 1, "it is shown")
    (one,) = shown(page)
    assert (one["title"], one["body"]) == ("Milo mentioned you in Chess club", "are you there?")
    assert (one["tag"], one["lang"], one["dir"]) == ("notification-7", "en", "auto")
    assert one["data"]["url"] == f"{causerie.url}/notifications/7"
    service.deliver(told(7, body="مرحبا", about="1-2"))
    eventually(page, lambda: shown(page)[0]["body"] == "مرحبا", "it is replaced")
    assert len(shown(page)) == 1
    service.deliver(told(8))
    eventually(page, lambda: len(shown(page)) == 2, "another one stands beside it")


def test_what_makes_no_sense_shows_something_and_leads_nowhere_else(causerie: Causerie, visit: Visit) -> None:
    """A browser takes the right to be told from whom a push shows nothing."""
    page = allowed(causerie, visit, causerie.person("Olive Owner"))
    registered(page)
    service = Service(page, causerie.url)
    for number, data in enumerate(
        ("", "not json", "{}", told(1, url="https://elsewhere.test/x"), told(2, url="//elsewhere.test"))
    ):
        service.deliver(data)
        eventually(page, lambda most=number + 1: len(shown(page)) == most, data)  # type: ignore[misc]
    assert {each["data"]["url"] for each in shown(page)} == {f"{causerie.url}/notifications"}


def test_what_an_open_page_shows_is_not_shown_beside_it(causerie: Causerie, visit: Visit) -> None:
    page = live(allowed(causerie, visit, causerie.person("Olive Owner")))
    worker = registered(page)
    service = Service(page, causerie.url)
    service.deliver(told(7, on_page=True))
    service.deliver(told(8, on_page=False))
    eventually(page, lambda: shown(page), "what no page shows is shown")
    assert [each["tag"] for each in shown(page)] == ["notification-8"]
    # Nothing is open any more.
    page.goto("about:blank")
    service.deliver(told(9, on_page=True))
    tags = "async () => (await registration.getNotifications()).map(({ tag }) => tag)"
    eventually(page, lambda: "notification-9" in worker.evaluate(tags), "it is shown")
    assert sorted(worker.evaluate(tags)) == ["notification-8", "notification-9"]


def test_what_no_open_page_is_told_of_is_shown(causerie: Causerie, visit: Visit) -> None:
    page = live(allowed(causerie, visit, causerie.person("Olive Owner")))
    registered(page)
    service = Service(page, causerie.url)
    gave_way = "event: close\ndata: too-many\n\n"
    page.route("**/live", lambda route: route.fulfill(status=200, content_type="text/event-stream", body=gave_way))
    page.reload()
    expect(connection(page)).to_contain_text("no longer updates by itself")
    service.deliver(told(7, on_page=True))
    eventually(page, lambda: len(shown(page)) == 1, "the page gave way to others")
    page.unroute("**/live")
    page.route("**/live", lambda route: route.abort())
    page.reload()
    expect(connection(page)).to_have_attribute("data-state", "lost")
    service.deliver(told(8, on_page=True))
    eventually(page, lambda: len(shown(page)) == 2, "its stream is lost")
    page.unroute("**/live")
    page.goto("/docs")
    service.deliver(told(9, on_page=True))
    eventually(page, lambda: len(shown(page)) == 3, "it has no stream at all")
    page.goto(SETTINGS)
    live(page)
    service.deliver(told(10, on_page=True))
    service.deliver(told(11, on_page=False))
    eventually(page, lambda: len(shown(page)) >= 4, "what no page shows is shown")
    assert "notification-10" not in {each["tag"] for each in shown(page)}


def test_where_each_push_must_be_seen_it_is_shown_beside_an_open_page(causerie: Causerie, visit: Visit) -> None:
    page = allowed(causerie, visit, causerie.person("Olive Owner"))
    worker = registered(page)
    worker.evaluate("() => Object.defineProperty(navigator, 'userAgent', { value: 'AppleWebKit/605 Safari/605' })")
    Service(page, causerie.url).deliver(told(7, on_page=True))
    eventually(page, lambda: len(shown(page)) == 1, "it is shown")


def test_a_click_leads_the_open_page_to_the_message(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    chess = olive.group("Chess club", milo)
    said = milo.say(chess, f"@{olive.username} over here")
    page = allowed(causerie, visit, olive)
    worker = registered(page)
    eventually(
        page, lambda: page.evaluate("Boolean(navigator.serviceWorker.controller)"), "it is in charge of the page"
    )
    Service(page, causerie.url).deliver(told(1, url=f"/messages/{said['id']}"))
    eventually(page, lambda: len(shown(page)) == 1, "it is shown")
    # Nobody can click beside a page from here: the worker is told that somebody did.
    worker.evaluate(
        """async () => {
            const [notification] = await self.registration.getNotifications();
            self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
        }"""
    )
    expect(page).to_have_url(re.compile(rf"/conversations/{chess}\b"))
    expect(page.locator(f"#message-{said['id']}")).to_be_visible()
    assert shown(page) == [], "and it is gone"


def test_a_browser_that_cannot_reach_its_push_service_is_told_so(
    causerie: Causerie, visit: Visit, watch: Watch
) -> None:
    """As in a private window, which has none."""
    watch.expects("does not support the Push API in incognito mode")
    page = allowed(causerie, visit, causerie.person("Olive Owner"))
    button = page.get_by_role("button", name="Add this device")
    button.click()
    expect(page.locator("#push .push-said")).to_contain_text("could not be reached")
    expect(button).to_be_enabled()


def test_who_does_not_allow_it_is_told_what_to_do(causerie: Causerie, visit: Visit) -> None:
    page = visit(causerie.person("Olive Owner"), SETTINGS)
    page.get_by_role("button", name="Add this device").click()
    expect(page.locator("#push .push-said")).to_contain_text("Allow them for this site in the settings of the browser")


PRETENDED = """
    const keys = { p256dh: "%s", auth: "AAAAAAAAAAAAAAAAAAAAAA" };
    let there = null;
    PushManager.prototype.getSubscription = async () => there;
    PushManager.prototype.subscribe = async (options) => {
        window.asked = options;
        there = {
            options, toJSON: () => ({ endpoint: "https://push.example.org/%s", keys }),
            unsubscribe: async () => ((there = null), (window.ended = true)),
        };
        return there;
    };
"""
POINT = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"


def test_a_device_is_added_and_removed(causerie: Causerie, visit: Visit) -> None:
    """With a push service that is pretended in the page; what the page does with it is real."""
    olive = causerie.person("Olive Owner")
    page = allowed(causerie, visit, olive)
    page.add_init_script(PRETENDED % (POINT, olive.username))
    page.reload()
    page.get_by_role("button", name="Add this device").click()
    expect(page.locator("#push .push-said")).to_have_text("This device receives notifications.")
    expect(page.locator("#push [data-current]")).to_contain_text("this device")
    expect(page.locator("#push")).to_be_focused()
    expect(page.get_by_role("button", name="Add this device")).to_be_hidden()
    assert page.evaluate("window.asked.userVisibleOnly")
    assert page.evaluate("window.asked.applicationServerKey.length") == 65
    page.locator("#push").get_by_role("button", name="Remove").click()
    expect(page.locator("#push [data-current]")).to_have_count(0)
    expect(page.get_by_role("button", name="Add this device")).to_be_visible()
    assert causerie.sql("SELECT id FROM push_subscription WHERE person = $1", olive.id) == []


def test_where_nobody_is_signed_in_the_device_gives_its_subscription_up(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    page = allowed(causerie, visit, olive)
    registered(page)
    page.context.clear_cookies()
    page.add_init_script(PRETENDED % (POINT, olive.username) + "PushManager.prototype.subscribe({});")
    page.goto("/auth/login")
    eventually(page, lambda: page.evaluate("window.ended === true"), "it is given up")


def test_a_browser_that_gets_another_address_is_told_under_that_one(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    worker = registered(allowed(causerie, visit, olive))
    endpoint = f"https://push.example.org/{olive.username}"
    # No push service is there to move it: the worker is told that one did.
    worker.evaluate(
        """(newSubscription) => {
            const event = Object.assign(new ExtendableEvent("pushsubscriptionchange"), { newSubscription });
            self.dispatchEvent(event);
        }""",
        {"endpoint": endpoint, "keys": {"p256dh": POINT, "auth": "A" * 22}},
    )
    query = "SELECT endpoint FROM push_subscription WHERE person = $1"
    until(lambda: causerie.sql(query, olive.id) == [{"endpoint": endpoint}], "it is kept")
