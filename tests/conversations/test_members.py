"""Who is in a conversation."""

from typing import Any

from tests.conftest import Actor, Cast
from tests.conversations.story import direct, make_group


async def paged(who: Actor, conversation: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {}
    while True:
        page = (await who.api.get(f"/conversations/{conversation}/members", params=params)).json()
        found += page["people"]
        if page["next"] is None:
            return found
        params = {"after": page["next"]}


async def test_they_are_listed_by_name_whatever_its_case_and_accents(cast: Cast) -> None:
    people = [await cast.server.someone(f"user{n}", name) for n, name in enumerate(["Zoé", "élise", "Eva", "Émile"])]
    group = await make_group(cast.olive, *people)
    names = [person["name"] for person in await paged(cast.olive, group)]
    assert names == ["élise", "Émile", "Eva", "Olive Owner", "Zoé"]


async def test_paging_gives_each_once_also_when_many_have_the_same_name(cast: Cast) -> None:
    people = [await cast.server.someone(f"pupil{n}", "Marie Martin") for n in range(60)]
    group = await make_group(cast.olive, *people)
    found = await paged(cast.olive, group)
    assert len(found) == 61
    assert {person["username"] for person in found} == {"olive", *(person.username for person in people)}


async def test_the_owner_is_marked_and_nobody_in_the_general_room_or_a_direct_conversation(cast: Cast) -> None:
    owners = [p["username"] for p in await paged(cast.milo, cast.chess) if p["owner"]]
    assert owners == ["olive"]
    for conversation in (cast.general, await direct(cast.milo, cast.mina)):
        assert not [p for p in await paged(cast.milo, conversation) if p["owner"]]


async def test_a_member_carries_no_address(cast: Cast) -> None:
    person = (await paged(cast.milo, cast.chess))[0]
    assert person.keys() == {"id", "username", "name", "role", "owner", "joined_at"}


async def test_a_cursor_that_is_none_is_no_fault_of_ours(cast: Cast) -> None:
    for after in ("x", "~", "\0~1", f"a~{2**70}", "a~١", "a~²", "\ud800".encode("utf-8", "surrogatepass")):
        answer = await cast.milo.api.get(f"/conversations/{cast.chess}/members", params={"after": after})
        assert answer.status_code in (200, 400), after


async def test_only_members_see_them(cast: Cast) -> None:
    for who in (cast.oscar, cast.remy, cast.ada):
        assert (await who.api.get(f"/conversations/{cast.chess}/members")).status_code == 404
    assert (await cast.nobody.api.get(f"/conversations/{cast.chess}/members")).status_code == 401
