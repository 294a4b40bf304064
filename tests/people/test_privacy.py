"""What one tells of oneself: the page, its form, and what is refused."""

import pytest

from tests.conftest import Cast
from tests.pages import parsed


async def chosen(cast: Cast) -> list[str]:
    page = parsed(await cast.milo.browser.get("/me/privacy"))
    return [str(field["value"]) for field in page.select("input[type=radio]") if field.has_attr("checked")]


async def test_by_the_form_one_chooses_and_finds_it_chosen(cast: Cast) -> None:
    assert await chosen(cast) == ["auto", "everyone", "true"]
    choice = {"state": "busy", "shown_to": "contacts", "receipts": "false"}
    answer = await cast.milo.browser.post("/me/privacy?_method=patch", data=choice)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/privacy")
    assert await chosen(cast) == ["busy", "contacts", "false"]


async def test_what_is_not_given_stays(cast: Cast) -> None:
    await cast.milo.api.patch("/me/privacy", json={"shown_to": "nobody", "receipts": False})
    answer = await cast.milo.api.patch("/me/privacy", json={"state": "away"})
    assert answer.json() == {"state": "away", "shown_to": "nobody", "receipts": False}
    assert (await cast.milo.api.get("/me/privacy")).json() == answer.json()
    assert (await cast.mina.api.get("/me/privacy")).json()["state"] == "auto", "of nobody else"


@pytest.mark.parametrize("field", ["state", "shown_to"])
async def test_what_is_none_of_the_choices_is_refused_by_name(cast: Cast, field: str) -> None:
    for wrong in ("", "invisible", "\0", "x" * 10_000):
        answer = await cast.milo.api.patch("/me/privacy", json={field: wrong})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field]), wrong
    data = {"state": "busy", "shown_to": "contacts", "receipts": "false"} | {field: "invisible"}
    answer = await cast.milo.browser.post("/me/privacy?_method=patch", data=data)
    assert answer.status_code == 422
    page = parsed(answer)
    assert page.select_one(f"#error-{field}") is not None
    kept = [field["value"] for field in page.select("input[type=radio]") if field.has_attr("checked")]
    assert kept == [value for value in data.values() if value != "invisible"], "what was chosen stays chosen"
    assert await chosen(cast) == ["auto", "everyone", "true"]


@pytest.mark.parametrize("wrong", ["perhaps", 7, None, [], {}])
async def test_receipts_are_told_or_not(cast: Cast, wrong: object) -> None:
    answer = await cast.milo.api.patch("/me/privacy", json={"receipts": wrong})
    assert answer.status_code == (200 if wrong is None else 400) or answer.status_code == 422
    assert (await cast.milo.api.get("/me/privacy")).json()["receipts"] is True
