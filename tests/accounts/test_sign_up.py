"""Signing up."""

import asyncio
from typing import Any

import httpx
import pytest

from app.core import database
from tests.conftest import PASSWORD, Server
from tests.pages import errors, form, says, typed
from tests.raw import exchange, request

GOOD = {"username": "zoe.b", "name": "Zoé Beau", "email": "zoe@example.org", "password": PASSWORD}


async def sign_up(server: Server, **changes: Any) -> httpx.Response:
    return await server.client(accept="application/json").post("/auth/signup", json=GOOD | changes)


async def test_the_answer_is_the_person_and_tokens_that_work(server: Server) -> None:
    answer = await sign_up(server)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert set(told) == {"person", "access_token", "refresh_token", "token_type", "expires_in"}
    assert (told["token_type"], told["expires_in"]) == ("bearer", 15 * 60)
    assert told["person"]["username"] == "zoe.b"
    assert told["person"]["created_at"].endswith("Z")
    program = server.client(accept="application/json", authorization=f"Bearer {told['access_token']}")
    assert (await program.get("/me")).json() == told["person"]


async def test_the_password_is_kept_as_argon2id_alone_and_shown_nowhere(server: Server) -> None:
    answer = await sign_up(server)
    kept = await database.fetch_value("SELECT password_hash FROM person")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in answer.text
    assert kept not in answer.text


WRONG = [
    ("username", ""),
    ("username", "ab"),
    ("username", "a" * 31),
    ("username", "zoé"),
    ("username", "zoe b"),
    ("username", ".zoe"),
    ("username", "zoe-"),
    ("username", "zo\0e"),
    ("username", "zo\u200be"),
    ("username", "раυl"),  # Cyrillic and Greek letters that look Latin
    ("username", "<script>"),
    ("name", ""),
    ("name", "   "),
    ("name", "\u200b\u2060\u3164"),
    ("name", "x" * 51),
    ("email", ""),
    ("email", "zoe"),
    ("email", "zoe@"),
    ("email", "@example.org"),
    ("email", "zoe@example"),
    ("email", "zoe@exa mple.org"),
    ("email", "zoe@a.org,eve@b.org"),
    ("email", "eve,zoe@example.org"),
    ("email", "zoe@example.org\r\nBcc: eve@example.org"),
    ("email", "<zoe@example.org>"),
    ("email", "zo\u200be@example.org"),
    ("email", "zoe@example.org\u202e"),
    ("email", "z" * 89 + "@example.org"),
    ("password", ""),
    ("password", "9 letters"),
    ("password", "a" * 257),
]


async def test_each_rule_of_each_field_is_kept_and_named(server: Server) -> None:
    for field, value in WRONG:
        answer = await sign_up(server, **{field: value})
        assert answer.status_code == 422, (field, value, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert list(answer.json()["errors"]) == [field], (field, value)
    assert await database.fetch_value("SELECT count(*) FROM person") == 0


async def test_the_longest_and_the_shortest_that_is_allowed_is_allowed(server: Server) -> None:
    email = "z" * 88 + "@example.org"
    longest = await sign_up(server, username="z" * 30, name="é" * 50, email=email, password="ab cd ef g" * 25)
    assert longest.status_code == 201, longest.text
    shortest = await sign_up(server, username="u-9", name="U", email="u@x.fr", password="u7#kQp-2zL")
    assert shortest.status_code == 201, shortest.text


async def test_every_wrong_field_is_named_at_once(server: Server) -> None:
    answer = await sign_up(server, username="!", name="", email="nowhere", password="short")
    assert set(answer.json()["errors"]) == {"username", "name", "email", "password"}


async def test_a_taken_username_and_a_taken_address_are_named_at_once(server: Server) -> None:
    await sign_up(server)
    answer = await sign_up(server, name="")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"username", "name", "email"}


