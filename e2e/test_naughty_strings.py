"""Whatever people call themselves, their groups, and say: nothing of it runs, and it comes back as it was.

The Big List of Naughty Strings, and some made for this application; the watch of conftest.py fails a test for a
dialog, a refused script or a request to elsewhere, so these tests say what else must hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from app.core import text
from e2e.causerie import Causerie, Person
from e2e.conftest import Visit
from e2e.steps import eventually, live

T = TypeVar("T")
LIST = Path(__file__).parent.parent / "tests" / "data" / "blns.json"
OURS = [
    '<img src="//elsewhere.test/x" onerror="__pwned=1">',
    '"><script>__pwned=1</script><script src="//elsewhere.test/x.js"></script>',
    "</textarea><svg onload=__pwned=1>",
    "</title></template><iframe srcdoc='<script>parent.__pwned=1</script>'></iframe>",
    "javascript:__pwned=1 [a](javascript:__pwned=1) <javascript:__pwned=1> [b](JaVaScRiPt&colon;__pwned=1)",
    "[c](java\tscript:__pwned=1) [d](&#106;avascript:__pwned=1) [e](data:text/html,<script>__pwned=1</script>)",
    '[f](vbscript:__pwned=1) [g](//elsewhere.test) [h](blob:x) https://elsewhere.test/"onmouseover="__pwned=1',
    '<a hx-get="/me" hx-trigger="load" hx-on:load="__pwned=1">x</a> <b hx-on::load="__pwned=1" data-hx-get="/me">y</b>',
    "<style>*{background:url(//elsewhere.test)}</style><link rel=stylesheet href=//elsewhere.test/x.css>",
    "<form action=//elsewhere.test><button formaction=javascript:__pwned=1>press</button></form>",
    "<meta http-equiv=refresh content='0;url=//elsewhere.test'><base href=//elsewhere.test/>",
    "{{ 7 * 7 }} {% include 'layout.html' %} ${7*7} #{7*7} %(name)s %s {0} {name}",
    "one\u2028two\u2029three\x85four\x0bfive\x0csix\x1cseven",
    "event: close\ndata: signed-out\n\nid: 9:9\n\nretry: 1",
    "![i](//elsewhere.test/i.png) ![j](javascript:__pwned=1)",
    "`<b>` ```\n</code></pre><script>__pwned=1</script>\n```",
    "\u202eevil\u202c \u2066isolated\u2069 A\u030a\u0323\u0307" + "\u0301" * 60,
    "&lt;script&gt;__pwned=1&lt;/script&gt; &amp;amp; &#0; &#x41;",
]
STRINGS: list[str] = [naughty for naughty in json.loads(LIST.read_text()) if naughty] + OURS
# What a message may be made of, and what its elements may say.
ALLOWED = {"P", "BR", "A", "CODE", "PRE", "EM", "STRONG", "S"}
FOREIGN = """() => {
    const bad = [];
    const OURS = { A: ["href", "rel", "target"], PRE: ["tabindex"] };
    for (const element of document.querySelectorAll(".message-body *")) {
        const names = element.getAttributeNames().filter((name) => !(OURS[element.tagName] || []).includes(name));
        if (!ALLOWED.includes(element.tagName) || names.length) bad.push(element.outerHTML);
        if (element.tagName === "A" && !["http:", "https:", "mailto:"].includes(element.protocol)) bad.push(element.outerHTML);
    }
    const never = "script:not([src]), iframe, object, embed, img, svg, video, audio, style, base, meta[http-equiv]";
    for (const element of document.querySelectorAll(never)) bad.push(element.outerHTML);
    for (const element of document.querySelectorAll("*"))
        if (element.getAttributeNames().some((name) => name.startsWith("on"))) bad.push(element.outerHTML);
    if ("__pwned" in window) bad.push("__pwned");
    return bad;
}""".replace("ALLOWED", json.dumps(sorted(ALLOWED)))


def harmless(page: Page) -> None:
    """Nothing ran, and nothing stands in the page that could."""
    assert page.evaluate(FOREIGN) == []


def storable(naughty: str, longest: int) -> str:
    """The string as a name or title can be: on one line, short enough; empty when nobody would see anything of it."""
    line = text.one_line(naughty)[:longest].strip()
    return "" if text.is_blank(line) or not text.storable(line) else line


NAMES = list(dict.fromkeys(filter(None, (storable(naughty, 50) for naughty in STRINGS))))
TITLES = list(dict.fromkeys(filter(None, (storable(naughty, 100) for naughty in STRINGS))))
SAYABLE = [naughty for naughty in STRINGS if text.storable(naughty) and not text.is_blank(naughty)]


def together(strings: list[str], longest: int = 2000) -> list[str]:
    """As many in one message as go into it."""
    made = [""]
    for naughty in strings:
        if len(made[-1]) + len(naughty) + 1 > longest:
            made.append("")
        made[-1] += "\n" + naughty
    return made


def at_once(act: Callable[..., T], given: Iterable[tuple[object, ...]]) -> list[T]:
    """Does it with each of them, eight at a time: the page takes in together what comes together, as in a full room.
    Gives what came of each, in their order."""
    with ThreadPoolExecutor(8) as pool:
        return [done.result() for done in [pool.submit(act, *each) for each in given]]


def said(person: Person, where: int) -> list[dict[str, Any]]:
    """Everything in the conversation that people wrote, oldest first."""
    found: list[dict[str, Any]] = []
    path = f"/conversations/{where}/messages?limit=100"
    before = ""
    while True:
        answer = person.api.get(path + before).json()
        found = [message for message in answer["messages"] if message["kind"] == "text"] + found
        if answer["next"] is None:
            return found
        before = f"&before={answer['next']}"


# The fragment, without what changes with its author's name and with what stands before it in time.
FRAGMENTS = """() => Object.fromEntries([...document.querySelectorAll("#messages > [data-kind=text]")].map((item) => {
    const copy = item.cloneNode(true);
    for (const name of copy.querySelectorAll(".avatar, .message-author, .day")) name.remove();
    for (const element of [copy, ...copy.querySelectorAll("*")])
        for (const gone of ["data-htmx-powered", "aria-label", "class"]) element.removeAttribute(gone);
    return [item.id, copy.outerHTML];
}))"""


def test_live_messages_and_names_are_harmless_and_the_same_as_on_a_fresh_page(causerie: Causerie, visit: Visit) -> None:
    milo, *crowd = (causerie.person(name) for name in ("Milo Member", *["Olive Owner"] * 6))
    chess = crowd[0].group("Chess club", milo, *crowd[1:])
    page = live(visit(milo, f"/conversations/{chess}"))
    sent = [*SAYABLE, *together(SAYABLE)]
    assert len(NAMES) <= len(sent)
    named = list(zip_longest(NAMES, sent))

    def speak(person: Person, share: list[tuple[str | None, str]]) -> None:
        for name, naughty in share:
            if name is not None:
                assert person.api.patch("/me", json={"name": name}).json()["name"] == name
            assert person.say(chess, naughty)["body"] == naughty.strip()

    at_once(speak, ((person, named[number :: len(crowd)]) for number, person in enumerate(crowd)))
    count = page.locator("#messages > [data-kind=text]")
    expect(count).to_have_count(len(sent))
    harmless(page)
    fresh = page.context.new_page()
    fresh.goto(f"/conversations/{chess}?from=1")
    timeline = fresh.locator("#timeline")

    def at_the_end() -> bool:
        timeline.evaluate("timeline => { timeline.scrollTop = 0 }")
        return not fresh.locator("#newer").count()

    eventually(fresh, at_the_end, "all pages are there")
    expect(fresh.locator("#messages > [data-kind=text]")).to_have_count(len(sent))
    harmless(fresh)
    assert page.evaluate(FRAGMENTS) == fresh.evaluate(FRAGMENTS)


def test_what_was_written_comes_back_unharmed_for_editing(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    kept = at_once(olive.say, ((chess, naughty) for naughty in SAYABLE))
    places = {message["id"]: place for place, message in enumerate(kept)}
    written = sorted(said(olive, chess), key=lambda message: places[message["id"]])
    assert [message["body"] for message in written] == [naughty.strip() for naughty in SAYABLE]
    page = live(visit(olive, f"/conversations/{chess}"))
    shown = page.evaluate(
        """async (ids) => {
            const forms = await Promise.all(ids.map(async (id) => {
                const answer = await fetch(`/messages/${id}/edit`, { headers: { accept: "text/html", "hx-request": "true" } });
                const holder = document.createElement("template");
                holder.innerHTML = await answer.text();
                return holder.content;
            }));
            document.getElementById("messages").append(...forms);
            return ids.map((id) => document.querySelector(`#edit-${id}`).value);
        }""",
        [message["id"] for message in written],
    )
    assert shown == [message["body"] for message in written]
    harmless(page)


def test_an_edit_form_that_is_refused_and_saved_stays_harmless(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    chess = olive.group("Chess club")
    said = olive.say(chess, "to be edited")
    page = live(visit(olive, f"/conversations/{chess}"))
    for naughty in OURS:
        page.get_by_label("Your message").press("ArrowUp")
        field = page.get_by_label("Edit message")
        field.fill(naughty + "x" * 2001)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("the limit is 2000")).to_be_visible()
        assert field.input_value() == naughty + "x" * 2001
        harmless(page)
        field.fill(naughty)
        page.get_by_role("button", name="Save").click()
        expect(field).to_have_count(0)
        harmless(page)
        assert olive.api.get(f"/messages/{said['id']}").json()["body"] == naughty.strip()


def test_lists_of_people_and_groups_are_harmless(causerie: Causerie, visit: Visit) -> None:
    olive = causerie.person("Olive Owner")
    causerie.sql(
        """
        INSERT INTO person (username, skeleton, name, email, email_key, password_hash, role, search_key, language)
        SELECT $2 || n, $2 || n, name, $2 || n || '@example.org', $2 || n || '@example.org', '', 'student', name, 'en'
        FROM unnest($1::text[]) WITH ORDINALITY AS given (name, n)
        """,
        NAMES,
        prefix := f"naughty-{olive.id}-",
    )
    chess = olive.group(TITLES[0])
    causerie.sql(
        "INSERT INTO membership (conversation, person) SELECT $1, id FROM person WHERE username LIKE $2 || '%'",
        chess,
        prefix,
    )
    at_once(olive.group, ((title,) for title in TITLES))
    page = visit(olive, f"/conversations/{chess}/members")
    names: list[str] = []
    while True:
        harmless(page)
        names += page.locator("#members .row-main > a").all_text_contents()
        if not page.get_by_role("link", name="More members").count():
            break
        page.get_by_role("link", name="More members").click()
        page.wait_for_load_state()
    assert sorted(names) == sorted([*NAMES, "Olive Owner"])
    page.goto("/conversations")
    more = page.get_by_role("link", name="More conversations")
    while more.count():
        before = page.locator(".sidebar-item").count()
        more.click()
        eventually(page, lambda seen=before: page.locator(".sidebar-item").count() > seen, "more")  # type: ignore[misc]
    harmless(page)
    shown = page.locator("#sidebar-items .sidebar-title").all_text_contents()
    assert sorted(shown) == sorted([*TITLES, TITLES[0], "General"])
    page.goto(f"/people?q={quote(prefix)}")
    harmless(page)


@pytest.mark.parametrize("naughty", OURS[:4], ids=["image", "script", "svg", "iframe"])
def test_a_group_and_its_person_of_that_name_are_harmless_on_every_page(
    causerie: Causerie, visit: Visit, naughty: str
) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    olive.api.patch("/me", json={"name": storable(naughty, 50)})
    chess, direct = olive.group("Chess club", milo), olive.direct(milo)
    olive.say(direct, naughty)
    page = live(visit(milo, f"/conversations/{chess}"))
    title = storable(naughty, 100)
    olive.rename(chess, title)
    expect(page.locator("#conversation-title")).to_have_text(title)
    eventually(page, lambda: text.one_line(page.title()) == f"(1) {title} · Causerie", "the title")
    harmless(page)
    paths = [f"/conversations/{chess}", f"/conversations/{chess}/members", f"/conversations/{chess}/settings"]
    paths += [f"/conversations/{direct}", f"/people/{olive.username}", f"/people?q={quote(naughty)}"]
    paths += [
        f"/auth/login?next={quote(naughty)}",
        f"/auth/reset-password?token={quote(naughty)}",
        f"/{quote(naughty, safe='')}",
    ]
    for path in paths:
        page.goto(path)
        harmless(page)
