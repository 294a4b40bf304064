"""Deleting one's account: what goes, what stays, and who is told."""

import asyncio
from typing import Any

import httpx
import pytest

from app.accounts import actions
from app.core import database, pictures
from app.live import registry
from app.messages import erasing
from app.people import presence
from tests.conftest import PASSWORD, Actor, Cast, Server
from tests.conversations.story import assert_whole, history
from tests.pages import errors, form, parsed, says, typed
from tests.pictures import picture
from tests.processes import until, working
from tests.streams import following


async def delete(who: Actor, messages: str = "keep", current: str = PASSWORD) -> httpx.Response:
    return await who.api.request("DELETE", "/me", json={"current": current, "messages": messages})


async def everything() -> str:
    """The whole database, as text."""
    found = []
    for table in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        found += [str(row[0]) for row in await database.fetch(f"SELECT t::text FROM {table[0]} t")]
    return "\n".join(found).lower()


async def test_nothing_of_the_person_is_kept(cast: Cast) -> None:
    zoe = await cast.server.someone("zebulon", "Zébulon Xyzzy")
    changes = {"about": "about plugh", "time_zone": "Asia/Tokyo", "language": "fr"}
    assert (await zoe.api.patch("/me", json=changes)).status_code == 200
    await zoe.api.put("/me/avatar", content=picture(), headers={"content-type": "image/png"})
    await zoe.api.get("/contacts/invitation")
    await zoe.api.post("/contacts", json={"username": "milo"})
    await cast.mina.api.post("/contacts", json={"username": "zebulon"})
    await zoe.api.put("/people/oscar/block")
    await actions.make_reset_link(cast.server.settings, "zebulon@example.org")
    await zoe.api.put("/direct/milo")
    answer = await delete(zoe)
    assert answer.status_code == 204
    left = await everything()
    for trace in ("zebulon", "zébulon", "xyzzy", "plugh", "asia/tokyo"):
        assert trace not in left, trace
    for table in ("avatar", "contact", "block", "password_reset"):
        assert await database.fetch_value(f"SELECT count(*) FROM {table}") == 0, table
    assert await database.fetch_value("SELECT count(*) FROM session WHERE person = $1", zoe.id) == 0
    row = await database.fetch_row("SELECT * FROM person WHERE id = $1", zoe.id)
    assert row is not None
    assert (row["name"], row["email"], row["password_hash"], row["contact_code"], row["avatar"]) == (
        "",
        "",
        "",
        None,
        None,
    )


async def test_nobody_comes_in_by_it_any_more_and_nobody_takes_its_username(cast: Cast) -> None:
    await delete(cast.milo)
    program = cast.server.client(accept="application/json")
    assert (await cast.milo.api.get("/me")).status_code == 401
    assert (await program.post("/auth/refresh", json={"refresh_token": cast.milo.refresh})).status_code == 401
    for login in ("milo", "milo@example.org", "", f"deleted~{cast.milo.id}"):
        for password in (PASSWORD, ""):
            answer = await program.post("/auth/login", json={"login": login, "password": password})
            assert answer.status_code == 401, login
    assert await actions.make_reset_link(cast.server.settings, "milo@example.org") is None
    assert await actions.make_reset_link(cast.server.settings, f"deleted~{cast.milo.id}") is None
    new = {"name": "Milo again", "email": "milo@example.org", "password": PASSWORD}
    for username in ("milo", "MILO", "mi1o", f"deleted~{cast.milo.id}"):
        refused = await program.post("/auth/signup", json=new | {"username": username})
        assert (refused.status_code, set(refused.json()["errors"])) == (422, {"username"}), username
        assert (await cast.mina.api.patch("/me", json={"username": username})).status_code == 422
    assert (await program.post("/auth/signup", json=new | {"username": "milo.again"})).status_code == 201


