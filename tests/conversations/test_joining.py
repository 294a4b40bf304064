"""Coming into a group by the link that its owner hands out."""

import asyncio
import dataclasses
from typing import Any

import pytest

from app.core import database
from app.core.settings import Settings
from tests.conftest import PASSWORD, Actor, Cast
from tests.conversations.story import history
from tests.streams import following


async def make(cast: Cast, **wishes: Any) -> str:
    answer = await cast.olive.api.put(f"/conversations/{cast.chess}/code", json=wishes)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


async def join(who: Actor, code: str) -> int:
    return (await who.api.post(f"/join/{code}")).status_code


async def people_in(cast: Cast) -> set[str]:
    answer = (await cast.olive.api.get(f"/conversations/{cast.chess}/members")).json()
    return {person["username"] for person in answer["people"]}


async def test_whoever_has_the_link_comes_in_and_the_others_see_it(cast: Cast) -> None:
    code = await make(cast)
    async with following(cast.server, cast.milo) as feed:
        shown = (await cast.oscar.api.get(f"/join/{code}")).json()
        assert shown == {"code": code, "title": "Chess club", "members": 3, "conversation_id": None}
        joined = await cast.oscar.api.post(f"/join/{code}")
        assert joined.status_code == 201
        assert joined.json()["id"] == cast.chess
        await feed.until(lambda f: any(e.json["event"] == "joined" for e in f.named("message")))
    assert "oscar" in await people_in(cast)
    assert (await history(cast.oscar, cast.chess))[-1]["body"] == "Oscar Outsider joined."
    assert await cast.unread(cast.oscar) == 0


async def test_it_works_with_a_browser_without_scripts(cast: Cast) -> None:
    path = f"/conversations/{cast.chess}/code?_method=put"
    made = await cast.olive.browser.post(path, data={"lasts": "day", "uses": "2"}, follow_redirects=True)
    code = made.text.split("/join/")[1].split('"')[0]
    assert "2 more people" in made.text
    page = await cast.oscar.browser.get(f"/join/{code}")
    assert "Chess club" in page.text
    there = await cast.oscar.browser.post(f"/join/{code}")
    assert (there.status_code, there.headers["location"]) == (303, f"/conversations/{cast.chess}")
    again = await cast.oscar.browser.get(f"/join/{code}")
    assert again.headers["location"] == f"/conversations/{cast.chess}", "who is in goes there"


