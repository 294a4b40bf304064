"""Being told that an export is ready: once, by one's channels, and no longer than there is one."""

from app.core import database
from app.exports import making
from app.notifications import actions
from tests.conftest import Cast
from tests.exports.shelf import asked, ready, tell_how_they_ended
from tests.notifications.conftest import Post, Read, part
from tests.pages import says
from tests.streams import following


async def test_whoever_asked_is_told_and_led_to_it(cast: Cast) -> None:
    export = await ready(cast.milo, cast.chess, b"data")
    async with following(cast.server, cast.milo) as feed:
        await tell_how_they_ended(cast)
        await feed.until(lambda f: any(e.json["notification"] for e in f.named("notification")))
        assert feed.named("notification")[-1].json["notification"]["kind"] == "export"
    (told,) = (await cast.milo.api.get("/notifications")).json()["notifications"]
    assert (told["title"], told["export_id"], told["read"]) == ("Your export is ready", export, False)
    assert "Your export is ready" in says(await cast.milo.browser.get("/notifications"))
    led = await cast.milo.browser.get(told["url"])
    assert (led.status_code, led.headers["location"]) == (303, f"/exports/{export}")
    assert (await cast.milo.api.get("/notifications")).json()["unread"] == 0


async def test_never_twice_also_when_it_was_read_or_there_are_several(cast: Cast) -> None:
    exports = [await ready(cast.milo, cast.chess, b"data") for _time in range(2)]
    for _time in range(2):
        for export in exports:
            await actions.tell_of_export(cast.milo.id, export, ready=True)
        await cast.milo.api.put("/notifications/read")
    told = (await cast.milo.api.get("/notifications")).json()
    assert sorted(each["export_id"] for each in told["notifications"]) == exports
    assert told["unread"] == 0


async def test_what_failed_is_told_too_and_told_anew_when_it_was_made_after_all(cast: Cast) -> None:
    export = await asked(cast.milo, cast.chess)
    await making.fail(export, None, "fault")
    await tell_how_they_ended(cast)
    (told,) = (await cast.milo.api.get("/notifications")).json()["notifications"]
    assert (told["kind"], told["title"]) == ("export_failed", "Your export failed")
    await cast.milo.api.put("/notifications/read")
    await actions.tell_of_export(cast.milo.id, export, ready=True)
    (told,) = (await cast.milo.api.get("/notifications")).json()["notifications"]
    assert (told["kind"], told["read"]) == ("export", False)


async def test_it_goes_with_the_export_and_is_not_shown_to_who_may_not_see_that(cast: Cast) -> None:
    deleted, left = [await ready(cast.milo, cast.chess, b"data") for _time in range(2)]
    await tell_how_they_ended(cast)
    assert (await cast.milo.api.get("/notifications")).json()["unread"] == 2
    await cast.milo.api.delete(f"/exports/{deleted}")
    assert await actions.tell_of_export(cast.milo.id, deleted, ready=True) is None
    told = (await cast.milo.api.get("/notifications")).json()
    assert [each["export_id"] for each in told["notifications"]] == [left]
    await cast.olive.api.delete(f"/conversations/{cast.chess}/members/{cast.milo.id}")
    told = (await cast.milo.api.get("/notifications")).json()
    assert (told["notifications"], told["unread"]) == ([], 0)


async def test_by_mail_it_leads_to_the_page_of_the_export(cast: Cast, post: Post, read: Read) -> None:
    export = await ready(cast.mina, None, b"data")
    await tell_how_they_ended(cast)
    await post.deliver()
    (mail,) = post.to(cast.mina)
    assert f"{cast.server.settings.base_url}/exports/{export}" in part(mail, "plain")
    another = await ready(cast.mina, cast.chess, b"data")
    third = await ready(cast.mina, cast.chess, b"data")
    await tell_how_they_ended(cast)
    await post.deliver()
    mail = post.to(cast.mina)[1]
    for each in (another, third):
        assert f"/exports/{each}" in part(mail, "html")


async def test_who_wants_to_hear_of_nothing_hears_nothing_of_it(cast: Cast) -> None:
    await cast.milo.api.put(
        "/me/notification-settings", json={"app": "nothing", "mail": "nothing", "push": "nothing", "push_shows": "text"}
    )
    await ready(cast.milo, cast.chess, b"data")
    await tell_how_they_ended(cast)
    assert await database.fetch_value("SELECT count(*) FROM notification WHERE export IS NOT NULL") == 0
