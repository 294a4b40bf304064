"""The page where anyone checks an archive that they were given."""

import asyncio
import dataclasses
import io
import os
import zipfile
from collections.abc import AsyncIterator, Sequence
from typing import IO
from urllib.parse import urlsplit

import httpx
import pytest

from app.core import limits, spooled
from app.core.settings import Settings
from app.exports import keys, verify
from app.exports.keys import PublicKey
from app.exports.verify import Verdict
from app.exports.web import verifying
from tests.conftest import Actor, Cast
from tests.exports.story import archived, pair
from tests.pages import parsed


async def sent(who: Actor, data: bytes, **more: str) -> httpx.Response:
    return await who.api.post("/verify", files={"file": ("Chess club.zip", data, "application/zip")}, data=more)


async def test_whoever_has_a_transcript_learns_that_it_is_genuine_without_an_account(cast: Cast) -> None:
    data = await archived(await keys.current(cast.server.settings))
    answer = await sent(cast.nobody, data, before="the file")
    assert answer.status_code == 200
    assert answer.json()["genuine"] is True
    assert answer.json()["about"]["conversation"]["title"] == "Chess club"
    assert answer.json()["about"]["from"] is None
    page = await cast.nobody.browser.post("/verify", files={"file": ("x.zip", data)})
    words = parsed(page).get_text(" ", strip=True)
    assert "Authentic and complete" in words
    assert "Chess club (JSON)" in words
    assert "Mina Member @mina" in words


async def test_one_letter_less_is_told_in_words(cast: Cast) -> None:
    data = await archived(await keys.current(cast.server.settings))
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        at = old.getinfo("Chess club.json").header_offset + 70
    answer = await cast.milo.browser.post("/verify", files={"file": ("x.zip", data[:at] + b"x" + data[at + 1 :])})
    assert answer.status_code == 200
    words = parsed(answer).get_text(" ", strip=True)
    assert "Signed here, but altered" in words
    assert "“Chess club.json” was changed." in words


async def test_what_somebody_else_signed_is_not_genuine_here(cast: Cast) -> None:
    await keys.current(cast.server.settings)
    theirs, _public = pair()
    answer = await sent(cast.nobody, await archived(theirs))
    assert (answer.status_code, answer.json()["genuine"], answer.json()["about"]) == (200, False, None)


async def test_where_nothing_was_ever_signed_nothing_can_be_said(cast: Cast) -> None:
    theirs, _public = pair()
    answer = await sent(cast.nobody, await archived(theirs))
    assert answer.status_code == 422
    assert "file" in answer.json()["errors"]


async def test_without_a_file_the_form_comes_back_with_what_is_wrong(cast: Cast) -> None:
    await keys.current(cast.server.settings)
    for answer in (
        await cast.nobody.browser.post("/verify", files={"file": ("", b"")}),
        await cast.nobody.browser.post("/verify", files={"other": ("x.zip", b"PK")}),
        await cast.nobody.browser.post("/verify", data={"file": "typed"}),
        await cast.nobody.browser.post("/verify", content=b"\x89PNG", headers={"content-type": "image/png"}),
    ):
        assert answer.status_code == 422
        assert parsed(answer).select_one("#error-file") is not None
        assert parsed(answer).select_one("form[action='/verify']") is not None


