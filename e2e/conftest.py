"""A real server, and people in real browsers.

`visit(person)` opens a page of theirs in a browser of its own; `tab(page)` one more in the same. Every page of every
test is watched: what a script logs as an error, what the content policy refuses, a dialog, a request to elsewhere or
a script that someone smuggled in fails the test, unless it says that it expects it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import playwright
import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, expect

from app.core import embedded
from e2e.causerie import Causerie, Person
from tests.nursery import nursery

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The same without windows: half the work. It has no push and no pages kept for going back.
SHELL = "chromium-headless-shell"
# Nothing but this machine can be reached, so a request to elsewhere fails, and that is seen.
NOWHERE_ELSE = "--host-resolver-rules=MAP plain.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
# One process for all tabs of a person, as no test is about a process; browsers of two people share none.
ONE_PROCESS = "--process-per-site"
UNUSED = (
    "WebUIOmniboxPopup",  # two pages of Chromium's own, behind the address line of each window: half of all its work
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",  # a process kept ready for the next page
)
WATCHER = Path(__file__).with_name("watcher.js").read_text()

# On a machine that is kept busy by others everything takes long. What comes is seen at once; only what never comes is
# waited for.
PATIENCE = 45_000
expect.set_options(timeout=PATIENCE)


class Visit(Protocol):
    def __call__(self, person: Person | None, path: str = ..., /, **options: Any) -> Page: ...


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], request: pytest.FixtureRequest
) -> dict[str, Any]:
    """Debian's Chromium or Google's Chrome, whichever is installed; CHROMIUM names another one. A test that needs a
    whole browser says so by `whole_browser`."""
    options = browser_type_launch_args | getattr(request, "param", {})
    wanted = BROWSERS if options.pop("whole", False) else (SHELL, *BROWSERS)
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, wanted)), None)
    assert found, "install Chromium (apt-get install chromium), or name one: CHROMIUM=/path/to/chrome"
    return {
        "executable_path": found,
        "args": [NOWHERE_ELSE, ONE_PROCESS, without(UNUSED)],
        **options,
    }


def whole_browser(**options: Any) -> pytest.MarkDecorator:
    """Marks what needs a browser with windows, started with these options."""
    return pytest.mark.parametrize(
        "browser_type_launch_args", [{"whole": True, **options}], indirect=True, ids=["whole"]
    )


def without(features: tuple[str, ...]) -> str:
    """The switch that turns these off, with those that Playwright turns off: the last such switch replaces the others."""
    driver = Path(playwright.__file__).parent / "driver/package/lib/coreBundle.js"
    found = re.search(r"disabledFeatures = \[(.*?)\n *\]", driver.read_text(), re.DOTALL)
    theirs = re.findall(r'^ *"(\w+)",?$', found[1], re.MULTILINE) if found else []
    assert theirs, f"{driver} does not say what Playwright turns off"
    return f"--disable-features={','.join([*theirs, *features])}"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that any user may enter: as root, Postgres runs as another one."""
    made = Path(tempfile.mkdtemp(prefix="causerie-e2e-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[str]:
    """A Postgres whose database has its tables: the others are copies of it."""
    with embedded.running(folder / "cluster", durable=False) as dsn:
        Causerie(dsn, folder).migrate()
        yield dsn
    nursery.close()


@pytest.fixture(scope="session")
def causerie(postgres: str, folder: Path) -> Iterator[Causerie]:
    """The server of all tests, with its worker. Whoever signed up first is somebody else already."""
    running = _server(postgres, folder)
    running.person("Ada Admin")
    yield running
    running.close()
    wrong = [line for line in running.said().splitlines() if "[error" in line or "Traceback" in line]
    assert not wrong, running.said()[-5000:]


@pytest.fixture
def own_causerie(postgres: str, folder: Path) -> Iterator[Causerie]:
    """A server of this test's own, without a worker, where nobody has signed up. It may be stopped."""
    running = _server(postgres, folder, "--web-only")
    yield running
    running.close()


def _server(postgres: str, folder: Path, *options: str) -> Causerie:
    name = f"e2e_{uuid4().hex[:12]}"
    home = folder / name
    home.mkdir(mode=0o711)
    running = Causerie(postgres.replace("@/causerie?", f"@/{name}?"), home, options)
    Causerie(postgres.replace("@/causerie?", "@/postgres?"), home).sql(
        f"CREATE DATABASE {name} TEMPLATE causerie STRATEGY file_copy"
    )
    running.start()
    return running


class Watch:
    """What went wrong in the pages of a test. `expects` is what the test means to cause."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.expected: list[str] = []

    def expects(self, *parts: str) -> None:
        self.expected += parts

    def follow(self, context: BrowserContext, host: str) -> None:
        context.add_init_script(WATCHER)
        context.on("console", self._said)
        context.on("weberror", lambda error: self._note(f"script: {error.error}"))
        context.on("requestfailed", lambda request: self._failed(request, host))
        context.on("dialog", self._asked)

    def _said(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self._note(f"console: {said.text}")

    def _asked(self, dialog: Dialog) -> None:
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _failed(self, request: Request, host: str) -> None:
        if urlsplit(request.url).netloc not in (host, ""):
            self._note(f"elsewhere: {request.url}")

    def _note(self, what: str) -> None:
        # The status of an answer is for each test to look at; the browser logs it beside.
        if "Failed to load resource" not in what:
            self.seen.append(what)

    def unexpected(self) -> list[str]:
        return [what for what in self.seen if not any(part in what for part in self.expected)]


@pytest.fixture
def watch() -> Iterator[Watch]:
    watching = Watch()
    yield watching
    assert watching.unexpected() == []


@pytest.fixture
def visit(causerie: Causerie, new_context: Callable[..., BrowserContext], watch: Watch) -> Visit:
    """`visit(person, path)` opens a page in a new browser in which that person (or nobody) is signed in."""

    def open_page(person: Person | None, path: str = "/conversations", /, **options: Any) -> Page:
        url = options.pop("url", causerie.url)
        context = new_context(base_url=url, **{"reduced_motion": "reduce", "locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE)
        watch.follow(context, urlsplit(url).netloc)
        if person is not None:
            sign_in(context, person, url)
        page = context.new_page()
        page.goto(path)
        return page

    return open_page


def sign_in(context: BrowserContext, person: Person, url: str) -> None:
    context.add_cookies([{"name": name, "value": value, "url": url} for name, value in person.cookies.items()])


@pytest.fixture
def visit_without_scripts(visit: Visit) -> Visit:
    """The same with JavaScript off."""

    def open_page(person: Person | None, path: str = "/conversations", /, **options: Any) -> Page:
        return visit(person, path, java_script_enabled=False, **options)

    return open_page
