"""Making a group."""

from typing import Any

from app.core import database
from tests.conftest import Cast
from tests.conversations.story import events, members


async def refused(cast: Cast, **group: Any) -> dict[str, str]:
    """Why this group cannot be made; and that nothing of it is left behind."""
    before = await database.fetch_value("SELECT count(*) FROM conversation")
    answer = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Choir", **group})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await database.fetch_value("SELECT count(*) FROM conversation") == before
    wrong: dict[str, str] = answer.json()["errors"]
    return wrong


async def test_a_group_has_its_maker_as_owner_and_the_named_people_in_it(cast: Cast) -> None:
    group = {"kind": "group", "title": "Choir", "members": ["milo", "mina"]}
    made = await cast.olive.api.post("/conversations", json=group)
    assert made.status_code == 201
    view = made.json()
    assert (view["title"], view["kind"], view["role"], view["members"]) == ("Choir", "group", "owner", 3)
    assert view["owner_id"] == cast.olive.id
    assert await members(cast.milo, view["id"]) == {"olive", "milo", "mina"}
    assert await events(cast.milo, view["id"]) == ["Olive Owner created the group “Choir”."]


async def test_a_group_of_oneself_can_be_made(cast: Cast) -> None:
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Notes"})
    assert (made.status_code, made.json()["members"]) == (201, 1)


async def test_members_may_be_a_list_or_a_text(cast: Cast) -> None:
    texts = ["milo mina", "milo, mina", "milo,mina", " @milo\n MINA "]
    lists = [["milo", "mina"], ["@Milo", " mina "], ["milo", "mina", "milo"]]
    for names in [*texts, *lists]:
        made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Choir", "members": names})
        assert made.status_code == 201, made.text
        assert await members(cast.olive, made.json()["id"]) == {"olive", "milo", "mina"}


async def test_naming_oneself_changes_nothing(cast: Cast) -> None:
    group = {"kind": "group", "title": "Choir", "members": "olive milo"}
    made = await cast.olive.api.post("/conversations", json=group)
    assert (made.json()["members"], made.json()["role"]) == (2, "owner")


async def test_unknown_names_are_named(cast: Cast) -> None:
    wrong = await refused(cast, members="milo whoever mina another")
    assert wrong == {"members": "Nobody here has the username whoever, another."}


async def test_someone_who_closed_their_account_is_nobody(cast: Cast) -> None:
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.oscar.id)
    assert await refused(cast, members="oscar") == {"members": "Nobody here has the username oscar."}


async def test_names_that_no_database_can_hold_are_nobody(cast: Cast) -> None:
    assert "members" in await refused(cast, members=["mi\0lo"])


async def test_at_most_a_hundred_people_at_once(cast: Cast) -> None:
    wrong = await refused(cast, members=[f"pupil{n}" for n in range(101)])
    assert wrong == {"members": "Add at most 100 people at a time."}


async def test_everything_that_is_wrong_is_said_at_once(cast: Cast) -> None:
    assert (await refused(cast, title="", members="whoever")).keys() == {"title", "members"}


async def test_a_title_that_nobody_would_see_or_that_cannot_be_kept_is_refused(cast: Cast) -> None:
    for title in ["", "   ", "\n\t", "\u200b\u200d", "\u2800", "\u3164 \u00ad", "\ufeff", "\0", "Ch\0ir"]:
        assert (await refused(cast, title=title)).keys() == {"title"}, title


async def test_a_title_has_at_most_a_hundred_characters(cast: Cast) -> None:
    longest = "é" * 99 + "🎻"
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": f"  {longest}  "})
    assert (made.status_code, made.json()["title"]) == (201, longest)
    assert await refused(cast, title="x" * 101) == {"title": "Use at most 100 characters."}


async def test_a_title_is_one_line(cast: Cast) -> None:
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": " Two\r\nlines\t and  spaces "})
    assert made.json()["title"] == "Two lines and spaces"


async def test_a_lone_surrogate_is_not_well_formed(cast: Cast) -> None:
    answer = await cast.olive.api.post(
        "/conversations", content=rb'{"kind": "group", "title": "\ud800"}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400


async def test_nothing_of_another_kind_can_be_made(cast: Cast) -> None:
    for kind in ("general", "announcements", "", "GROUP", "room"):
        answer = await cast.ada.api.post("/conversations", json={"kind": kind, "title": "Second"})
        assert answer.status_code == 400, kind


async def test_wrong_types_are_refused(cast: Cast) -> None:
    for data in ({"title": 7}, {"members": 7}, {"members": [7]}, {"kind": None}):
        answer = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Choir", **data})
        assert answer.status_code in (400, 422), data


async def test_a_plain_form_makes_a_group_and_leads_to_it(cast: Cast) -> None:
    form = {"kind": "group", "title": "Choir", "members": "milo, @mina"}
    answer = await cast.olive.browser.post("/conversations", data=form)
    assert answer.status_code == 303
    assert await members(cast.milo, int(answer.headers["location"].rpartition("/")[2])) == {"olive", "milo", "mina"}


async def test_a_refused_form_comes_back_as_it_was_filled(cast: Cast) -> None:
    form = {"kind": "group", "title": "Choir", "members": "milo whoever"}
    answer = await cast.olive.browser.post("/conversations", data=form)
    assert answer.status_code == 422
    assert 'value="Choir"' in answer.text
    assert 'value="milo whoever"' in answer.text
    assert "Nobody here has the username whoever." in answer.text


async def test_nobody_makes_nothing(cast: Cast) -> None:
    answer = await cast.nobody.api.post("/conversations", json={"kind": "group", "title": "Choir"})
    assert answer.status_code == 401
