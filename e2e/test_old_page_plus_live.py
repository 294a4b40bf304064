"""A page that was open all along, with what the feed sent it, is the page that one would get now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page

from e2e.causerie import PASSWORD, Causerie, Person
from e2e.conftest import Visit
from e2e.steps import eventually, live
from tests.pictures import picture

# What a script of ours or htmx leaves behind, and what is not about the conversation: which line was drawn when, and
# the exact moment of the last activity (the order of the lines says what counts of it).
NORMAL = """() => {
    const parts = ["messages", "sidebar-items", "conversation-head", "members-pane"];
    return document.title + "\\n" + parts.map((id) => {
        const copy = document.getElementById(id)?.cloneNode(true);
        if (!copy) return id;
        for (const gone of copy.querySelectorAll(".unread-line, [id=unread]")) gone.remove();
        for (const element of [copy, ...copy.querySelectorAll("*")]) {
            for (const name of ["data-htmx-powered", "data-activity", "data-change", "data-unread-from", "style"])
                if (!(name === "data-change" && element.matches(".message"))) element.removeAttribute(name);
            if (element.getAttribute("class") === "") element.removeAttribute("class");
        }
        return copy.outerHTML.replaceAll("#unread", "").replace(/>\\s+/g, ">").replace(/\\s+</g, "<").replaceAll("><", ">\\n<");
    }).join("\\n");
}"""


@dataclass
class Scene:
    """Olive's group with Milo, who looks at it, and Mina beside it; and what was said in it."""

    causerie: Causerie
    olive: Person
    milo: Person
    mina: Person
    chess: int
    go: int
    first: int
    second: int
    milos: int


def _send(scene: Scene) -> None:
    scene.olive.say(scene.chess, "one more, with *emphasis*, `code` and https://example.org/a?b=c&d")


def _send_several_of_several(scene: Scene) -> None:
    for number in range(3):
        scene.olive.say(scene.chess, f"olive {number}")
        scene.milo.say(scene.chess, f"milo {number}\n\n```\nx = 1\n  y\n```")


def _write_elsewhere(scene: Scene) -> None:
    scene.olive.say(scene.go, "are you here?")
    scene.olive.say(scene.olive.direct(scene.milo), "or here?")


def _edit(scene: Scene) -> None:
    scene.olive.edit(scene.first, "said better")
    scene.olive.edit(scene.second, "said better too")
    scene.milo.edit(scene.milos, "and an answer")


def _delete(scene: Scene) -> None:
    scene.olive.delete(scene.first)
    scene.milo.delete(scene.milos)


def _edit_then_delete(scene: Scene) -> None:
    scene.olive.edit(scene.second, "better")
    scene.olive.delete(scene.second)
    scene.olive.delete(scene.olive.say(scene.chess, "a slip")["id"])


def _reply(scene: Scene) -> None:
    scene.milo.say(scene.chess, "an answer to the first", reply_to=scene.first)
    scene.olive.say(scene.chess, "and to that", reply_to=scene.milos)


def _change_what_is_quoted(scene: Scene) -> None:
    _reply(scene)
    scene.olive.edit(scene.first, "quoted *anew*")
    scene.milo.edit(scene.milos, "not for long")
    scene.milo.delete(scene.milos)


def _rename(scene: Scene) -> None:
    scene.olive.rename(scene.chess, "Chess & checkers <club>")


def _add(scene: Scene) -> None:
    scene.olive.add(scene.chess, scene.mina)


def _remove(scene: Scene) -> None:
    scene.olive.add(scene.chess, scene.mina)
    scene.olive.remove(scene.chess, scene.mina)


def _leave(scene: Scene) -> None:
    scene.olive.add(scene.chess, scene.mina)
    scene.mina.say(scene.chess, "only passing by")
    scene.mina.remove(scene.chess, scene.mina)


def _hand_over(scene: Scene) -> None:
    scene.olive.api.put(f"/conversations/{scene.chess}/owner", json={"username": scene.milo.username})


def _owner_leaves(scene: Scene) -> None:
    scene.olive.remove(scene.chess, scene.olive)


