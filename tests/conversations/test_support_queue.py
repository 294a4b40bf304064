"""The queue: what the staff is asked, without flooding anyone's list."""

import pytest

from app.core import database
from tests.conftest import Cast, statements_of
from tests.conversations.desk import Desk, ask, open_desk, queue
from tests.conversations.story import sidebar
from tests.pages import parsed, says


@pytest.fixture
async def desk(cast: Cast) -> Desk:
    return await open_desk(cast)


async def test_unassigned_first_then_what_was_asked_first(desk: Desk) -> None:
    second = await ask(desk.pia, "Lunch")
    third = await ask(desk.cast.oscar, "Bus")
    assert await queue(desk.tess) == [desk.thread, second, third]
    await desk.put(desk.tess, "assignee")
    await desk.say(desk.milo, "anyone?")
    assert await queue(desk.tess) == [second, third, desk.thread]
    assert await queue(desk.ada) == [second, third, desk.thread]
    assert await queue(desk.tess, show="mine") == [desk.thread]
    assert await queue(desk.ada, show="mine") == []
    await desk.put(desk.tess, "closed")
    assert await queue(desk.tess, show="mine") == []
    assert await queue(desk.tess) == [second, third]
    assert await queue(desk.tess, show="closed") == [desk.thread]


async def test_it_is_for_the_staff(desk: Desk) -> None:
    for who in (desk.milo, desk.pia, desk.cast.oscar):
        answer = await who.api.get("/support")
        assert answer.status_code == 403
        assert "room 7" not in answer.text
        assert 'href="/support/new"' in (await who.browser.get("/conversations")).text


async def test_every_page_of_it_and_each_line_once(desk: Desk) -> None:
    asked = [desk.thread, *[await ask(desk.pia, f"Question {n}") for n in range(6)]]
    for thread in asked[:3]:
        await desk.ada.api.put(f"/conversations/{thread}/assignee", json={})
    wanted = asked[3:] + asked[:3]
    for show in ("open", "mine", "closed"):
        if show == "closed":
            for thread in asked:
                await desk.ada.api.put(f"/conversations/{thread}/closed", json={})
        found: list[int] = []
        after = ""
        while True:
            page = (await desk.ada.api.get("/support", params={"show": show, "limit": 2, "after": after})).json()
            found += [thread["id"] for thread in page["threads"]]
            after = page["next"]
            if after is None:
                break
        assert found == {"open": wanted, "mine": asked[:3], "closed": asked[::-1]}[show]


@pytest.mark.parametrize(
    "params",
    [
        {"show": "all"},
        {"show": "\0"},
        {"after": "x"},
        {"after": "1~"},
        {"after": "1~-1"},
        {"after": "1~" + "9" * 30},
        {"after": "9" * 5000 + "~1"},
        {"show": "closed", "after": "yesterday~1"},
        {"show": "closed", "after": "0001-01-01T00:00:00+23:00~1"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
    ],
)
async def test_what_was_no_place_of_ours_is_refused(desk: Desk, params: dict[str, str]) -> None:
    assert (await desk.ada.api.get("/support", params=params)).status_code in (200, 400, 422), params
    assert (await desk.ada.browser.get("/support", params=params)).status_code in (200, 400, 422), params


async def test_it_costs_as_much_with_many_as_with_one(desk: Desk) -> None:
    async def cost() -> int:
        return await statements_of(desk.ada.browser.get("/support"))

    await cost()  # the first page without scripts is a sign of life, written once a minute
    before = await cost()
    for number in range(20):
        thread = await ask(desk.pia, f"Question {number}")
        if number % 2:
            await desk.ada.api.put(f"/conversations/{thread}/assignee", json={})
    assert await cost() == before


async def test_a_page_of_a_student_does_not_ask_for_the_queue(desk: Desk) -> None:
    student, teacher = [await statements_of(who.browser.get("/people")) for who in (desk.cast.oscar, desk.tess)]
    assert teacher == student + 1


async def test_the_staff_has_in_its_list_what_it_answers_or_looks_after_and_no_more(desk: Desk) -> None:
    await desk.view(desk.tess)
    assert desk.thread not in await sidebar(desk.tess), "looking is not taking part"
    assert desk.thread not in await sidebar(desk.tess, archived="true")
    await desk.say(desk.milo, "anyone?")
    assert desk.thread not in await sidebar(desk.tess)
    await desk.say(desk.tess, "me")
    assert desk.thread in await sidebar(desk.tess)
    await desk.put(desk.tess, "assignee", username="ada")
    line = (await sidebar(desk.ada))[desk.thread]
    assert (line["kind"], line["unread"]) == ("support", 3), "all of it is new to whom it was given"
    assert desk.thread in await sidebar(desk.milo)
    await desk.put(desk.tess, "closed")
    for who, there in ((desk.tess, False), (desk.ada, False), (desk.milo, True)):
        assert (desk.thread in await sidebar(who)) is there
    await desk.say(desk.milo, "one more question")
    for who in (desk.tess, desk.ada, desk.milo):
        assert desk.thread in await sidebar(who)


async def test_whoever_wants_it_in_their_list_brings_it_there(desk: Desk) -> None:
    await desk.view(desk.tess)
    await desk.tess.api.put(f"/conversations/{desk.thread}/pin", json={})
    assert desk.thread in await sidebar(desk.tess)


async def test_how_many_wait_stands_beside_the_queue(desk: Desk) -> None:
    await ask(desk.pia, "Lunch")
    page = await desk.tess.browser.get("/people")
    assert "2 waiting requests" in says(page)
    await desk.put(desk.tess, "assignee")
    assert "1 waiting request" in says(await desk.ada.browser.get("/people"))
    assert "wait" not in says(await desk.milo.browser.get("/people"))
    assert (await desk.ada.api.get("/support")).json()["waiting"] == 1


async def test_as_a_page_and_as_more_of_it(desk: Desk) -> None:
    for number in range(3):
        await ask(desk.pia, f"<b>Question</b> {number}")
    page = parsed(await desk.ada.browser.get("/support?limit=2"))
    assert [link.text for link in page.select(".row-main > a")] == ["Where is room 7?", "<b>Question</b> 0"]
    more = page.select_one(".row-more a")
    assert more is not None
    rest = await desk.ada.browser.get(str(more["hx-get"]), headers={"hx-request": "true"})
    assert "Question" in rest.text
    assert "<html" not in rest.text
    assert "Nobody is waiting" not in says(await desk.ada.browser.get("/support"))
    await database.fetch("UPDATE conversation SET closed_at = now() WHERE kind = 'support'")
    assert "Nobody is waiting" in says(await desk.ada.browser.get("/support"))


async def test_who_looks_after_it_is_not_named_to_whom_a_block_keeps_apart_from_them(desk: Desk) -> None:
    await desk.put(desk.tess, "assignee")
    await desk.ada.api.put("/people/tess/block")
    (thread,) = (await desk.ada.api.get("/support")).json()["threads"]
    assert (thread["assigned"], thread["assignee"]) == (True, None)
    page = await desk.ada.browser.get("/support")
    assert "Assigned to another member of staff" in says(page)
    assert "Tess" not in str(parsed(page).select_one(".row"))