@pytest.mark.parametrize(
    "body",
    [b"", b"--x", b"--x\r\n\r\n", b"--y\r\nContent-Disposition: form-data; name=file\r\n\r\nPK\r\n--y--", b"\0" * 5000],
)
async def test_a_form_that_is_none_is_refused(cast: Cast, body: bytes) -> None:
    await keys.current(cast.server.settings)
    answer = await cast.nobody.api.post(
        "/verify", content=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code in (400, 422)
    answer = await cast.nobody.api.post("/verify", content=body, headers={"content-type": "multipart/form-data"})
    assert answer.status_code == 400


async def test_a_header_without_end_is_refused(cast: Cast) -> None:
    await keys.current(cast.server.settings)
    body = b'--x\r\nContent-Disposition: form-data; name="' + b"f" * 1_000_000
    answer = await cast.nobody.api.post(
        "/verify", content=body, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("slow", [b"\r\n--x!" * 850_000, b"\r\n--x" + b" " * 5_000_000], ids=["boundaries", "blanks"])
async def test_a_body_made_to_keep_the_parser_busy_is_refused(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, slow: bytes
) -> None:
    monkeypatch.setattr(spooled, "PARSING", 0.1)
    data = await archived(await keys.current(cast.server.settings))
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.zip"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = await cast.nobody.api.post("/verify", content=head + slow + b"\r\n--x--\r\n", headers=kind)
    assert answer.status_code == 400
    honest = await cast.nobody.api.post("/verify", content=head + data + b"\r\n--x--\r\n", headers=kind)
    assert honest.json()["genuine"]
    assert (await sent(cast.nobody, bytes(5_000_000))).status_code == 200, "and a large one is none"


async def test_a_file_that_is_too_large_is_refused_as_it_comes_in(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    await keys.current(cast.server.settings)
    monkeypatch.setattr(verifying, "MOST_BYTES", 1_000_000)
    told = await sent(cast.nobody, bytes(1_100_000))  # its length is announced
    assert told.status_code == 413
    address = urlsplit(cast.server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.zip"\r\n\r\n'
    writer.write(
        b"POST /verify HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    for piece in (head, *[bytes(100_000)] * 12):  # and nothing says that it ends
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    async with asyncio.timeout(10):
        assert b" 413 " in await reader.readline()
    writer.close()
    assert spooled._sending == []


class Either:
    """The answer, or, for who goes on sending, a connection that is closed."""

    def __enter__(self) -> list[int]:
        return []

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, httpx.HTTPError)


async def test_it_never_is_in_memory_and_leaves_nothing_behind(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    data = await archived(await keys.current(cast.server.settings))
    folder = str(cast.server.settings.data_dir)
    before = sorted(os.listdir(folder))  # noqa: PTH208
    seen: list[IO[bytes]] = []
    really = verify.verify

    def watched(file: IO[bytes], trusted: Sequence[PublicKey]) -> Verdict:
        seen.append(file)
        return really(file, trusted)

    monkeypatch.setattr(verify, "verify", watched)
    assert (await sent(cast.nobody, data)).json()["genuine"]
    assert not isinstance(seen[0], io.BytesIO)
    assert seen[0].closed
    assert sorted(os.listdir(folder)) == before  # noqa: PTH208


async def test_two_at_a_time_from_one_address_and_few_from_all(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    data = await archived(await keys.current(cast.server.settings))
    monkeypatch.setattr(spooled, "_sending", ["127.0.0.1"])
    assert (await sent(cast.nobody, data)).status_code == 200, "a class behind one address does not wait for one pupil"
    monkeypatch.setattr(spooled, "_sending", ["127.0.0.1"] * 2)
    assert (await sent(cast.nobody, data)).status_code == 429
    monkeypatch.setattr(spooled, "_sending", [str(n) for n in range(spooled.MOST_AT_ONCE)])
    assert (await sent(cast.nobody, data)).status_code == 503


async def test_who_says_nothing_any_more_is_let_go(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    await keys.current(cast.server.settings)
    monkeypatch.setattr(spooled, "SILENCE", 0.05)
    silent = asyncio.Event()

    async def stops() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.zip"\r\n\r\nPK'
        await silent.wait()

    kind = {"content-type": "multipart/form-data; boundary=x"}
    async with asyncio.timeout(10):
        asking = asyncio.create_task(cast.nobody.api.post("/verify", content=stops(), headers=kind))
        while not spooled._sending:
            await asyncio.sleep(0.001)  # nothing tells when it has begun
        while spooled._sending:
            await asyncio.sleep(0.001)
        silent.set()
        with Either() as seen:
            seen.append((await asking).status_code)
    assert seen in ([400], [])


async def test_the_page_says_it_in_french(cast: Cast) -> None:
    page = await cast.mina.browser.get("/verify")
    assert page.status_code == 200
    assert parsed(page).select_one("html[lang=fr] form[enctype='multipart/form-data'] input[type=file]") is not None


class TestLimited:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return dataclasses.replace(settings, rate_limits=True)

    async def test_an_address_may_ask_so_often_and_no_more(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "VERIFY_ADDRESS", limits.Limit("verify-address", 2, 3600))
        assert [(await sent(cast.nobody, b"PK")).status_code for _ in range(3)] == [422, 422, 429]