async def test_who_is_not_signed_in_logs_in_first_and_comes_back(cast: Cast) -> None:
    code = await make(cast)
    answer = await cast.nobody.browser.get(f"/join/{code}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/auth/login?next=/join/{code}"


async def test_who_has_no_account_signs_up_and_comes_back(cast: Cast) -> None:
    code = await make(cast)
    newcomer = cast.server.browser()
    door = await newcomer.get(f"/join/{code}", follow_redirects=True)
    assert f'href="/auth/signup?next=%2Fjoin%2F{code}"' in door.text or f"/auth/signup?next=/join/{code}" in door.text
    page = await newcomer.get(f"/auth/signup?next=/join/{code}")
    assert f'name="next" value="/join/{code}"' in page.text
    new = {
        "username": "nina",
        "name": "Nina",
        "email": "nina@example.org",
        "password": PASSWORD,
        "next": f"/join/{code}",
    }
    refused = await newcomer.post("/auth/signup", data=new | {"username": "olive"})
    assert f'name="next" value="/join/{code}"' in refused.text
    there = await newcomer.post("/auth/signup", data=new)
    assert there.headers["location"] == f"/join/{code}"
    elsewhere = new | {"username": "nina2", "email": "nina2@example.org", "next": "https://evil.example"}
    assert (await cast.server.browser().post("/auth/signup", data=elsewhere)).headers["location"] == "/conversations"


async def test_a_new_link_ends_the_one_before(cast: Cast) -> None:
    old = await make(cast)
    new = await make(cast)
    assert (await join(cast.oscar, old), await join(cast.oscar, new)) == (404, 201)


async def test_a_link_that_was_withdrawn_or_is_over_opens_nothing(cast: Cast) -> None:
    code = await make(cast)
    assert (await cast.olive.api.delete(f"/conversations/{cast.chess}/code")).status_code == 204
    assert await join(cast.oscar, code) == 404
    code = await make(cast, lasts="day")
    await database.fetch("UPDATE join_code SET expires_at = now() - interval '1 s'")
    assert await join(cast.oscar, code) == 404
    assert (await cast.oscar.api.get(f"/join/{code}")).status_code == 404
    code = await make(cast, lasts="ever")
    assert await join(cast.oscar, code) == 201


async def test_of_two_who_come_for_the_last_place_one_is_too_late(cast: Cast) -> None:
    code = await make(cast, uses=1)
    answers = await asyncio.gather(join(cast.oscar, code), join(cast.ada, code))
    assert sorted(answers) == [201, 404]
    assert len({"oscar", "ada"} & await people_in(cast)) == 1
    events = [message["event"] for message in await history(cast.olive, cast.chess)]
    assert events.count("joined") == 1


async def test_who_is_in_uses_nothing_up(cast: Cast) -> None:
    code = await make(cast, uses=1)
    for _ in range(3):
        assert await join(cast.milo, code) == 201
    assert await join(cast.oscar, code) == 201


async def test_whoever_was_removed_does_not_come_back_by_the_old_link(cast: Cast) -> None:
    code = await make(cast)
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert await join(cast.milo, code) == 404
    assert await join(cast.milo, await make(cast)) == 201, "a new one is for them too"


async def test_whoever_left_may_come_back(cast: Cast) -> None:
    code = await make(cast)
    await cast.milo.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    assert await join(cast.milo, code) == 201


@pytest.mark.parametrize(("one", "other"), [("olive", "oscar"), ("oscar", "olive")])
async def test_the_owner_s_link_opens_nothing_to_whom_they_blocked_or_who_blocked_them(
    cast: Cast, one: str, other: str
) -> None:
    code = await make(cast)
    await getattr(cast, one).api.put(f"/people/{other}/block")
    assert await join(cast.oscar, code) == 404


async def test_the_link_of_a_deleted_group_opens_nothing(cast: Cast) -> None:
    code = await make(cast)
    await cast.olive.api.delete(f"/conversations/{cast.chess}")
    assert await join(cast.oscar, code) == 404


@pytest.mark.parametrize("code", ["x", "%00", "a" * 500, "é", "0"])
async def test_a_guess_opens_nothing(cast: Cast, code: str) -> None:
    await make(cast)
    assert (await cast.oscar.api.post(f"/join/{code}")).status_code == 404


async def test_codes_cannot_be_guessed_from_one_another(cast: Cast) -> None:
    codes = {await make(cast) for _ in range(5)}
    assert len(codes) == 5
    assert min(len(code) for code in codes) >= 22, "128 bits"


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"lasts": "year"}, "lasts"), ({"uses": 0}, "uses"), ({"uses": "many"}, "uses"), ({"uses": 10**30}, "uses")],
)
async def test_a_wrong_wish_is_refused_by_its_field(cast: Cast, wish: dict[str, Any], field: str) -> None:
    refused = await cast.olive.api.put(f"/conversations/{cast.chess}/code", json=wish)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, [field])
    sent = {name: str(value) for name, value in wish.items()}
    page = await cast.olive.browser.post(f"/conversations/{cast.chess}/code?_method=put", data=sent)
    assert page.status_code == 422
    assert f'id="error-{field}"' in page.text


async def test_members_do_not_see_the_link(cast: Cast) -> None:
    code = await make(cast)
    assert code in (await cast.olive.browser.get(f"/conversations/{cast.chess}/settings")).text
    assert code not in (await cast.milo.browser.get(f"/conversations/{cast.chess}/settings")).text


class TestInASchool:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, role_policy="school")

    async def test_the_rules_hold_when_someone_comes_in_not_when_the_link_was_made(self, cast: Cast) -> None:
        code = await make(cast)
        assert await join(cast.oscar, code) == 201
        await database.fetch("UPDATE person SET role = 'student' WHERE id = $1", cast.olive.id)
        assert await join(cast.remy, code) == 404, "no teacher looks after it any more"
        refused = await cast.olive.api.put(f"/conversations/{cast.chess}/code", json={})
        assert refused.status_code == 403