async def test_a_refused_form_comes_back_as_it_was_typed_without_the_password(server: Server) -> None:
    browser = server.browser()
    given = GOOD | {"email": "nowhere", "name": 'Zoé "<b>" & co', "password": "hunter2 hunter2 hunter2"}
    answer = await browser.post("/auth/signup", data=given)
    assert answer.status_code == 422
    again = form(answer, "/auth/signup")
    assert set(errors(again)) == {"email"}
    shown = typed(again)
    assert (shown["username"], shown["name"], shown["email"]) == ("zoe.b", 'Zoé "<b>" & co', "nowhere")
    assert shown["password"] == ""
    assert "hunter2" not in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_form_that_is_taken_leads_inside_with_a_welcome(server: Server) -> None:
    browser = server.browser()
    answer = await browser.post("/auth/signup", data=GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/conversations")
    page = await browser.get("/conversations")
    assert page.status_code == 200
    assert "Zoé Beau" in page.text


async def test_a_username_is_unique_in_any_case_and_however_it_is_disguised(server: Server) -> None:
    assert (await sign_up(server, username="paul.martin")).status_code == 201
    alike = ["paul.martin", "PAUL.MARTIN", " Paul.Martin ", "pau1.martin", "paul_martin", "paul-martin", "paul.rnartin"]
    for n, username in enumerate(["paul.martln", "pau1.mart1n", *alike]):
        answer = await sign_up(server, username=username, email=f"p{n}@example.org")
        assert answer.status_code == 422, username
        assert list(answer.json()["errors"]) == ["username"]
    other = await sign_up(server, username="paula.martin", email="paula@example.org")
    assert other.status_code == 201


async def test_an_address_is_unique_in_any_case(server: Server) -> None:
    await sign_up(server)
    answer = await sign_up(server, username="other", email="ZOE@Example.ORG")
    assert list(answer.json()["errors"]) == ["email"]


async def test_names_that_would_speak_for_the_house_are_reserved_and_so_are_their_doubles(server: Server) -> None:
    for username in ("admin", "Admin", "adm1n", "adrnin", "root", "system", "everyone", "support", "me", "supp0rt"):
        answer = await sign_up(server, username=username)
        assert list(answer.json()["errors"]) == ["username"], username


COMMON = ["password123", "1234567890", "qwertyuiop", "iloveyou123", "azertyuiop", "motdepasse", "motdepasse1"]
COMMON += ["monmotdepasse", "bonjour123", "jetaime123", "Password1!", "p@ssw0rd123", "aaaaaaaaaa", "qwerty12345"]


async def test_passwords_that_are_guessed_first_are_refused(server: Server) -> None:
    for password in [*COMMON, "zoe.b12345", "zoe@example.org", "Zoé Beau 1", "causerie123"]:
        answer = await sign_up(server, password=password)
        assert answer.status_code == 422, password
        assert list(answer.json()["errors"]) == ["password"]


async def test_no_password_keeps_the_house_busy(server: Server) -> None:
    """The estimator takes 13 s for some texts of 72 characters, and would hold the interpreter all the while."""
    for password in ("@8({[<369&#!1/|0$5+7%2/4" * 3, "1!|1!|7 4@8({[<369&#" * 4, "0123456789@$!" * 5):
        async with asyncio.timeout(3):
            answer = await sign_up(server, username="!", password=password)
        assert answer.status_code == 422


async def test_the_first_person_becomes_the_administrator_and_is_told_so(server: Server) -> None:
    browser = server.browser()
    asked = await browser.get("/", follow_redirects=True)
    assert asked.url.path == "/auth/signup"
    assert "The first person to sign up becomes the administrator" in says(asked)
    welcomed = await browser.post("/auth/signup", data=GOOD, follow_redirects=True)
    assert "you are the administrator" in says(welcomed)
    assert "you are the administrator" not in says(await browser.get("/conversations"))
    second = server.browser()
    assert "becomes the administrator" not in says(await second.get("/auth/signup"))
    joined = await second.post(
        "/auth/signup", data=GOOD | {"username": "yann", "email": "y@example.org"}, follow_redirects=True
    )
    assert "administrator" not in says(joined)
    roles = await database.fetch("SELECT role FROM person ORDER BY id")
    assert [row["role"] for row in roles] == ["admin", "student"]


async def test_of_many_who_sign_up_first_at_once_one_is_administrator(server: Server) -> None:
    browsers = [server.browser() for _ in range(6)]
    forms = [GOOD | {"username": f"n{number}x", "email": f"{number}@x.org"} for number in range(6)]
    answers = await asyncio.gather(*(b.post("/auth/signup", data=f) for b, f in zip(browsers, forms, strict=True)))
    assert [answer.status_code for answer in answers] == [303] * 6
    assert await database.fetch_value("SELECT count(*) FROM person WHERE role = 'admin'") == 1
    assert sum(answer.cookies.get("flash") == "first" for answer in answers) == 1


async def test_the_same_person_twice_at_once_is_there_once(server: Server) -> None:
    answers = await asyncio.gather(*(sign_up(server) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 5
    assert await database.fetch_value("SELECT count(*) FROM person") == 1


async def test_the_language_and_the_time_zone_of_the_browser_are_kept(server: Server) -> None:
    browser = server.browser()
    await browser.post("/auth/signup", data=GOOD | {"time_zone": "Europe/Paris"}, headers={"accept-language": "fr-CA"})
    row = await database.fetch_row("SELECT language, time_zone FROM person")
    assert row is not None
    assert tuple(row) == ("fr", "Europe/Paris")
    await sign_up(server, username="other", email="o@example.org", time_zone="../../etc/passwd")
    assert await database.fetch_value("SELECT time_zone FROM person WHERE username = 'other'") == "UTC"


async def test_nobody_can_sign_up_with_a_role_of_their_choice(server: Server) -> None:
    await sign_up(server)
    answer = await sign_up(server, username="eve", email="eve@example.org", role="admin", id=1)
    assert answer.json()["person"]["role"] == "student"


@pytest.mark.parametrize("body", [b"name=Zo%C3%A9", "name=Zoé".encode()])
async def test_forms_may_send_utf8_escaped_or_not(server: Server, body: bytes) -> None:
    sent = body + b"&username=zoe&email=zoe@example.org&password=three+blue+horses+run"
    kind = "application/x-www-form-urlencoded"
    answer = await exchange(server.url, request("POST", "/auth/signup", sent, content_type=kind))
    assert answer.status == 303
    assert await database.fetch_value("SELECT name FROM person") == "Zoé"