async def test_messages_that_stay_are_of_a_deleted_account_in_each_language(cast: Cast) -> None:
    direct = (await cast.milo.api.put("/direct/olive")).json()["id"]
    await cast.say(cast.milo, "what I said")
    await cast.say(cast.milo, "what I said to you", direct)
    await cast.mina.browser.get(f"/conversations/{cast.chess}")  # so that it was rendered once
    await delete(cast.milo, "keep")
    kept = [m for m in await history(cast.olive, cast.chess) if m["kind"] == "text"]
    assert [m["body"] for m in kept] == ["what I said"]
    assert kept[0]["author"] == {"id": cast.milo.id, "username": f"deleted~{cast.milo.id}", "name": "Deleted account"}
    for who, name in ((cast.olive, "Deleted account"), (cast.mina, "Compte supprimé")):
        page = parsed(await who.browser.get(f"/conversations/{cast.chess}?latest=true"))
        assert [tag.text for tag in page.select("#messages .message-author")] == [name]
        assert any(name in tag.text for tag in page.select("#messages > .message-system .message-body"))
        assert "Milo" not in page.text
    lines = {line["id"]: line["title"] for line in (await cast.olive.api.get("/conversations")).json()["conversations"]}
    assert lines[direct] == "Deleted account"
    assert "what I said to you" in says(await cast.olive.browser.get(f"/conversations/{direct}"))
    assert (await cast.olive.api.get(f"/people/deleted~{cast.milo.id}")).status_code == 404
    assert "deleted" not in (await cast.olive.api.get("/people")).text


async def test_texts_that_go_leave_tombstones_that_open_pages_see(cast: Cast) -> None:
    said = [await cast.say(cast.milo, f"secret xyzzy {n}") for n in range(3)]
    theirs = await cast.say(cast.olive, "mine stays")
    direct = (await cast.milo.api.put("/direct/olive")).json()["id"]
    await cast.say(cast.milo, "secret xyzzy", direct)
    left = (await cast.ada.api.post("/conversations", json={"title": "Left", "members": ["milo"]})).json()["id"]
    await cast.say(cast.milo, "secret xyzzy", left)
    await cast.milo.api.delete(f"/conversations/{left}/members/{cast.milo.id}")
    gone, after = {each["id"] for each in said}, f"{cast.chess}:{theirs['change']}"
    async with following(cast.server, cast.mina, after) as feed, working(cast.server.settings):
        assert (await delete(cast.milo, "delete")).status_code == 204
        await feed.until(lambda f: gone <= {e.json["id"] for e in f.named("message") if e.json["deleted_at"]}, 20)
        await until(_no_secret, "everything is erased")
    assert [m["body"] for m in await history(cast.mina, cast.chess) if m["kind"] == "text"] == [
        "",
        "",
        "",
        "mine stays",
    ]
    await assert_whole(cast.chess)
    assert "xyzzy" not in await everything()
    assert await cast.unread(cast.olive, direct) == 0


async def _no_secret() -> bool:
    return not await database.fetch_value("SELECT EXISTS (SELECT FROM message WHERE body LIKE '%xyzzy%')")


async def test_many_texts_go_in_batches_each_with_a_change_of_its_own(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "BATCH", 4)
    for n in range(11):
        await cast.say(cast.milo, f"hello {n}", (cast.chess, cast.general)[n % 2])
        await cast.say(cast.mina, "and I")
    before = await history(cast.olive, cast.chess)
    await delete(cast.milo, "delete")
    sending = [asyncio.create_task(cast.say(cast.mina, "meanwhile")) for _ in range(10)]
    assert await erasing.erase_texts(cast.milo.id) == 11
    await asyncio.gather(*sending)
    assert await erasing.erase_texts(cast.milo.id) == 0
    after = await history(cast.olive, cast.chess)
    assert [m["id"] for m in after][: len(before)] == [m["id"] for m in before]
    mine = [m for m in after if m["author"]["id"] == cast.milo.id and m["kind"] == "text"]
    assert [m["body"] for m in mine] == [""] * 6
    changes = await database.fetch("SELECT change FROM message WHERE conversation = $1", cast.chess)
    assert len({row["change"] for row in changes}) == len(changes)
    head = await database.fetch_value("SELECT change FROM conversation WHERE id = $1", cast.chess)
    assert max(row["change"] for row in changes) == head


async def test_of_what_the_person_did_the_texts_of_others_stay(cast: Cast) -> None:
    await cast.say(cast.olive, "hello")
    await delete(cast.olive, "delete")
    await erasing.erase_texts(cast.olive.id)
    told = [m["body"] for m in await history(cast.milo, cast.chess) if m["kind"] == "system"]
    assert "Deleted account created the group “Chess club”." in told


