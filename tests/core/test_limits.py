"""How often something may be tried: per account and per address, counted over all processes together."""

import dataclasses
from collections.abc import AsyncIterator

import httpx
import pytest

from app.core import database, limits
from app.core.errors import TooMany
from app.core.settings import Settings
from app.core.sweeps import sweep
from tests.conftest import NO_TLS, PASSWORD, Cast, Server
from tests.pages import says
from tests.processes import second_server

WRONG = "not the right one"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return dataclasses.replace(settings, rate_limits=True)


@pytest.fixture
async def proxied(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that stands behind one proxy."""
    async with second_server(server.settings, TRUSTED_PROXIES="1") as other:
        yield httpx.AsyncClient(base_url=other.url, headers={"accept": "application/json"}, verify=NO_TLS)


async def log_in(client: httpx.AsyncClient, login: str, password: str, where: str = "", **headers: str) -> int:
    sent = {"login": login, "password": password}
    also = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await client.post(f"{where}/auth/login", json=sent, headers=also)
    return answer.status_code


async def use_up(limit: limits.Limit, settings: Settings, who: str) -> None:
    """As if all tries but the last were made."""
    await limits.spend(settings, (limit, who))
    await database.fetch("UPDATE rate_limit SET tries = $1 WHERE key LIKE $2", limit.most - 1, f"{limit.name}:%")


async def test_an_account_is_guessed_at_ten_times_in_a_quarter_of_an_hour_over_two_servers(server: Server) -> None:
    await server.someone("olive")
    program = server.client(accept="application/json")
    async with second_server(server.settings) as other:
        answers = [await log_in(program, "olive", WRONG, where) for where in ("", other.url) * 5]
        assert answers == [401] * 10
        assert await log_in(program, "olive", PASSWORD, other.url) == 429, "nor can the right password be found so"
        assert await log_in(program, "olive", PASSWORD) == 429
        assert await log_in(program, "OLIVE ", PASSWORD) == 429, "however the name is written"


async def test_the_refusal_says_when_to_come_back(server: Server) -> None:
    await use_up(limits.LOGIN_ACCOUNT, server.settings, "olive")
    program = server.client(accept="application/json")
    assert await log_in(program, "olive", WRONG) == 401
    answer = await program.post("/auth/login", json={"login": "olive", "password": WRONG})
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert 890 <= int(answer.headers["retry-after"]) <= 900
    assert "15 minutes" in answer.json()["detail"]
    page = await server.browser().post("/auth/login", data={"login": "olive", "password": WRONG})
    assert page.status_code == 429
    assert "Too many attempts. Please try again in 15 minutes." in says(page)
    assert 890 <= int(page.headers["retry-after"]) <= 900


async def test_an_unknown_account_is_limited_like_a_known_one(server: Server) -> None:
    program = server.client(accept="application/json")
    assert [await log_in(program, "nobody-here", WRONG) for _ in range(11)] == [401] * 10 + [429]


async def test_one_account_used_up_leaves_the_others_alone(server: Server) -> None:
    await server.someone("olive")
    await use_up(limits.LOGIN_ACCOUNT, server.settings, "eve")
    program = server.client(accept="application/json")
    await log_in(program, "eve", WRONG)
    assert await log_in(program, "eve", WRONG) == 429
    assert await log_in(program, "olive", PASSWORD) == 200


async def test_the_right_password_forgives_the_account_but_the_address_only_this_try(server: Server) -> None:
    await server.someone("olive")
    program = server.client(accept="application/json")
    for _ in range(9):
        await log_in(program, "olive", WRONG)
    assert await log_in(program, "olive", PASSWORD) == 200
    assert await log_in(program, "olive", WRONG) == 401, "the count began anew"
    row = await database.fetch_row("SELECT tries FROM rate_limit WHERE key LIKE 'login-address:%'")
    assert row is not None
    assert row["tries"] == 10, "the ten that were wrong"


async def test_a_whole_school_logs_in_from_one_address(server: Server) -> None:
    await server.someone("olive")
    program = server.client(accept="application/json")
    await use_up(limits.LOGIN_ADDRESS, server.settings, "127.0.0.1")
    for _ in range(3):
        assert await log_in(program, "olive", PASSWORD) == 200
    assert await log_in(program, "olive", WRONG) == 401
    assert await log_in(program, "olive", PASSWORD) == 429


async def test_the_two_names_of_an_account_are_guessed_at_together(server: Server) -> None:
    await server.someone("olive")
    program = server.client(accept="application/json")
    tries = [await log_in(program, ("olive", "olive@example.org")[n % 2], WRONG) for n in range(11)]
    assert tries == [401] * 10 + [429]


async def test_when_the_time_is_over_it_may_be_tried_again(server: Server) -> None:
    await server.someone("olive")
    program = server.client(accept="application/json")
    for _ in range(11):
        await log_in(program, "olive", WRONG)
    await database.fetch("UPDATE rate_limit SET window_ends = now() - interval '1 second'")
    assert await log_in(program, "olive", PASSWORD) == 200
    assert await sweep("rate_limit", "window_ends < now()") is False
    assert await database.fetch_value("SELECT count(*) FROM rate_limit WHERE window_ends < now()") == 0


async def test_an_address_is_limited_over_all_accounts(server: Server) -> None:
    program = server.client(accept="application/json")
    await use_up(limits.LOGIN_ADDRESS, server.settings, "127.0.0.1")
    assert await log_in(program, "one-name", WRONG) == 401
    assert await log_in(program, "another-name", WRONG) == 429


async def test_sign_up_is_limited_by_address_and_so_is_asking_who_has_an_account(server: Server) -> None:
    program = server.client(accept="application/json")
    sent = {"username": "zoe", "name": "Zoé", "email": "zoe@example.org", "password": PASSWORD}
    await use_up(limits.SIGNUP_ADDRESS, server.settings, "127.0.0.1")
    assert (await program.post("/auth/signup", json=sent | {"username": "!"})).status_code == 422
    assert (await program.post("/auth/signup", json=sent)).status_code == 429
    page = await server.browser().post("/auth/signup", data=sent)
    assert page.status_code == 429
    assert 'value="Zoé"' in page.text, "what was typed is kept"
    assert PASSWORD not in page.text


async def test_sign_up_is_limited_by_the_address_that_is_signed_up(server: Server) -> None:
    program = server.client(accept="application/json")
    await use_up(limits.SIGNUP_ACCOUNT, server.settings, "zoe@example.org")
    sent = {"username": "zoe", "name": "Zoé", "email": "ZOE@example.org", "password": "short"}
    assert (await program.post("/auth/signup", json=sent)).status_code == 422
    assert (await program.post("/auth/signup", json=sent)).status_code == 429
    assert (await program.post("/auth/signup", json=sent | {"email": "y@example.org"})).status_code == 422


async def test_links_are_asked_for_five_times_an_hour_whether_the_account_exists_or_not(server: Server) -> None:
    await server.someone("olive")
    program = server.client(accept="application/json")
    for email in ("olive@example.org", "nobody@example.org"):
        answers = [(await program.post("/auth/forgot-password", json={"email": email})).status_code for _ in range(6)]
        assert answers == [202] * 5 + [429]
    assert (await program.post("/auth/forgot-password", json={"email": "OLIVE@example.org"})).status_code == 429
    assert await database.fetch_value("SELECT count(*) FROM pgqueuer") == 10


async def test_links_are_guessed_at_thirty_times(server: Server) -> None:
    program = server.client(accept="application/json")
    await use_up(limits.RESET_TOKEN_ADDRESS, server.settings, "127.0.0.1")
    sent = {"token": "guess", "password": PASSWORD}
    assert (await program.post("/auth/reset-password", json=sent)).status_code == 422
    assert (await program.post("/auth/reset-password", json=sent)).status_code == 429


async def test_a_stolen_device_guesses_the_present_password_ten_times(server: Server) -> None:
    olive = await server.someone("olive")
    sent = {"current": WRONG, "password": "seven green boats sing"}
    answers = [(await olive.api.put("/me/password", json=sent)).status_code for _ in range(9)]
    answers.append((await olive.api.request("DELETE", "/me", json={"current": WRONG})).status_code)
    assert answers == [422] * 10
    assert (await olive.api.put("/me/password", json=sent | {"current": PASSWORD})).status_code == 429
    assert (await olive.api.request("DELETE", "/me", json={"current": PASSWORD})).status_code == 429


async def test_without_a_proxy_that_is_trusted_nobody_chooses_their_address(server: Server) -> None:
    program = server.client(accept="application/json")
    await use_up(limits.LOGIN_ADDRESS, server.settings, "127.0.0.1")
    async with second_server(server.settings) as other:
        assert await log_in(program, "one-name", WRONG, other.url, x_forwarded_for="1.1.1.1") == 401
        for name in ("x_forwarded_for", "forwarded", "x_real_ip", "true_client_ip", "cf_connecting_ip"):
            assert await log_in(program, f"name-{name}", WRONG, other.url, **{name: "2.2.2.2"}) == 429, name


async def test_behind_a_proxy_the_address_that_it_wrote_counts_and_not_what_the_client_wrote(
    server: Server, proxied: httpx.AsyncClient
) -> None:
    program = proxied
    await use_up(limits.LOGIN_ADDRESS, server.settings, "9.9.9.9")
    assert await log_in(program, "a-name", WRONG, x_forwarded_for="1.1.1.1, 9.9.9.9") == 401
    assert await log_in(program, "b-name", WRONG, x_forwarded_for="2.2.2.2, 9.9.9.9") == 429
    assert await log_in(program, "c-name", WRONG, x_forwarded_for="9.9.9.9, 3.3.3.3") == 401
    two_lines = [("x-forwarded-for", "4.4.4.4"), ("x-forwarded-for", "9.9.9.9"), ("accept", "application/json")]
    answer = await program.post("/auth/login", json={"login": "d-name", "password": WRONG}, headers=two_lines)
    assert answer.status_code == 429, "some proxies add a line of their own"
    assert await log_in(program, "e-name", WRONG) == 401, "without the header it is the proxy itself"


async def test_a_whole_network_of_ipv6_counts_as_one_address(server: Server, proxied: httpx.AsyncClient) -> None:
    program = proxied
    await use_up(limits.LOGIN_ADDRESS, server.settings, limits.network("2001:db8:1:2::1"))
    assert await log_in(program, "a-name", WRONG, x_forwarded_for="2001:db8:1:2::7") == 401
    assert await log_in(program, "b-name", WRONG, x_forwarded_for="2001:db8:1:2:aaaa::8") == 429
    assert await log_in(program, "c-name", WRONG, x_forwarded_for="2001:db8:1:3::1") == 401


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("[2001:db8::1]:443", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_what_an_address_is_counted_as(address: str, counted: str) -> None:
    assert limits.network(address) == counted


async def test_the_table_names_neither_people_nor_addresses(server: Server) -> None:
    await log_in(server.client(accept="application/json"), "olive", WRONG)
    keys = " ".join(row["key"] for row in await database.fetch("SELECT key FROM rate_limit"))
    assert "olive" not in keys
    assert "127.0.0.1" not in keys


async def test_nobody_floods_others_with_groups_and_invitations(cast: Cast) -> None:
    settings = cast.server.settings
    await use_up(limits.GROUP_PERSON, settings, str(cast.olive.id))
    made = [await cast.olive.api.post("/conversations", json={"title": "Tea", "members": ["milo"]}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 429]
    await use_up(limits.MEMBER_PERSON, settings, str(cast.olive.id))
    where = f"/conversations/{cast.chess}/members"
    added = [await cast.olive.api.post(where, json={"username": "oscar"}) for _ in range(2)]
    assert [answer.status_code for answer in added] == [201, 429]
    await use_up(limits.CONTACT_PERSON, settings, str(cast.olive.id))
    asked = [await cast.olive.api.post("/contacts", json={"username": whom}) for whom in ("milo", "mina@example.org")]
    assert [answer.status_code for answer in asked] == [201, 429]


async def test_whoever_writes_without_pause_is_told_to_wait_and_loses_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WRITES", limits.Pace(2, 60))
    url = f"/conversations/{cast.chess}/messages"
    answers = [await cast.milo.api.post(url, json={"body": f"number {n}"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    by_form = await cast.milo.browser.post(url, data={"body": "not lost"})
    assert by_form.status_code == 429
    assert "not lost" in by_form.text
    assert "Too many attempts" in by_form.text
    assert (await cast.mina.api.post(url, json={"body": "me too"})).status_code == 201, "others go on"
    edited = await cast.milo.api.patch(f"/messages/{answers[0].json()['id']}", json={"body": "again"})
    assert edited.status_code == 429


def test_a_pace_begins_anew_when_its_time_is_over(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("app.core.limits.time.monotonic", lambda: now)
    pace = limits.Pace(1, 10)
    pace.spend(settings, 7)
    with pytest.raises(TooMany) as refused:
        pace.spend(settings, 7)
    assert refused.value.retry_after == 10
    now = 110.0
    pace.spend(settings, 7)


async def test_a_username_changes_ten_times_a_day(server: Server) -> None:
    olive = await server.someone("olive")
    await use_up(limits.USERNAME_PERSON, server.settings, str(olive.id))
    assert (await olive.api.patch("/me", json={"username": "oliva"})).status_code == 200
    assert (await olive.api.patch("/me", json={"username": "olivia"})).status_code == 429
    assert (await olive.api.patch("/me", json={"username": "oliva", "name": "Oliva"})).status_code == 200


async def test_a_person_has_five_links_to_new_addresses_mailed_in_an_hour(server: Server) -> None:
    olive = await server.someone("olive")
    sent = {"email": "new@example.org", "current": PASSWORD}
    await use_up(limits.EMAIL_PERSON, server.settings, str(olive.id))
    assert (await olive.api.put("/me/email", json=sent)).status_code == 202
    assert (await olive.api.put("/me/email", json=sent)).status_code == 429
