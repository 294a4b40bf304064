"""Asking for an export: of what, by whom, how many, and in which form."""

import asyncio
import dataclasses
from typing import Any

import pytest
from bs4 import BeautifulSoup

from app.accounts import sessions
from app.core import database, limits
from app.core.errors import TooMany
from app.exports import actions
from app.exports.wishes import Wish
from tests.conftest import Actor, Cast, statements_of
from tests.exports.shelf import asked, shown
from tests.pages import says


async def jobs_waiting() -> int:
    return int(await database.fetch_value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'ExportRequested'"))


async def with_token(cast: Cast, who: Actor, *scopes: str) -> Any:
    made = await who.api.post("/me/tokens", json={"name": "Script", "scopes": list(scopes)})
    assert made.status_code == 201, made.text
    return cast.server.client(accept="application/json", authorization=f"Bearer {made.json()['token']}")


async def test_a_member_asks_for_a_conversation_and_is_told_where_to_look(cast: Cast) -> None:
    answer = await cast.milo.api.post("/exports", json={"conversation_id": cast.chess, "format": "pdf"})
    assert answer.status_code == 202
    view = answer.json()
    assert answer.headers["location"] == f"/exports/{view['id']}"
    assert (view["status"], view["progress"], view["url"]) == ("queued", 0.0, None)
    assert (view["conversation_id"], view["title"], view["format"]) == (cast.chess, "Chess club", "pdf")
    assert (view["from"], view["to"], view["paper"], view["archive"]) == (None, None, "a4", False)
    assert await jobs_waiting() == 1
    assert (await cast.milo.api.get("/exports")).json() == {"exports": [view], "next": None}


async def test_without_a_conversation_it_is_all_of_ones_own_data(cast: Cast) -> None:
    view = await shown(cast.mina, await asked(cast.mina, None, format="csv", archive=True, paper="letter"))
    assert (view["kind"], view["conversation_id"], view["archive"], view["paper"]) == ("person", None, True, "letter")
    assert view["language"] == "fr"  # as she reads
    assert view["name"].endswith(".zip")


async def test_by_a_plain_form_one_comes_to_its_page(cast: Cast) -> None:
    page = await cast.milo.browser.get(f"/conversations/{cast.chess}/export")
    form = BeautifulSoup(page.text, "html.parser").select_one("form[action='/exports']")
    assert form is not None
    assert [field["value"] for field in form.select("input[name=format]")] == ["pdf", "csv", "json"]
    sent = {"conversation_id": str(cast.chess), "format": "csv", "from": "", "to": "2026-11-20", "paper": "a4"}
    answer = await cast.milo.browser.post("/exports", data=sent)
    assert answer.status_code == 303
    there = await cast.milo.browser.get(answer.headers["location"])
    assert "Queued" in says(there)
    assert BeautifulSoup(there.text, "html.parser").select_one("progress") is not None


async def test_without_scripts_the_page_looks_again_by_itself_while_it_is_under_way(cast: Cast) -> None:
    export = await asked(cast.milo, cast.chess)
    assert "refresh" in (await cast.milo.browser.get(f"/exports/{export}")).headers
    cast.milo.browser.cookies.set("scripts", "1")
    assert "refresh" not in (await cast.milo.browser.get(f"/exports/{export}")).headers
    cast.milo.browser.cookies.delete("scripts")
    await cast.milo.api.post(f"/exports/{export}/cancel")
    assert "refresh" not in (await cast.milo.browser.get(f"/exports/{export}")).headers


@pytest.mark.parametrize(
    ("from_", "to", "first", "after"),
    [
        ("2026-11-20", "2026-11-20", "2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z"),
        # The clocks go back in between.
        ("2026-10-25", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("2026-11-20T08:00:00Z", None, "2026-11-20T08:00:00Z", None),
        ("2026-11-20T08:00:00", "2026-11-20T09:00:00+00:00", "2026-11-20T07:00:00Z", "2026-11-20T09:00:00.000001Z"),
        ("2026-12-31", "2027-01-01", "2026-12-30T23:00:00Z", "2027-01-01T23:00:00Z"),
    ],
)
async def test_both_days_are_in_it_by_the_clock_of_whoever_asks(
    cast: Cast, from_: str, to: str | None, first: str, after: str | None
) -> None:
    await cast.milo.api.patch("/me", json={"time_zone": "Europe/Paris"})
    view = await shown(cast.milo, await asked(cast.milo, cast.chess, **{"from": from_, "to": to}))
    assert (view["from"], view["to"]) == (first, after)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "docx"),
        ("format", ""),
        ("format", "PDF\0"),
        ("paper", "a3"),
        ("language", "xx"),
        ("from", "yesterday"),
        ("from", "0001-01-01"),
        ("to", "9999-12-31"),
        ("to", "2026-02-30"),
        ("from", "２０２６-11-20"),
        ("to", "2026-W47-5"),
        ("from", "x" * 5000),
        ("to", "2020-01-01"),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field_and_asks_for_nothing(cast: Cast, field: str, value: str) -> None:
    wish = {"conversation_id": cast.chess, "format": "json", "from": "2026-01-01"} | {field: value}
    answer = await cast.milo.api.post("/exports", json=wish)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert await jobs_waiting() == 0


@pytest.mark.parametrize("wish", [{"format": 7}, {"conversation_id": []}, {"archive": {}}, {"from": 20261120}])
async def test_another_type_is_refused(cast: Cast, wish: dict[str, Any]) -> None:
    answer = await cast.milo.api.post("/exports", json={"conversation_id": cast.chess, "format": "json"} | wish)
    assert answer.status_code in (400, 422)


async def test_a_refused_form_keeps_what_was_chosen(cast: Cast) -> None:
    wrong = {"format": "csv", "from": "2026-11-20", "to": "2026-11-19", "archive": "true", "paper": "letter"}
    for conversation, heading in ((str(cast.chess), "Chess club"), ("", "All my data")):
        answer = await cast.milo.browser.post("/exports", data=wrong | {"conversation_id": conversation})
        assert answer.status_code == 422
        page = BeautifulSoup(answer.text, "html.parser")
        assert heading in page.get_text()
        assert "The end is before the beginning." in says(answer)
        chosen = {
            "format": page.select_one("input[name=format][checked]"),
            "paper": page.select_one("option[selected]"),
            "archive": page.select_one("input[name=archive][checked]"),
            "from": page.select_one("input[name=from]"),
        }
        assert {name: found["value"] for name, found in chosen.items() if found} == {
            "format": "csv",
            "paper": "letter",
            "archive": "true",
            "from": "2026-11-20",
        }


@pytest.mark.parametrize("conversation", [0, -1, 2**70, 999_999_999, "x", "7.5", "９"])
async def test_a_conversation_that_is_none_is_not_found(cast: Cast, conversation: Any) -> None:
    answer = await cast.milo.api.post("/exports", json={"conversation_id": conversation, "format": "json"})
    assert answer.status_code == 404


async def test_who_is_not_in_a_conversation_gets_none_of_it_an_administrator_neither(cast: Cast) -> None:
    for who in (cast.oscar, cast.remy, cast.ada):
        answer = await who.api.post("/exports", json={"conversation_id": cast.chess, "format": "json"})
        assert answer.status_code == 404
        assert (await who.api.get(f"/conversations/{cast.chess}/export")).status_code == 404
    assert await jobs_waiting() == 0


async def test_three_are_under_way_at_a_time_however_many_are_asked_for_at_once(cast: Cast) -> None:
    wish = {"conversation_id": cast.chess, "format": "json"}
    answers = await asyncio.gather(*(cast.milo.api.post("/exports", json=wish) for _time in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "3 of your exports are in progress" in refused.json()["detail"]
    assert "retry-after" in refused.headers
    page = await cast.milo.browser.post("/exports", data={"conversation_id": str(cast.chess), "format": "csv"})
    assert page.status_code == 429
    assert "3 of your exports are in progress. Wait for one to finish, or cancel one." in says(page)
    assert await asked(cast.olive, cast.chess)  # others are not counted with them
    first = (await cast.milo.api.get("/exports")).json()["exports"][0]["id"]
    await cast.milo.api.post(f"/exports/{first}/cancel")
    assert await asked(cast.milo, cast.chess)


async def test_nobody_asks_for_more_than_so_many_in_an_hour(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EXPORT_PERSON", limits.Limit("export-person", 2, 3600))
    monkeypatch.setattr("app.exports.actions.limits.EXPORT_PERSON", limits.EXPORT_PERSON)

    settings = dataclasses.replace(cast.server.settings, rate_limits=True)
    me = await sessions.person_of(settings, cast.milo.access)
    assert me is not None
    for _time in range(2):
        await actions.request(settings, me, Wish(conversation_id=cast.chess, format="csv"))
    with pytest.raises(TooMany):
        await actions.request(settings, me, Wish(conversation_id=cast.chess, format="csv"))
    assert await jobs_waiting() == 2


async def test_a_token_does_what_its_scope_says_and_never_takes_all_of_a_persons_data(cast: Cast) -> None:
    everything = await asked(cast.milo, None)
    reading, writing = await with_token(cast, cast.milo, "read"), await with_token(cast, cast.milo, "write")
    both = await with_token(cast, cast.milo, "read", "write")
    wish = {"conversation_id": cast.chess, "format": "json"}
    assert (await reading.post("/exports", json=wish)).status_code == 403
    made = await writing.post("/exports", json=wish)
    assert made.status_code == 202
    path = f"/exports/{made.json()['id']}"
    assert (await writing.get(path)).status_code == 403
    assert (await reading.get(path)).status_code == 200
    assert (await reading.post(f"{path}/cancel")).status_code == 403
    assert (await both.post("/exports", json={"format": "json"})).status_code == 403
    assert (await both.get(f"/exports/{everything}")).status_code == 404
    assert (await both.delete(f"/exports/{everything}")).status_code == 404
    listed = (await both.get("/exports")).json()["exports"]
    assert [each["id"] for each in listed] == [made.json()["id"]]


async def test_the_list_is_paged_and_costs_the_same_however_long_it_is(cast: Cast) -> None:
    numbers = []
    for _time in range(5):
        numbers.append(await asked(cast.milo, cast.chess))
        await cast.milo.api.post(f"/exports/{numbers[-1]}/cancel")
    first = (await cast.milo.api.get("/exports", params={"limit": 3})).json()
    second = (await cast.milo.api.get("/exports", params={"limit": 3, "before": first["next"]})).json()
    assert [each["id"] for each in first["exports"] + second["exports"]] == numbers[::-1]
    assert second["next"] is None
    await cast.milo.browser.get("/exports")  # who is new comes into the general room
    many = await statements_of(cast.milo.browser.get("/exports"))
    await database.fetch("DELETE FROM export WHERE id > $1", numbers[0])
    assert await statements_of(cast.milo.browser.get("/exports")) == many


async def test_cancelled_is_cancelled_and_what_has_ended_cannot_be(cast: Cast) -> None:
    export = await asked(cast.milo, cast.chess)
    answer = await cast.milo.api.post(f"/exports/{export}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await cast.milo.api.post(f"/exports/{export}/cancel")).json()["status"] == "cancelled"
    await database.fetch("UPDATE export SET status = 'failed', failure = 'time' WHERE id = $1", export)
    assert (await cast.milo.api.post(f"/exports/{export}/cancel")).status_code == 409
    page = await cast.milo.browser.get(f"/exports/{export}")
    assert "This took too long. Choose a shorter period, or another format." in says(page)


async def test_nobody_else_sees_cancels_or_deletes_it(cast: Cast) -> None:
    export = await asked(cast.milo, cast.chess)
    for who in (cast.olive, cast.ada, cast.oscar):
        assert (await who.api.get(f"/exports/{export}")).status_code == 404
        assert (await who.api.post(f"/exports/{export}/cancel")).status_code == 404
        assert (await who.api.delete(f"/exports/{export}")).status_code == 404
        assert (await who.api.get("/exports")).json()["exports"] == []
    assert (await shown(cast.milo, export))["status"] == "queued"
    assert (await cast.milo.api.delete(f"/exports/{export}")).status_code == 204
    assert (await cast.milo.api.get(f"/exports/{export}")).status_code == 404
