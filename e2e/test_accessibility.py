"""Every page can be used by everyone: axe finds nothing on any of them, in light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from e2e.causerie import Causerie
from e2e.conftest import Visit
from e2e.pages import Stop, World, every_page, world

AXE = next((Path(__file__).parent / "vendor").glob("axe-*.min.js")).read_text()
# Every rule of these, none left out.
ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# In the dark the colours are others; all else is the same page.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}


@pytest.fixture(scope="module")
def there(causerie: Causerie) -> World:
    return world(causerie)


def with_axe(page: Page) -> Page:
    """Has the browser put axe into each page from now on: half a megabyte that is not handed over again for each."""
    page.add_init_script(AXE)
    return page


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """What axe objects to. The HTML of an element says where it is: a selector is not looked for, which for each of all
    elements would be a fifth of the work."""
    found = page.evaluate(
        """async (rules) => (await axe.run(document, {
            runOnly: rules, resultTypes: ["violations"], selectors: false,
        })).violations""",
        rules,
    )
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:200]} ({node['failureSummary']})"
        for rule in found
        for node in rule["nodes"]
    ]


def look_at(page: Page, stop: Stop) -> list[str]:
    page.unroute_all()
    page.goto(stop.path)
    if stop.step is not None:
        stop.step(page)
    objections = []
    page.emulate_media(color_scheme="dark")
    objections += [f"{stop.name}, dark: {objection}" for objection in violations(page, COLOURS)]
    page.emulate_media(color_scheme="light")
    return objections + [f"{stop.name}: {objection}" for objection in violations(page, ALL)]


@pytest.mark.parametrize("who", ["nobody", "olive, one half", "olive, the other half", "milo", "newcomer", "admin"])
def test_axe_objects_to_nothing(there: World, visit: Visit, who: str) -> None:
    person = getattr(there, who.partition(",")[0], None)
    stops = [stop for stop in every_page(there) if stop.person is person]
    if "half" in who:
        stops = stops["other" in who :: 2]
    page = with_axe(visit(person, stops[0].path))
    objections = [objection for stop in stops for objection in look_at(page, stop)]
    assert not objections, "\n".join(objections)


def test_what_waits_for_its_answer_can_be_read(there: World, visit: Visit) -> None:
    page = with_axe(visit(there.olive, f"/conversations/{there.chess}/members"))
    page.reload()
    waiting = page.evaluate("""() => {
        const all = document.querySelectorAll(".button, .icon-button, .link");
        for (const each of all) each.classList.add("htmx-request");
        return all.length;
    }""")
    assert waiting
    page.emulate_media(color_scheme="dark")
    assert violations(page, COLOURS) == []
    page.emulate_media(color_scheme="light")
    assert violations(page, COLOURS) == []


def test_axe_would_object(there: World, visit: Visit) -> None:
    page = with_axe(visit(there.olive))
    page.reload()
    page.evaluate("""() => {
        document.querySelector("main").insertAdjacentHTML("beforeend", '<h5>late</h5><button></button><p class="quiet faint">x</p>');
        document.documentElement.style.setProperty("--ink-quiet", "#888");
    }""")
    found = {objection.partition(":")[0] for objection in violations(page, ALL)}
    assert {"button-name", "heading-order", "color-contrast"} <= found
