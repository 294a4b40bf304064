"""What the worker does, as an administrator sees it; for anybody else there is nothing."""

import uuid
from datetime import UTC, datetime, timedelta

import httpx

from app.core import database, jobs, workers
from app.people.events import ContactAskedByAddress
from tests.admin.story import dead_letter
from tests.conftest import Cast, statements_of
from tests.pages import parsed

PATH = "/admin/jobs"


async def test_what_was_given_up_is_told_without_the_address_that_it_is_about(cast: Cast) -> None:
    await dead_letter("ContactAskedByAddress", f'{{"asker": {cast.milo.id}, "address": "zoe@example.org"}}')
    answer = await cast.ada.api.get(PATH)
    (letter,) = answer.json()["letters"]
    assert letter["about"] == {"asker": cast.milo.id}
    assert (letter["job"], letter["error"], letter["tries"]) == ("ContactAskedByAddress", "SMTPConnectError", 6)
    page = await cast.ada.browser.get(PATH)
    assert "Send a contact request to an email address" in page.text
    for said in (answer.text, page.text):
        assert "zoe@" not in said


async def test_it_tells_what_waits_since_when_and_what_is_for_later(cast: Cast) -> None:
    for number in range(4):
        await jobs.defer(ContactAskedByAddress(cast.milo.id, f"{number}@example.org"))
    first, _second, later, picked = [row["id"] for row in await database.fetch("SELECT id FROM pgqueuer ORDER BY id")]
    await database.fetch(
        """
        UPDATE pgqueuer SET created = now() - interval '2 hours', execute_after = now() - interval '1 hour'
        WHERE id = $1
        """,
        first,
    )
    await database.fetch("UPDATE pgqueuer SET execute_after = now() + interval '1 hour' WHERE id = $1", later)
    await database.fetch("UPDATE pgqueuer SET status = 'picked' WHERE id = $1", picked)
    found = (await cast.ada.api.get(PATH)).json()
    assert (found["waiting"], found["in_work"], found["later"]) == (2, 1, 1)
    waited = datetime.now(UTC) - datetime.fromisoformat(found["waiting_since"])
    assert waited > timedelta(minutes=1)


async def test_it_tells_when_a_worker_was_last_alive(cast: Cast) -> None:
    await database.fetch("DELETE FROM worker_process")
    assert "No worker has run yet" in words(await cast.ada.browser.get(PATH))
    found = (await cast.ada.api.get(PATH)).json()
    assert (found["worker_seen_at"], found["worker_lives"]) == (None, False)
    me = uuid.uuid4()
    await workers.say_alive(me)
    assert (await cast.ada.api.get(PATH)).json()["worker_lives"] is True
    assert (await cast.nobody.api.get("/health")).json()["worker"] == "ok"
    await database.fetch("UPDATE worker_process SET seen_at = now() - interval '5 minutes'")
    assert (await cast.ada.api.get(PATH)).json()["worker_lives"] is False
    health = await cast.nobody.api.get("/health")
    assert health.json()["worker"] == "missing"
    assert (health.status_code, health.json()["status"]) == (200, "ok"), "this process serves all the same"
    await workers.say_alive(me)
    assert (await cast.ada.api.get(PATH)).json()["worker_lives"] is True


async def test_one_is_tried_again_as_it_was(cast: Cast) -> None:
    kept, tried = await dead_letter(), await dead_letter(event='{"email": "yes@example.org"}')
    assert (await cast.ada.api.post(f"{PATH}/{tried}/tries")).status_code == 204
    assert await left() == [kept]
    (job,) = await database.fetch("SELECT entrypoint, convert_from(payload, 'UTF8') AS payload, attempts FROM pgqueuer")
    assert tuple(job) == ("PasswordResetAsked", '{"key": "k", "event": {"email": "yes@example.org"}}', 0)
    assert (await cast.ada.api.post(f"{PATH}/{tried}/tries")).status_code == 404
    assert await database.fetch_value("SELECT count(*) FROM pgqueuer") == 1


async def test_all_are_tried_again_with_the_same_statements_however_many(cast: Cast) -> None:
    for _ in range(3):
        await dead_letter()
    assert (await cast.ada.api.post(f"{PATH}/tries")).status_code == 204
    assert await left() == []
    assert await database.fetch_value("SELECT count(*) FROM pgqueuer") == 3
    assert (await cast.ada.api.post(f"{PATH}/tries")).status_code == 204, "with nothing to do too"


async def test_one_is_dropped(cast: Cast) -> None:
    kept, dropped = await dead_letter(), await dead_letter()
    assert (await cast.ada.api.delete(f"{PATH}/{dropped}")).status_code == 204
    assert await left() == [kept]
    assert await database.fetch_value("SELECT count(*) FROM pgqueuer") == 0
    assert (await cast.ada.api.delete(f"{PATH}/{dropped}")).status_code == 404


async def test_by_plain_forms(cast: Cast) -> None:
    one, two = await dead_letter(), await dead_letter()
    answer = await cast.ada.browser.post(f"{PATH}/{one}/tries")
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert "It will be retried." in words(await cast.ada.browser.get(PATH))
    answer = await cast.ada.browser.post(f"{PATH}/{two}?_method=delete")
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert await left() == []
    assert "No jobs have failed." in words(await cast.ada.browser.get(PATH))


async def test_it_pages_and_costs_the_same_however_many(cast: Cast) -> None:
    one = await dead_letter()
    few = await statements_of(cast.ada.api.get(PATH))
    more = [await dead_letter() for _ in range(4)]
    assert await statements_of(cast.ada.api.get(PATH)) == few
    first = (await cast.ada.api.get(PATH, params={"limit": 3})).json()
    assert [each["id"] for each in first["letters"]] == more[:0:-1]
    second = (await cast.ada.api.get(PATH, params={"limit": 3, "before": first["next"]})).json()
    assert [each["id"] for each in second["letters"]] == [more[0], one]
    assert second["next"] is None
    assert first["dead"] == second["dead"] == 5


async def test_numbers_that_are_none_are_refused(cast: Cast) -> None:
    for number in ("0", "-1", "x", str(2**63), str(2**80)):
        for method, path in (("POST", f"{PATH}/{number}/tries"), ("DELETE", f"{PATH}/{number}")):
            assert 400 <= (await cast.ada.api.request(method, path)).status_code < 500
    assert (await cast.ada.api.get(PATH, params={"before": str(2**63)})).status_code == 422


async def test_the_account_page_of_an_administrator_counts_them_and_no_other(cast: Cast) -> None:
    await dead_letter()
    assert "1 failed job" in words(await cast.ada.browser.get("/me"))
    other = await cast.milo.browser.get("/me")
    assert PATH not in other.text


def words(answer: httpx.Response) -> str:
    return parsed(answer).get_text()


async def left() -> list[int]:
    return [row["id"] for row in await database.fetch("SELECT id FROM dead_letter ORDER BY id")]