def _delete_another_group(scene: Scene) -> None:
    scene.olive.api.delete(f"/conversations/{scene.go}")


def _be_added_elsewhere(scene: Scene) -> None:
    scene.olive.group("A third group", scene.milo)


def _be_removed_elsewhere(scene: Scene) -> None:
    scene.olive.remove(scene.go, scene.milo)


def _another_name(scene: Scene) -> None:
    scene.olive.say(scene.olive.direct(scene.milo), "guess who")
    scene.olive.add(scene.chess, scene.mina)
    scene.milo.say(scene.chess, f"@{scene.olive.username}: yes", reply_to=scene.first)
    username = f"olivia-{scene.olive.id}"
    scene.olive.api.patch("/me", json={"name": "Olivia <b>Owner</b>", "username": username}).raise_for_status()


def _a_picture(scene: Scene) -> None:
    png = picture((40, 40), "teal")
    scene.olive.api.put("/me/avatar", content=png, headers={"content-type": "image/png"}).raise_for_status()


def _delete_the_account(scene: Scene) -> None:
    gone = {"current": PASSWORD, "messages": "keep"}
    scene.olive.api.request("DELETE", "/me", json=gone).raise_for_status()


ACTIONS = [
    _send,
    _send_several_of_several,
    _write_elsewhere,
    _edit,
    _delete,
    _edit_then_delete,
    _reply,
    _change_what_is_quoted,
    _rename,
    _add,
    _remove,
    _leave,
    _hand_over,
    _owner_leaves,
    _delete_another_group,
    _be_added_elsewhere,
    _be_removed_elsewhere,
    _another_name,
    _a_picture,
    _delete_the_account,
]


@pytest.fixture
def scene(causerie: Causerie) -> Scene:
    olive, milo, mina = (causerie.person(name) for name in ("Olive Owner", "Milo Member", "Mina Member"))
    go, chess = olive.group("Go club", milo), olive.group("Chess club", milo)
    first, second = (int(olive.say(chess, text)["id"]) for text in ("e4", "d4"))
    return Scene(causerie, olive, milo, mina, chess, go, first, second, int(milo.say(chess, "an answer")["id"]))


def normal(page: Page) -> str:
    found: str = page.evaluate(NORMAL)
    return found


def becomes_fresh(old: Page) -> None:
    """Compares with a fresh page of the same person, once the old one is as far as that."""
    fresh = old.context.new_page()
    fresh.goto(old.url)
    try:
        eventually(old, lambda: normal(old) == normal(fresh), "the old page is as the fresh one")
    except AssertionError:
        assert normal(old) == normal(fresh)
    fresh.close()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__.strip("_"))
def test_an_open_page_becomes_the_fresh_one(scene: Scene, visit: Visit, action: Callable[[Scene], None]) -> None:
    page = live(visit(scene.milo, f"/conversations/{scene.chess}"))
    action(scene)
    becomes_fresh(page)


def test_all_actions_one_after_the_other_leave_the_open_page_right(scene: Scene, visit: Visit) -> None:
    page = live(visit(scene.milo, f"/conversations/{scene.chess}", locale="fr-FR"))
    for action in ACTIONS:
        if action not in (
            _delete,
            _change_what_is_quoted,
            _owner_leaves,
            _hand_over,
            _delete_another_group,
            _be_removed_elsewhere,
            _delete_the_account,
        ):
            action(scene)
    becomes_fresh(page)


def test_a_page_without_a_conversation_follows_too(scene: Scene, visit: Visit) -> None:
    page = live(visit(scene.milo, "/conversations"))
    for action in (_send, _write_elsewhere, _rename, _be_added_elsewhere, _be_removed_elsewhere, _another_name):
        action(scene)
    becomes_fresh(page)


def test_the_first_words_of_a_direct_conversation(causerie: Causerie, visit: Visit) -> None:
    olive, milo = causerie.person("Olive Owner"), causerie.person("Milo Member")
    page = live(visit(olive, f"/conversations/{olive.direct(milo)}"))
    olive.say(olive.direct(milo), "hello")
    milo.say(olive.direct(milo), "hello yourself")
    becomes_fresh(page)
