"""Audits: an administrator exports a conversation of others, which is recorded, and told to its members before."""

import io
import zipfile
from typing import Any

import httpx
import msgspec
import pytest

from app.conversations import history
from app.core import database
from app.core.errors import NotFound
from app.core.i18n import catalogue
from app.exports import keys, making, rooms, source, verify
from app.exports.model import Order
from app.exports.program import order as order_of
from app.messages import lines
from app.notifications import actions as notifications
from tests.conftest import PASSWORD, Actor, Cast, statements_of
from tests.conversations.story import events, make_group
from tests.pages import errors, parsed

TOLD = "%(author)s exported this conversation for an audit: “%(title)s”"
REASON = "A parent complained about bullying."


async def audit(who: Actor, conversation: int, **more: Any) -> httpx.Response:
    wish = {"format": "json", "reason": REASON, "current": PASSWORD, **more}
    return await who.api.post(f"/admin/conversations/{conversation}/audit", json=wish)


async def recorded() -> int:
    return int(await database.fetch_value("SELECT count(*) FROM audit"))


async def order(number: int) -> Order:
    row = await database.fetch_row(
        "SELECT e.*, p.username, p.name FROM export e JOIN person p ON p.id = e.person WHERE e.id = $1", number
    )
    assert row is not None
    return order_of(row)


async def test_the_members_read_who_exported_it_and_why(cast: Cast) -> None:
    answer = await audit(cast.ada, cast.chess)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/exports/{answer.json()['id']}"
    assert (answer.json()["kind"], answer.json()["status"], answer.json()["title"]) == ("audit", "queued", "Chess club")
    names = {"author": "Ada Admin", "title": REASON}
    assert (await events(cast.milo, cast.chess))[-1] == TOLD % names
    assert (await events(cast.mina, cast.chess))[-1] == catalogue("fr").gettext(TOLD) % names
    assert await cast.unread(cast.milo) == 0, "as of all that happens in a group, nobody has to read it"


