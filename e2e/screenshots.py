"""Pictures of every page, to be looked at: narrow and wide, light and dark, in English and French, empty and full.

    python -m e2e.screenshots [--out DIR] [--only WORD]                    a throwaway instance with the demo
    python -m e2e.screenshots --base URL --login NAME --password WORD      one that runs, as somebody who writes there

Signs up two more people: one with nothing to see yet, one with sixty rooms. Prints the names of the pictures.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from e2e.causerie import until
from e2e.sights import Shot, Visitor, signed_in, visitors
from tests.nursery import PROJECT
from tests.processes import free_port

COMPUTER: tuple[ViewportSize, ...] = ({"width": 1280, "height": 800}, {"width": 820, "height": 1180})
TELEPHONE: tuple[ViewportSize, ...] = ({"width": 360, "height": 740}, {"width": 320, "height": 640})
DEVICES = ((False, COMPUTER), (True, TELEPHONE))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LANGUAGES = ("en", "fr")
PICTURES = Path(tempfile.gettempdir()) / "causerie-screenshots"


def main(arguments: Sequence[str]) -> int:
    """Takes the pictures; gives the exit code."""
    options = _parser().parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if options.base:
            base, login, password = options.base.rstrip("/"), options.login, options.password
        else:
            base, login, password = stack.enter_context(_demo())
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=_chromium())
        count = 0
        for visitor in visitors(base, login, password):
            for language in LANGUAGES:
                for picture in _pictures(browser, base, visitor, language, options.out, options.only):
                    print(picture, flush=True)
                    count += 1
        browser.close()
    print(f"{count} pictures in {options.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.screenshots", description="Takes pictures of every page.")
    parser.add_argument("--base", default="", help="an instance that runs (default: a throwaway one with the demo)")
    parser.add_argument("--login", default="", help="with --base: somebody who has conversations there")
    parser.add_argument("--password", default="", help="with --base: theirs")
    parser.add_argument("--only", default="", help="only the pages with this in their name")
    parser.add_argument("--out", type=Path, default=PICTURES, help="the folder (default: %(default)s)")
    return parser


def _chromium() -> str | None:
    """The system's Chromium; where there is none, Playwright looks for its own."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextlib.contextmanager
def _demo() -> Iterator[tuple[str, str, str]]:
    """A throwaway instance with the demo: its address, and how to log in there."""
    with tempfile.TemporaryDirectory(prefix="causerie-") as folder:
        Path(folder).chmod(0o711)  # as root, Postgres runs as another user
        port = free_port()
        mine = {"DATA_DIR": folder, "PORT": str(port), "RATE_LIMITS": "off", "LOG_LEVEL": "warning"}
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | mine
        python = [sys.executable, "-m", "app"]
        filling = [*python, "demo"]
        filled = subprocess.run(filling, env=environment, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
        with subprocess.Popen([*python, "serve"], env=environment, cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
            try:
                until(lambda: _answers(f"http://localhost:{port}/health"), "it answers", 60)
                yield f"http://localhost:{port}", "demo", filled.stdout.split()[-1]
            finally:
                process.send_signal(signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def _pictures(browser: Browser, base: str, visitor: Visitor, language: str, out: Path, only: str) -> Iterator[Path]:
    """Every shot of a visitor, on a computer and on a telephone; each page is loaded once and then looked at."""
    if visitor.login:
        with signed_in(base, visitor.login, visitor.password) as api:
            api.patch("/me", json={"language": language}).raise_for_status()
    for touch, sizes in DEVICES:
        context = browser.new_context(
            has_touch=touch, is_mobile=touch, locale=language, base_url=base, reduced_motion="reduce"
        )
        context.route("**/read", lambda route: route.abort())  # what is unread stays so for the next picture
        page = context.new_page()
        if visitor.login:
            _log_in(page, visitor)
        for shot in visitor.shots:
            if only not in f"{visitor.name}-{shot.name}":
                continue
            page.set_viewport_size(sizes[0])
            _show(page, shot)
            for size in sizes:
                page.set_viewport_size(size)
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    name = f"{visitor.name}-{shot.name}-{size['width']:04}-{scheme}-{language}.png"
                    page.screenshot(path=out / name)
                    yield out / name
        context.close()


def _log_in(page: Page, visitor: Visitor) -> None:
    page.goto("/auth/login")  # its scripts say that they run: then looking at a conversation does not yet read it
    page.fill("#field-login", visitor.login)
    page.fill("#field-password", visitor.password)
    page.click("form[action='/auth/login'] .button-primary")
    page.wait_for_url("**/conversations")


def _show(page: Page, shot: Shot) -> None:
    page.goto(shot.path)
    if shot.name == "login-wrong":
        page.fill("#field-login", "somebody")
        page.fill("#field-password", "something else")
        with page.expect_navigation():
            page.click(shot.click)
    elif shot.click:
        # As the keyboard would: on a wide screen it shows only under a pointer.
        page.locator(shot.click).last.dispatch_event("click")
        page.locator(".message-editing").wait_for()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
