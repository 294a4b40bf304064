"""Every page on a small phone, in French: nothing scrolls sideways or is cut off, and no English is left."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.pages import Stop, World, every_page, world
from tests.catalogue import translated

SMALL = {"width": 320, "height": 640}
# What scrolls sideways, and what reaches beyond the screen without being cut off on purpose.
BEYOND = """() => [...document.querySelectorAll("*")].filter((element) => {
    const { overflowX } = getComputedStyle(element);
    if (["auto", "scroll"].includes(overflowX) && element.scrollWidth > element.clientWidth + 1) return true;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || (box.right <= innerWidth + 1 && box.left >= -1)) return false;
    for (let around = element; around; around = around.parentElement) {
        const style = getComputedStyle(around);
        if (around !== element && style.overflowX !== "visible" || style.position === "fixed" || style.clipPath !== "none") return false;
    }
    return true;
}).map((element) => element.outerHTML.slice(0, 200))"""
# All that a page says or may come to say, without what people wrote and what programs read.
WORDS = """() => {
    const said = [document.title];
    const collect = (root) => {
        for (const element of root.querySelectorAll("*")) {
            if (element.closest(".message[data-kind=text] .message-body, bdi, code, .operation, script, [lang]:not(html)")) continue;
            for (const { name, value } of element.attributes)
                if (/^(title|placeholder|alt|content|aria-label|data-.*)$/.test(name)) said.push(value);
            for (const node of element.childNodes) if (node.nodeType === 3) said.push(node.data);
            if (element instanceof HTMLTemplateElement) collect(element.content);
        }
    };
    collect(document);
    return said.map((words) => words.trim().replace(/\\s+/g, " ")).filter(Boolean);
}"""


def english() -> re.Pattern[str]:
    """What matches any text of ours that French says differently."""
    patterns = []
    for message in translated():
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
        patterns += [
            re.sub(r"(%\\\((\w+)\\\)[sd]|\\\{\w+\\\}|%d)", ".+", re.escape(found))
            for found in set(ids) - set(strings)
            if found
        ]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


ENGLISH = english()


@pytest.fixture(scope="module")
def there(causerie: Causerie) -> World:
    return world(causerie, "fr")


def look_at(page: Page, stop: Stop) -> list[str]:
    page.unroute_all()
    page.goto(stop.path)
    if stop.step is not None:
        stop.step(page)
    objections = [f"in English: {words}" for words in page.evaluate(WORDS) if ENGLISH.fullmatch(words)]
    if page.evaluate("document.documentElement.lang") != "fr":
        objections.append("does not say that it is French")
    if page.evaluate("document.documentElement.scrollWidth") > SMALL["width"]:
        objections.append("scrolls sideways")
    objections += [f"beyond the edge: {html}" for html in page.evaluate(BEYOND)]
    return [f"{stop.name}: {objection}" for objection in objections]


@pytest.mark.parametrize("who", ["nobody", "olive", "milo", "newcomer"])
def test_nothing_is_cut_off_and_nothing_is_left_in_english(there: World, visit: Visit, who: str) -> None:
    person = getattr(there, who, None)
    stops = [stop for stop in every_page(there) if stop.person is person]
    page = visit(person, stops[0].path, viewport=SMALL, locale="fr-FR")
    objections = [objection for stop in stops for objection in look_at(page, stop)]
    assert not objections, "\n".join(objections)


def test_english_and_what_is_too_wide_would_be_found(there: World, visit: Visit) -> None:
    assert ENGLISH.fullmatch("Log out")
    assert ENGLISH.fullmatch("Hello, Olive Owner!")
    assert not ENGLISH.fullmatch("Bonjour, Olive Owner !")
    page = visit(there.olive, "/people", viewport=SMALL)
    page.evaluate("document.querySelector('main h1').style.inlineSize = '400px'")
    assert page.evaluate(BEYOND)