async def test_groups_are_handed_over_and_the_last_one_takes_theirs_along(cast: Cast) -> None:
    alone = (await cast.olive.api.post("/conversations", json={"title": "Alone"})).json()["id"]
    async with following(cast.server, cast.milo, f"{cast.chess}:0", json=False) as feed:
        await delete(cast.olive)
        await feed.until(lambda f: any("made Milo Member the owner" in e.data for e in f.named("message")), 15)
        await feed.until(lambda f: any("Deleted account left." in e.data for e in f.named("message")), 15)
        await feed.until(lambda f: any("Olive" not in e.data for e in f.named("conversation-head")), 15)
    view = (await cast.milo.api.get(f"/conversations/{cast.chess}")).json()
    assert (view["role"], view["members"]) == ("owner", 2)
    assert await database.fetch_value("SELECT deleted_at IS NOT NULL FROM conversation WHERE id = $1", alone)
    general = (await cast.milo.api.get(f"/conversations/{cast.general}/members")).json()
    assert cast.olive.id not in {person["id"] for person in general["people"]}
    assert (
        await database.fetch_value(
            "SELECT count(*) FROM membership m JOIN conversation c ON c.id = m.conversation"
            " WHERE m.person = $1 AND c.kind <> 'direct'",
            cast.olive.id,
        )
        == 0
    )


async def test_streams_end_at_once_and_the_others_see_the_new_name_in_their_list(cast: Cast) -> None:
    direct = (await cast.milo.api.put("/direct/olive")).json()["id"]
    await cast.say(cast.milo, "hello", direct)
    async with following(cast.server, cast.milo, json=False) as mine, following(cast.server, cast.olive) as theirs:
        assert (await delete(cast.milo)).status_code == 204
        await mine.until(lambda f: f.ended.is_set(), 10)
        await theirs.until(lambda f: any('"title":"Deleted account"' in e.data for e in f.named("conversation")), 15)


async def test_it_needs_the_password_and_a_choice(cast: Cast) -> None:
    assert set((await delete(cast.milo, current="wrong")).json()["errors"]) == {"current"}
    for choice in ("", "both", "KEEP", "x" * 999, "a\0b"):
        refused = await delete(cast.milo, choice)
        assert (refused.status_code, set(refused.json()["errors"])) == (422, {"messages"}), choice
    for strange in (7, None, ["keep"]):
        body: dict[str, Any] = {"current": PASSWORD, "messages": strange}
        assert (await cast.milo.api.request("DELETE", "/me", json=body)).status_code == 422
    assert (await cast.milo.api.get("/me")).status_code == 200


async def test_a_plain_form_says_what_will_happen_and_chooses_nothing_by_itself(cast: Cast) -> None:
    page = await cast.milo.browser.get("/me/delete")
    box = form(page, "/me?_method=delete")
    assert "Nobody else can take your username." in says(page)
    choices = box.find_all("input", attrs={"type": "radio"})
    assert [(choice["value"], choice.get("checked"), choice.has_attr("required")) for choice in choices] == [
        ("keep", None, True),
        ("delete", None, True),
    ]
    refused = await cast.milo.browser.post("/me?_method=delete", data={"messages": "delete", "current": "wrong one"})
    again = form(refused, "/me?_method=delete")
    assert (refused.status_code, set(errors(again))) == (422, {"current"})
    kept = [
        choice["value"] for choice in again.find_all("input", attrs={"type": "radio"}) if choice.has_attr("checked")
    ]
    assert kept == ["delete"]
    assert typed(again)["current"] == ""
    done = await cast.milo.browser.post("/me?_method=delete", data={"messages": "keep", "current": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/auth/login")
    assert done.headers["clear-site-data"] == '"cache"'
    cookies = done.headers.get_list("set-cookie")
    assert [line[:7] for line in cookies if line.startswith(("access=", "refresh")) and "Max-Age=0" in line] == [
        "access=",
        "refresh",
    ]


async def test_the_only_administrator_stays_while_there_are_others(server: Server) -> None:
    ada, milo = await server.someone("ada", role="admin"), await server.someone("milo")
    refused = await delete(ada)
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"current"})
    assert (await delete(milo)).status_code == 204
    assert (await delete(ada)).status_code == 204
    new = {"username": "first", "name": "First", "email": "first@example.org", "password": PASSWORD}
    told = await server.client(accept="application/json").post("/auth/signup", json=new)
    assert told.json()["person"]["role"] == "admin", "whoever comes then is the first again"


