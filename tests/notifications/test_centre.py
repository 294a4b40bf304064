"""The centre: what one was told of, read and unread, page by page; what leads where."""

import pytest
from bs4 import BeautifulSoup

from app.core import database
from app.notifications import choices, queries
from app.notifications.views import SettingsView
from tests.conftest import Actor, Cast, statements_of
from tests.messages.test_plans import plan
from tests.notifications.conftest import Read
from tests.pages import errors, form, parsed, typed


async def direct(one: Actor, other: Actor) -> int:
    return int((await one.api.put(f"/direct/{other.username}")).json()["id"])


async def numbers(who: Actor) -> list[int]:
    return [each["id"] for each in (await who.api.get("/notifications")).json()["notifications"]]


async def test_a_click_leads_to_the_very_message_and_has_read_it(cast: Cast, read: Read) -> None:
    said = await cast.say(cast.milo, "@mina hello")
    await read()
    page = parsed(await cast.mina.browser.get("/notifications"))
    link = page.select_one(".notification-unread a.notification-main")
    assert link is not None
    answer = await cast.mina.browser.get(str(link["href"]))
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/messages/{said['id']}"
    assert parsed(await cast.mina.browser.get("/notifications")).select(".notification-unread") == []


async def test_a_foreign_page_reads_nothing_for_them(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina hello")
    await read()
    (number,) = await numbers(cast.mina)
    await cast.mina.browser.get(f"/notifications/{number}", headers={"sec-fetch-site": "cross-site"})
    assert (await cast.mina.api.get("/notifications")).json()["unread"] == 1


async def test_an_invitation_leads_into_the_group_and_a_request_to_the_contacts(cast: Cast, read: Read) -> None:
    made = await cast.olive.api.post("/conversations", json={"kind": "group", "title": "Trip", "members": ["mina"]})
    await read()
    (invitation,) = await numbers(cast.mina)
    answer = await cast.mina.browser.get(f"/notifications/{invitation}")
    assert answer.headers["location"] == f"/conversations/{made.json()['id']}"


async def test_the_badge_counts_what_is_unread_on_every_page(cast: Cast, read: Read) -> None:
    def badge(html: str) -> str:
        found = BeautifulSoup(html, "html5lib").select_one("#notifications-badge")
        assert found is not None
        return "" if found.has_attr("hidden") else found.get_text(" ", strip=True)

    assert badge((await cast.mina.browser.get("/people")).text) == ""
    await cast.say(cast.milo, "@mina hello")
    await cast.say(cast.milo, "hello", await direct(cast.milo, cast.mina))
    await read()
    assert badge((await cast.mina.browser.get("/people")).text).startswith("2")


async def test_one_or_all_are_marked_read_and_deleted(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina hello")
    await cast.say(cast.milo, "hello", await direct(cast.milo, cast.mina))
    await read()
    first, second = await numbers(cast.mina)
    assert (await cast.mina.api.put(f"/notifications/{first}/read")).status_code == 204
    assert (await cast.mina.api.get("/notifications")).json()["unread"] == 1
    assert (await cast.mina.api.delete("/notifications")).status_code == 204
    assert await numbers(cast.mina) == [second]
    await cast.mina.api.put("/notifications/read")
    assert (await cast.mina.api.get("/notifications")).json()["unread"] == 0
    await cast.mina.api.delete(f"/notifications/{second}")
    assert await numbers(cast.mina) == []


async def test_what_was_marked_read_is_neither_mailed_nor_pushed(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina hello")
    await read()
    await cast.mina.api.put("/notifications/read")
    row = await database.fetch_row("SELECT mail_at, push_at FROM notification WHERE person = $1", cast.mina.id)
    assert row is not None
    assert tuple(row) == (None, None)


async def test_nobody_touches_what_another_was_told(cast: Cast, read: Read) -> None:
    await cast.say(cast.milo, "@mina hello")
    await read()
    (number,) = await numbers(cast.mina)
    for answer in (
        await cast.milo.api.get(f"/notifications/{number}"),
        await cast.milo.api.put(f"/notifications/{number}/read"),
        await cast.milo.api.delete(f"/notifications/{number}"),
    ):
        assert answer.status_code == 404
    await cast.milo.api.put("/notifications/read")
    await cast.milo.api.delete("/notifications")
    assert (await cast.mina.api.get("/notifications")).json()["unread"] == 1


async def test_pages_follow_each_other_without_gap_or_repeat_at_a_constant_cost(cast: Cast) -> None:
    await database.fetch(
        """
        INSERT INTO notification (person, kind, actor, in_app, read_at, updated_at)
        SELECT $1, 'contact_accepted', $2, true, now(), now() - (n / 3) * interval '1 minute'
        FROM generate_series(1, 70) n
        """,
        cast.mina.id,
        cast.milo.id,
    )
    seen: list[int] = []
    before: str | None = ""
    while before is not None:
        found = (await cast.mina.api.get("/notifications", params={"before": before, "limit": 30})).json()
        seen += [each["id"] for each in found["notifications"]]
        before = found["next"]
    assert len(seen) == len(set(seen)) == 70
    one = await statements_of(cast.mina.api.get("/notifications?limit=1"))
    assert await statements_of(cast.mina.api.get("/notifications?limit=70")) == one


@pytest.mark.parametrize("before", ["x", "2020-01-01~1", "2020-01-01T00:00:00+00:00~x", "~", "\x00", f"x~{2**70}"])
async def test_a_place_that_is_none_is_refused(cast: Cast, before: str) -> None:
    assert (await cast.mina.api.get("/notifications", params={"before": before})).status_code == 400


async def test_who_is_asked_to_be_a_contact_is_told_and_who_asked_of_the_answer(cast: Cast) -> None:
    from app.notifications import actions

    asked = (await cast.milo.api.post("/contacts", json={"username": "mina"})).json()
    jobs = [row["entrypoint"] for row in await database.fetch("SELECT entrypoint FROM pgqueuer ORDER BY id")]
    assert jobs == ["ContactRequested"]
    for _ in range(2):  # a job may run twice
        await actions.tell(cast.mina.id, "contact_request", cast.milo.id)
    (told,) = (await cast.mina.api.get("/notifications")).json()["notifications"]
    assert (told["kind"], told["person"]["username"]) == ("contact_request", "milo")
    answer = await cast.mina.browser.get(f"/notifications/{told['id']}")
    assert answer.headers["location"] == "/contacts"
    await cast.mina.api.put(f"/contacts/{asked['id']}/accept")
    assert await numbers(cast.mina) == [], "it is answered"
    jobs = [row["entrypoint"] for row in await database.fetch("SELECT entrypoint FROM pgqueuer ORDER BY id")]
    assert jobs == ["ContactRequested", "ContactAccepted"]
    await actions.tell(cast.milo.id, "contact_accepted", cast.mina.id)
    assert [each["kind"] for each in (await cast.milo.api.get("/notifications")).json()["notifications"]] == [
        "contact_accepted"
    ]


async def test_a_request_that_was_declined_or_taken_back_tells_nothing(cast: Cast) -> None:
    from app.notifications import actions

    asked = (await cast.milo.api.post("/contacts", json={"username": "mina"})).json()
    await actions.tell(cast.mina.id, "contact_request", cast.milo.id)
    await cast.mina.api.delete(f"/contacts/{asked['id']}")
    assert await numbers(cast.mina) == []


async def test_what_is_old_goes(cast: Cast, read: Read) -> None:
    from app.notifications import actions

    await cast.say(cast.milo, "@mina hello")
    await read()
    await actions.sweep()
    assert len(await numbers(cast.mina)) == 1
    await database.fetch("UPDATE notification SET updated_at = now() - interval '91 days'")
    await actions.sweep()
    assert await database.fetch_value("SELECT count(*) FROM notification") == 0


async def test_a_refused_choice_names_its_field_and_keeps_what_was_typed(cast: Cast) -> None:
    answer = await cast.mina.browser.post(
        "/me/notification-settings?_method=put", data={"mail": "often", "quiet_from": "22:00", "weekly": "true"}
    )
    assert answer.status_code == 422
    refused = form(answer, "/me/notification-settings?_method=put")
    assert [str(each["id"]) for each in refused.select(".error")] == ["error-mail", "error-quiet_to"]
    assert typed(refused)["quiet_from"] == "22:00"
    assert [each["value"] for each in refused.select("[name=weekly][checked]")] == ["true"]


async def test_what_is_chosen_is_shown_again_and_what_is_not_given_stays(cast: Cast) -> None:
    chosen = {"mail": "everything", "push_shows": "name", "weekly": True, "quiet_from": "22:00", "quiet_to": "07:30"}
    await cast.mina.api.put("/me/notification-settings", json=chosen)
    assert (await cast.mina.api.put("/me/notification-settings", json={"app": "mentions"})).json() == {
        "app": "mentions",
        "mail": "everything",
        "push": "everything",
        "push_shows": "name",
        "weekly": True,
        "quiet_from": "22:00:00",
        "quiet_to": "07:30:00",
        "mail_refused_at": None,
    }
    shown = form(await cast.mina.browser.get("/me/notification-settings"), "/me/notification-settings?_method=put")
    assert typed(shown)["quiet_from"] == "22:00"
    checked = [(each["name"], each["value"]) for each in shown.select("[checked]")]
    assert checked == [
        ("app", "mentions"), ("mail", "everything"), ("push", "everything"), ("push_shows", "name"), ("weekly", "true"),
    ]  # fmt: skip
    await cast.mina.browser.post("/me/notification-settings?_method=put", data={"quiet_from": "", "quiet_to": ""})
    assert (await cast.mina.api.get("/me/notification-settings")).json()["quiet_from"] is None


async def test_the_level_of_a_conversation_is_ones_own_and_goes_back_to_what_is_usual(cast: Cast) -> None:
    where = f"/conversations/{cast.chess}/level"
    assert (await cast.mina.api.put(where, json={"level": "everything"})).json()["level"] == "everything"
    assert (await cast.milo.api.get(f"/conversations/{cast.chess}")).json()["level"] is None
    settings = await cast.mina.browser.get(f"/conversations/{cast.chess}/settings")
    assert typed(form(settings, f"{where}?_method=put"))["level"] == "everything"
    refused = await cast.mina.browser.post(f"{where}?_method=put", data={"level": "some"})
    assert refused.status_code == 422
    assert "level" in errors(parsed(refused))
    assert (await cast.mina.api.delete(where)).json()["level"] is None


async def test_what_is_asked_again_is_told_again(cast: Cast) -> None:
    from app.notifications import actions

    for _ in range(2):
        asked = (await cast.milo.api.post("/contacts", json={"username": "mina"})).json()
        for told in (True, False):  # a job may run twice
            assert (await actions.tell(cast.mina.id, "contact_request", cast.milo.id) is not None) == told
        assert len(await numbers(cast.mina)) == 1
        await cast.milo.api.delete(f"/contacts/{asked['id']}")
        assert await numbers(cast.mina) == []


async def test_all_are_marked_read_also_what_is_pushed_alone(cast: Cast, read: Read) -> None:
    await cast.mina.api.put("/me/notification-settings", json={"app": "nothing"})
    await cast.say(cast.milo, "@mina hello")
    await read()
    await cast.mina.api.put("/notifications/read")
    row = await database.fetch_row("SELECT push_at, read_at FROM notification WHERE person = $1", cast.mina.id)
    assert row is not None
    assert row["push_at"] is None
    assert row["read_at"] is not None


async def test_where_the_first_message_is_gone_it_leads_to_the_latest(cast: Cast, read: Read) -> None:
    first = await cast.say(cast.milo, "@mina one")
    latest = await cast.say(cast.milo, "@mina two")
    await read()
    await database.fetch("UPDATE conversation SET kept_after = $2 WHERE id = $1", cast.chess, first["position"])
    (one,) = (await cast.mina.api.get("/notifications")).json()["notifications"]
    assert one["message_id"] == latest["id"]
    assert (await cast.mina.api.get(f"/messages/{one['message_id']}")).status_code == 200


async def test_what_was_not_given_stays_as_it_is_at_this_moment(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link in a mail turns mail off between the look at the settings and the change of another."""
    of = choices.of

    async def and_meanwhile(person: int) -> SettingsView:
        found = await of(person)
        await database.fetch("UPDATE notification_settings SET mail = 'nothing' WHERE person = $1", person)
        return found

    await cast.mina.api.put("/me/notification-settings", json={"mail": "everything"})
    monkeypatch.setattr(choices, "of", and_meanwhile)
    answer = await cast.mina.api.put("/me/notification-settings", json={"push": "mentions"})
    assert (answer.json()["mail"], answer.json()["push"]) == ("nothing", "mentions")
    assert (await of(cast.mina.id)).mail == "nothing"


async def test_a_token_that_reads_settings_is_shown_no_devices(cast: Cast) -> None:
    made = await cast.mina.api.post("/me/tokens", json={"name": "Script", "scopes": ["read"]})
    token = made.json()["token"]
    client = cast.server.client(accept="text/html", authorization=f"Bearer {token}")
    page = await client.get("/me/notification-settings")
    assert page.status_code == 200
    assert "data-key" not in page.text
    assert "data-key" in (await cast.mina.browser.get("/me/notification-settings")).text


async def test_what_was_read_in_its_conversation_costs_the_count_no_look_at_messages(cast: Cast, read: Read) -> None:
    for number in range(12):
        made = await cast.olive.api.post("/conversations", json={"title": f"Group {number}", "members": ["mina"]})
        said = await cast.say(cast.olive, "@mina hello", made.json()["id"])
        await read()
        await cast.mina.api.put(f"/conversations/{made.json()['id']}/read", json={"position": said["position"]})
    await cast.say(cast.olive, "@mina hello")
    await read()
    await database.fetch("DELETE FROM notification WHERE kind = 'invitation'")
    nodes = await plan(queries.COUNT, cast.mina.id)
    looks = [node["Actual Loops"] for node in nodes if node.get("Relation Name") == "message"]
    assert await database.fetch_value("SELECT count(*) FROM notification WHERE read_at IS NULL") == 13
    assert await queries.unread_of(cast.mina.id) == 1
    assert max(looks) == 1
