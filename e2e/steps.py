"""What people do in a page, and where they look."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect


def unlike_words(length: int = 10) -> str:
    """Letters that nobody has used yet. None is a vowel or a digit: a test that looks for its own "e4" on a page finds
    none in a username."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz") for _ in range(length))


def composer(page: Page) -> Locator:
    return page.locator("#composer-body")


def write(page: Page, text: str) -> None:
    """Types a message and sends it with Enter."""
    composer(page).fill(text)
    composer(page).press("Enter")


def message(page: Page, text: str) -> Locator:
    """The messages in which this stands as words of their own, without those that wait to be acknowledged."""
    return page.locator(
        "#messages .message:not(.message-pending)", has_text=re.compile(rf"(^|\s){re.escape(text)}(\s|$)")
    )


def waiting(page: Page, text: str = "") -> Locator:
    """What was sent from this page and is not acknowledged."""
    return page.locator("#messages .message-pending", has_text=text)


def bodies(page: Page) -> list[str]:
    """The texts on the page, from the top, without the system's."""
    return page.locator("#messages .message[data-kind=text] .message-body").all_inner_texts()


def live(page: Page) -> Page:
    """The page, once its stream is open."""
    expect(page.locator("#connection")).to_have_attribute("data-state", "open")
    return page


def connection(page: Page) -> Locator:
    """Where the page says how it is connected, when there is something to say."""
    return page.locator("#connection")


def later(page: Page) -> None:
    """Returns when what a page does a moment after somebody typed would have been done: for what is not to come."""
    page.evaluate("new Promise((done) => setTimeout(done, 500))")


def eventually(page: Page, wanted: Callable[[], object], what: str, seconds: float = 45.0) -> None:
    """Waits until `wanted` is true, while what the page asks of the test (routes, events) goes on."""
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        page.wait_for_timeout(20)