async def test_of_administrators_who_leave_at_once_one_stays(server: Server) -> None:
    await server.someone("milo")
    admins = [await server.someone(name, role="admin") for name in ("ada", "adele", "agnes")]
    ways = [delete(admins[0]), delete(admins[1]), admins[2].api.post("/me/deactivate", json={"current": PASSWORD})]
    assert sorted(answer.status_code for answer in await asyncio.gather(*ways)) == [204, 204, 422]


async def test_all_members_of_a_group_may_leave_at_the_same_moment_while_they_write(cast: Cast) -> None:
    people = [await cast.server.someone(f"guest{n}") for n in range(6)]
    groups = []
    for n in range(4):
        names = [person.username for person in people if person is not people[n]]
        made = await people[n].api.post("/conversations", json={"title": f"Group {n}", "members": names})
        groups.append(made.json()["id"])
    for person in people:
        await person.api.get("/conversations/general")

    async def write(who: Actor) -> None:
        for n in range(12):
            answer = await who.api.post(f"/conversations/{(*groups, cast.general)[n % 5]}/messages", json={"body": "x"})
            assert answer.status_code in (201, 401, 403, 404), answer.text

    writing = [asyncio.create_task(write(person)) for person in people]
    leaving = [delete(person, ("keep", "delete")[n % 2]) for n, person in enumerate(people)]
    answers = await asyncio.gather(*leaving)
    await asyncio.gather(*writing)
    assert [answer.status_code for answer in answers] == [204] * 6
    alive = await database.fetch_value(
        "SELECT count(*) FROM conversation WHERE id = ANY($1) AND deleted_at IS NULL", groups
    )
    assert alive == 0


async def test_who_blocked_them_goes_on_not_seeing_them_and_may_take_it_back(cast: Cast) -> None:
    direct = (await cast.milo.api.put("/direct/olive")).json()["id"]
    other = (await cast.milo.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.milo, "hello", direct)
    await cast.say(cast.milo, "hello", other)
    await cast.olive.api.put("/people/milo/block")
    await cast.milo.api.put("/people/mina/block")
    await delete(cast.milo)
    assert (await cast.olive.api.get(f"/conversations/{direct}")).status_code == 404
    assert (await cast.mina.api.get(f"/conversations/{other}")).status_code == 200
    (blocked,) = (await cast.olive.api.get("/me/blocks")).json()["people"]
    assert blocked["name"] == "Deleted account"
    assert (await cast.olive.api.delete(f"/people/{blocked['username']}/block")).status_code == 204
    assert (await cast.olive.api.get(f"/conversations/{direct}")).status_code == 200


async def test_what_they_asked_the_staff_loses_its_title_and_is_opened_by_nobody_else(cast: Cast) -> None:
    asked = {"kind": "support", "title": "secret xyzzy", "body": "secret xyzzy"}
    thread = (await cast.milo.api.post("/conversations", json=asked)).json()["id"]
    await cast.ada.api.put(f"/conversations/{thread}/assignee", json={})
    place = (await cast.ada.api.get(f"/conversations/{thread}")).json()["change"]
    async with following(cast.server, cast.ada, f"{thread}:{place}") as feed, working(cast.server.settings):
        assert (await delete(cast.milo, "delete")).status_code == 204
        await feed.until(lambda f: any(e.json["event"] == "asked" for e in f.named("message")), 20)
        await until(_no_secret, "everything is erased")
    await assert_whole(thread)
    assert "xyzzy" not in await everything()
    page = await cast.ada.browser.get(f"/conversations/{thread}")
    assert "Deleted account asked the staff." in says(page)
    assert str(parsed(page).select_one("#conversation-title bdi")) == "<bdi>Support request</bdi>"
    teacher = await cast.server.someone("theo", role="teacher")
    assert (await teacher.api.get(f"/conversations/{thread}")).status_code == 404


async def test_nothing_that_was_under_way_comes_back(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    really = pictures.thumbnail

    async def meanwhile_deleted(data: bytes) -> bytes:
        made = await really(data)
        assert (await delete(cast.milo)).status_code == 204
        return made

    monkeypatch.setattr(pictures, "thumbnail", meanwhile_deleted)
    late = await cast.milo.api.put("/me/avatar", content=picture(), headers={"content-type": "image/png"})
    assert late.status_code == 404
    await registry.write_activity({cast.milo.id: presence.now()})
    await registry.here_by_pages(cast.milo.id)
    for table in ("avatar", "presence"):
        assert await database.fetch_value(f"SELECT count(*) FROM {table} WHERE person = $1", cast.milo.id) == 0