async def test_it_is_told_in_the_very_transaction_that_asks_for_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the members cannot be told, nothing is exported; and where nothing is asked for, nothing is told."""
    before = await events(cast.milo, cast.chess)

    async def fails(*_args: object, **_more: object) -> int:
        raise NotFound

    with monkeypatch.context() as patched:
        patched.setattr(history, "record", fails)
        assert (await audit(cast.ada, cast.chess)).status_code == 404
    assert (await audit(cast.ada, cast.chess, format="doc")).status_code == 422
    assert await database.fetch_value("SELECT count(*) FROM export") == 0
    assert await recorded() == 0
    assert await events(cast.milo, cast.chess) == before


async def test_an_administrator_lists_who_exported_what_when_and_why(cast: Cast) -> None:
    number = (await audit(cast.ada, cast.chess, **{"from": "2026-01-01"})).json()["id"]
    root = await cast.server.someone("root", "Root", role="admin")
    listed = (await root.api.get("/admin/audits")).json()
    (one,) = listed["audits"]
    assert (one["by"]["username"], one["title"], one["reason"]) == ("ada", "Chess club", REASON)
    assert (one["from"], one["to"], one["format"], one["export_id"]) == ("2026-01-01T00:00:00Z", None, "json", None)
    assert (await cast.ada.api.get("/admin/audits")).json()["audits"][0]["export_id"] == number
    assert (await cast.ada.api.delete(f"/exports/{number}")).status_code == 204
    page = await root.browser.get("/admin/audits")
    assert REASON in parsed(page).get_text(), "it stays when the export is thrown away"


async def test_the_list_is_paged_and_costs_the_same(cast: Cast) -> None:
    async def more(count: int) -> None:
        await database.fetch(
            """
            INSERT INTO audit (person, conversation, title, reason, format)
            SELECT $1, $2, 'Chess club', 'Reason ' || n, 'pdf' FROM generate_series(1, $3) AS n
            """,
            cast.ada.id,
            cast.chess,
            count,
        )

    await more(1)
    few = await statements_of(cast.ada.api.get("/admin/audits"))
    await more(60)
    assert await statements_of(cast.ada.api.get("/admin/audits")) == few
    page = (await cast.ada.api.get("/admin/audits?limit=60")).json()
    assert len(page["audits"]) == 60
    rest = (await cast.ada.api.get(f"/admin/audits?before={page['next']}")).json()
    assert (len(rest["audits"]), rest["next"]) == (1, None)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": " \u200b "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"current": "not the right one"}, "current"),
        ({"current": ""}, "current"),
        ({"format": "doc"}, "format"),
        ({"from": "soon"}, "from"),
    ],
)
async def test_without_reason_or_password_there_is_none(cast: Cast, more: dict[str, str], field: str) -> None:
    answer = await audit(cast.ada, cast.chess, **more)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert await recorded() == 0


async def test_a_refused_form_comes_back_with_what_was_typed_but_the_password(cast: Cast) -> None:
    sent = {"format": "csv", "reason": "A long story", "current": "wrong", "from": "", "to": ""}
    answer = await cast.ada.browser.post(f"/admin/conversations/{cast.chess}/audit", data=sent)
    assert answer.status_code == 422
    page = parsed(answer)
    assert set(errors(page.select_one("form.card"))) == {"current"}  # type: ignore[arg-type]
    assert page.select_one("#field-reason").get_text(strip=True) == "A long story"  # type: ignore[union-attr]
    assert "wrong" not in str(page.select_one("#field-current"))


@pytest.mark.parametrize("who", ["oscar", "olive", "milo"])
async def test_nobody_else_may_nor_learns_that_it_is_there(cast: Cast, who: str) -> None:
    actor: Actor = getattr(cast, who)
    assert (await audit(actor, cast.chess)).status_code == 404
    for path in ("/admin/audits", "/admin/conversations", f"/admin/conversations/{cast.chess}/audit"):
        assert (await actor.api.get(path)).status_code == 404
    assert await recorded() == 0


async def test_no_token_may(cast: Cast) -> None:
    made = await cast.ada.api.post("/me/tokens", json={"name": "All", "scopes": ["read", "write", "admin"]})
    token = cast.server.client(accept="application/json", authorization=f"Bearer {made.json()['token']}")
    wish = {"format": "json", "reason": REASON, "current": PASSWORD}
    assert (await token.post(f"/admin/conversations/{cast.chess}/audit", json=wish)).status_code == 403
    assert (await token.get("/admin/audits")).status_code == 200
    assert await recorded() == 0


async def test_of_conversations_an_administrator_sees_what_they_are_called_and_no_word_of_them(cast: Cast) -> None:
    await cast.say(cast.milo, "the secret of the club")
    direct = (await cast.milo.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.milo, "the secret of two", direct)
    await make_group(cast.olive, cast.oscar, title="Chess for beginners")
    listed = (await cast.ada.api.get("/admin/conversations")).json()
    assert all(set(each) == {"id", "kind", "title", "members"} for each in listed["rooms"])
    assert "secret" not in str(listed)
    found = {each["id"]: each for each in listed["rooms"]}
    assert found[cast.chess] == {"id": cast.chess, "kind": "group", "title": "Chess club", "members": 3}
    assert found[direct] == {"id": direct, "kind": "direct", "title": "Milo Member · Mina Member", "members": 2}

    async def ids(q: str) -> list[int]:
        answer = await cast.ada.api.get("/admin/conversations", params={"q": q})
        return [each["id"] for each in answer.json()["rooms"]]

    assert await ids("CHESS club") == [cast.chess]
    assert await ids("@milo @mina") == [direct, cast.chess]
    assert await ids("chess @mina") == [cast.chess]
    assert await ids("@milo @nobody-there") == []
    assert await ids("%") == []
    assert await ids("a\0b") == []
    page = await cast.ada.browser.get("/admin/conversations", params={"q": "@mina @milo"})
    assert parsed(page).select_one(f"a[href='/admin/conversations/{direct}/audit']") is not None


async def test_finding_costs_the_same_however_many_there_are(cast: Cast) -> None:
    few = await statements_of(cast.ada.api.get("/admin/conversations"))
    for number in range(5):
        await make_group(cast.olive, cast.milo, title=f"Group {number}")
    assert await statements_of(cast.ada.api.get("/admin/conversations")) == few
    page = (await cast.ada.api.get("/admin/conversations?limit=3&q=group")).json()
    assert len(page["rooms"]) == 3
    rest = (await cast.ada.api.get(f"/admin/conversations?q=group&before={page['next']}")).json()
    assert (len(rest["rooms"]), rest["next"]) == (2, None)


async def test_the_program_may_read_what_was_recorded_and_nothing_else(cast: Cast) -> None:
    number = (await audit(cast.ada, cast.chess)).json()["id"]
    asked = await order(number)
    may, kind, title = await rooms.audited(asked)
    assert (may.conversation, may.person, kind, title) == (cast.chess, cast.ada.id, "group", "Chess club")
    assert may.position == await database.fetch_value("SELECT position FROM conversation WHERE id = $1", cast.chess)
    for wrong in ({"conversation": cast.general}, {"id": number + 1}, {"by": msgspec.structs.replace(asked.by, id=1)}):
        with pytest.raises(NotFound):
            await rooms.audited(msgspec.structs.replace(asked, **wrong))
    await database.fetch("UPDATE audit SET export = NULL")
    with pytest.raises(NotFound):
        await rooms.audited(asked)
    assert (await cast.ada.api.get(f"/exports/{number}")).status_code == 404, "what is not recorded is not shown"


async def test_who_is_no_administrator_any_more_gets_nothing_of_it(cast: Cast) -> None:
    number = (await audit(cast.ada, cast.chess)).json()["id"]
    asked = await order(number)
    root = await cast.server.someone("root", "Root", role="admin")
    assert (await root.api.get(f"/exports/{number}")).status_code == 404, "it is Ada's, and not of all administrators"
    assert (await cast.ada.api.get(f"/exports/{number}")).status_code == 200
    assert (await root.api.put("/people/ada/role", json={"role": "teacher"})).status_code == 204
    assert (await cast.ada.api.get(f"/exports/{number}")).status_code == 404
    with pytest.raises(NotFound):
        await rooms.audited(asked)


async def test_who_is_no_administrator_any_more_is_not_told_how_it_was_called(cast: Cast) -> None:
    number = (await audit(cast.ada, cast.chess)).json()["id"]
    root = await cast.server.someone("root", "Root", role="admin")
    await notifications.tell_of_export(cast.ada.id, number, ready=True)
    (told,) = (await cast.ada.api.get("/notifications")).json()["notifications"]
    assert told["text"] == "Chess club"
    assert (await root.api.put("/people/ada/role", json={"role": "teacher"})).status_code == 204
    found = (await cast.ada.api.get("/notifications")).json()
    assert (found["notifications"], found["unread"]) == ([], 0)


async def test_a_block_between_two_hides_nothing_from_an_audit(cast: Cast) -> None:
    direct = (await cast.milo.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.milo, "what it is about", direct)
    assert (await cast.mina.api.put("/people/milo/block")).status_code == 204
    number = (await audit(cast.ada, direct)).json()["id"]
    may, kind, title = await rooms.audited(await order(number))
    assert (may.conversation, kind, title) == (direct, "direct", "Milo Member · Mina Member")


async def test_what_was_deleted_is_not_to_be_had(cast: Cast) -> None:
    number = (await audit(cast.ada, cast.chess)).json()["id"]
    assert (await cast.olive.api.delete(f"/conversations/{cast.chess}")).status_code == 204
    assert (await audit(cast.ada, cast.chess)).status_code == 404
    assert (await cast.ada.api.get(f"/admin/conversations/{cast.chess}/audit")).status_code == 404
    with pytest.raises(NotFound):
        await rooms.audited(await order(number))
    assert len((await cast.ada.api.get("/admin/audits")).json()["audits"]) == 1, "that it was done stays known"


async def test_in_the_export_is_all_that_the_members_see_and_that_it_was_exported(cast: Cast) -> None:
    await cast.say(cast.milo, "move one")
    await cast.say(cast.mina, "move two")
    asked = await order((await audit(cast.ada, cast.chess)).json()["id"])
    async with source.opened(asked, "https://chat.example.org") as read:
        found = [lines.line(row).message async for stretch in read.stretches() for row in stretch]
    page = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    assert [each.body for each in found] == [each["body"] for each in page]
    assert found[-1].event == "audited"
    assert (read.head.title, read.head.kind) == ("Chess club", "group")
    assert {each.username for each in read.head.members} == {"olive", "milo", "mina"}


async def test_from_the_asking_to_a_signed_archive_that_says_that_it_was_an_audit(cast: Cast) -> None:
    direct = (await cast.milo.api.put("/direct/mina")).json()["id"]
    await cast.say(cast.milo, "what it is about", direct)
    number = (await audit(cast.ada, direct, archive=True)).json()["id"]
    await making.make(cast.server.settings, cast.server.app.state.bell, number)
    answer = await cast.ada.api.get(f"/exports/{number}/download")
    assert answer.status_code == 200
    assert (await cast.milo.api.get(f"/exports/{number}/download")).status_code == 404, "members do not get it"
    found = verify.verify(io.BytesIO(answer.content), (await keys.published()).keys)
    assert found.genuine
    assert found.about is not None
    assert (found.about.kind, found.about.asked_by.username) == ("audit", "ada")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "what it is about" in archive.read("conversation.json").decode()


async def test_what_was_not_recorded_is_never_made(cast: Cast) -> None:
    """Whatever writes a row of that kind without an audit: nothing comes of it."""
    number = (await audit(cast.ada, cast.chess)).json()["id"]
    await database.fetch("UPDATE audit SET export = NULL")
    await making.make(cast.server.settings, cast.server.app.state.bell, number)
    row = await database.fetch_row("SELECT status, failure FROM export WHERE id = $1", number)
    assert row is not None
    assert tuple(row) == ("failed", "access")
    assert await database.fetch_value("SELECT count(*) FROM export_part") == 0
