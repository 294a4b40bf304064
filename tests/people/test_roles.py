"""Roles: given by administrators, to others and by nobody to themselves."""

import asyncio

from app.core import database
from tests.conftest import Actor, Cast
from tests.streams import following


async def role_of(cast: Cast, who: Actor) -> str:
    role: str = (await cast.ada.api.get(f"/people/{who.username}")).json()["role"]
    return role


async def give(giver: Actor, who: Actor, role: object) -> int:
    return (await giver.api.put(f"/people/{who.username}/role", json={"role": role})).status_code


async def test_an_administrator_gives_roles_and_they_hold_from_the_next_request_on(cast: Cast) -> None:
    assert await role_of(cast, cast.milo) == "student"
    assert await give(cast.ada, cast.milo, "admin") == 204
    assert await role_of(cast, cast.milo) == "admin"
    assert await give(cast.milo, cast.mina, "teacher") == 204, "the new administrator may at once"
    assert await give(cast.ada, cast.milo, "parent") == 204
    assert await give(cast.milo, cast.mina, "student") == 403, "and the former one may not"
    assert await role_of(cast, cast.mina) == "teacher"


async def test_nobody_else_gives_roles_least_of_all_to_themselves(cast: Cast) -> None:
    for someone in (cast.olive, cast.milo):
        for other in (someone, cast.mina, cast.ada):
            assert await give(someone, other, "admin") == 403
    assert (await cast.milo.api.patch("/me", json={"role": "admin"})).status_code in (200, 400, 422)
    assert await role_of(cast, cast.milo) == "student"


async def test_a_role_that_does_not_exist_is_refused_and_so_is_a_person_who_does_not(cast: Cast) -> None:
    for wrong in ("", "headmaster", "ADMIN", None, 7):
        assert await give(cast.ada, cast.milo, wrong) in (400, 422), wrong
    assert (await cast.ada.api.put("/people/nobody-here/role", json={"role": "admin"})).status_code == 404
    assert await role_of(cast, cast.milo) == "student"


async def test_there_is_always_an_administrator_even_when_two_step_down_at_once(cast: Cast) -> None:
    assert await give(cast.ada, cast.ada, "teacher") == 422
    assert await give(cast.ada, cast.milo, "admin") == 204
    answers = await asyncio.gather(give(cast.ada, cast.ada, "teacher"), give(cast.milo, cast.milo, "teacher"))
    assert sorted(answers) == [204, 422]
    assert await database.fetch_value("SELECT count(*) FROM person WHERE role = 'admin'") == 1


async def test_by_plain_forms_on_the_person_s_page(cast: Cast) -> None:
    page = await cast.ada.browser.get("/people/milo")
    assert 'action="/people/milo/role?_method=put"' in page.text
    done = await cast.ada.browser.post("/people/milo/role?_method=put", data={"role": "teacher"})
    assert (done.status_code, done.headers["location"]) == (303, "/people/milo")
    assert "Teacher" in (await cast.olive.browser.get("/people/milo")).text
    assert "/role" not in (await cast.olive.browser.get("/people/milo")).text, "others are not offered it"


async def test_open_pages_of_whoever_has_another_role_are_loaded_anew(cast: Cast) -> None:
    async with following(cast.server, cast.milo, json=False) as feed:
        await feed.until(lambda f: bool(f.named("sidebar")))
        await give(cast.ada, cast.milo, "teacher")
        await feed.until(lambda f: bool(f.named("reset")))


async def test_the_form_leads_to_whoever_it_is_of_whatever_they_are_called(cast: Cast) -> None:
    await cast.server.someone("roleplay", "Rolf Play")
    assert 'action="/people/roleplay/role?_method=put"' in (await cast.ada.browser.get("/people/roleplay")).text
    refused = await cast.ada.browser.post("/people/roleplay/role?_method=put", data={"role": "headmaster"})
    assert refused.status_code == 422
    assert 'action="/people/roleplay/role?_method=put"' in refused.text
    assert 'href="/people/roleplay"' in refused.text
