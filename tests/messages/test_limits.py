"""What a message may hold: 1 to 2,000 characters, kept exactly as they were written."""

import dataclasses
from typing import Any

import httpx

from app.core import database
from app.core.settings import Settings
from tests.conftest import Cast, start_server, stop_server


async def post(cast: Cast, body: Any) -> httpx.Response:
    return await cast.milo.api.post(f"/conversations/{cast.chess}/messages", json={"body": body})


async def test_one_to_two_thousand_characters_after_trimming(cast: Cast) -> None:
    assert (await post(cast, "x")).status_code == 201
    assert (await post(cast, f"  \n{'🦉' * 2000}\t ")).status_code == 201
    refused = await post(cast, "x" * 2001)
    assert refused.status_code == 422
    assert refused.json()["errors"] == {"body": "This message is 2001 characters long; the limit is 2000."}


async def test_the_limit_is_a_setting(settings: Settings) -> None:
    server = await start_server(dataclasses.replace(settings, max_message_length=5))
    try:
        ada = await server.someone("ada")
        room = (await ada.api.get("/conversations/general")).json()["id"]
        answers = [await ada.api.post(f"/conversations/{room}/messages", json={"body": b}) for b in ("abcde", "abcdef")]
        assert [answer.status_code for answer in answers] == [201, 422]
    finally:
        await stop_server(server)


async def test_what_nobody_would_see_is_refused(cast: Cast) -> None:
    invisible = [
        "",
        " ",
        "\n\r\n",
        "\t",
        "\u00a0",
        "\u200b",
        "\u200d\u200c",
        "\u2060\ufeff",
        "\u2800",
        "\u3164",
        "\u00ad",
    ]
    invisible += ["\u202e\u202c", "\u2028\u2029", "\U000e0041", "\u115f\u1160", "\x07\x1b", "\u3000 \u2003"]
    for body in invisible:
        refused = await post(cast, body)
        assert (refused.status_code, refused.json()["errors"]) == (422, {"body": "Write a message first."}), repr(body)
    for visible in ("\u200b.", "👩\u200d🚀", "۔"):
        assert (await post(cast, visible)).json()["body"] == visible


async def test_what_cannot_be_kept_is_refused_and_never_a_fault_of_ours(cast: Cast) -> None:
    assert (await post(cast, "a\0b")).status_code == 422
    for raw in (rb'{"body": "\ud800"}', b'{"body": "\xff"}', b'{"body": "x', b"[]", b'"x"', b"7", b'{"body": NaN}'):
        answer = await cast.milo.api.post(
            f"/conversations/{cast.chess}/messages", content=raw, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400, raw
    for body in (7, None, ["x"], {"x": 1}, True):
        assert (await post(cast, body)).status_code in (400, 422), body
    assert await database.fetch_value("SELECT count(*) FROM message WHERE kind = 'text'") == 0


async def test_the_text_is_kept_as_written(cast: Cast) -> None:
    written = "one\n    two  with  spaces\n\n\n\tthree \\ four\u2028five\u0085six\x0bseven & <b>é e\u0301</b>"
    written += " \u202eabc\u202c end"
    assert (await post(cast, written)).json()["body"] == written
    assert await database.fetch_value("SELECT body FROM message WHERE kind = 'text'") == written


async def test_line_breaks_of_any_system_are_one_kind(cast: Cast) -> None:
    assert (await post(cast, "\r\none\r\ntwo\rthree\n\n")).json()["body"] == "one\ntwo\nthree"


async def test_a_form_sends_what_was_typed(cast: Cast) -> None:
    typed = "first line\r\n   indented\r\n\r\nlast & <last> 100% é"
    answer = await cast.milo.browser.post(f"/conversations/{cast.chess}/messages", data={"body": typed, "key": ""})
    assert answer.status_code == 303
    kept = await database.fetch_value("SELECT body FROM message WHERE kind = 'text'")
    assert kept == "first line\n   indented\n\nlast & <last> 100% é"


async def test_a_refused_form_keeps_what_was_typed(cast: Cast) -> None:
    typed = "x" * 2001 + "\n</textarea><b>"
    url = f"/conversations/{cast.chess}/messages"
    for headers in ({}, {"hx-request": "true"}):
        answer = await cast.milo.browser.post(url, data={"body": typed}, headers=headers)
        assert answer.status_code == 422
        assert "x" * 2001 + "\n&lt;/textarea&gt;&lt;b&gt;</textarea>" in answer.text
        assert "; the limit is " in answer.text


async def test_the_answer_to_htmx_is_a_fresh_composer_and_the_message(cast: Cast) -> None:
    url = f"/conversations/{cast.chess}/messages"
    answer = await cast.milo.browser.post(url, data={"body": "hello *you*"}, headers={"hx-request": "true"})
    assert answer.status_code == 201
    assert '<template id="sent"><li class="message' in answer.text.replace("\n", "")
    assert "hello <em>you</em>" in answer.text
    assert 'name="key" value="' in answer.text
