"""One's own picture: what is taken, what is kept of it, and where it shows."""

import asyncio
import signal
import struct
import zlib
from typing import Any

import httpx
import pytest
from PIL import Image

from app.core import database, pictures, uploads
from tests.conftest import Actor, Cast, Server, statements_of
from tests.core.test_hostile import awake
from tests.pages import errors, form, parsed, says
from tests.pictures import encoded, near, opened, picture, quarters

RED, LIME, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


async def put(who: Actor, data: Any, kind: str = "image/png") -> httpx.Response:
    return await who.api.put("/me/avatar", content=data, headers={"content-type": kind})


async def shown(who: Actor, whose: str) -> Image.Image:
    """The picture of that person, as it is served."""
    address = (await who.api.get(f"/people/{whose}")).json()["avatar"]
    answer = await who.api.get(address)
    assert answer.status_code == 200
    return opened(answer.content)


async def test_a_picture_is_kept_as_a_small_square_and_served_to_others(cast: Cast) -> None:
    told = await put(cast.olive, quarters())
    assert told.status_code == 200
    address = told.json()["avatar"]
    answer = await cast.oscar.browser.get(address)
    image = opened(answer.content)
    assert (image.format, image.size) == ("WEBP", (256, 256))
    for at, colour in (((9, 9), RED), ((250, 9), LIME), ((9, 250), BLUE), ((250, 250), WHITE)):
        assert near(image, at, colour), at
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert "vary" not in answer.headers


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_what_it_is_is_seen_by_its_content_whatever_it_is_called(cast: Cast, kind: str) -> None:
    page = await cast.olive.browser.get("/me")
    action = str(form(page, "/me/avatar?_method=put")["action"])
    sent = {"avatar": ("notes.txt", picture((300, 200), "red", kind), "text/plain")}
    answer = await cast.olive.browser.post(action, files=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert near(await shown(cast.milo, "olive"), (128, 128), RED)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO", "PDF"])
async def test_other_formats_are_refused_however_they_are_called(cast: Cast, kind: str) -> None:
    for name in ("image/png", "image/jpeg"):
        answer = await put(cast.olive, picture(kind=kind), name)
        assert (answer.status_code, set(answer.json()["errors"])) == (422, {"avatar"})


async def test_the_middle_is_kept(cast: Cast) -> None:
    wide = Image.new("RGB", (600, 200), "red")
    wide.paste(Image.new("RGB", (200, 200), "blue"), (200, 0))
    await put(cast.olive, encoded(wide, "PNG"))
    image = await shown(cast.milo, "olive")
    assert all(near(image, at, BLUE) for at in ((3, 3), (252, 3), (3, 252), (252, 252)))
    await put(cast.olive, encoded(wide.rotate(90, expand=True), "JPEG"))
    image = await shown(cast.milo, "olive")
    assert all(near(image, at, BLUE) for at in ((4, 4), (251, 4), (4, 251), (251, 251)))


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, RED), (2, LIME), (3, WHITE), (4, BLUE), (5, RED), (6, BLUE), (7, WHITE), (8, LIME)]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_picture_stands_upright(orientation: int, corner: tuple[int, int, int], kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = opened(await pictures.thumbnail(quarters(kind, 400, exif=exif)))
    assert near(made, (12, 12), corner)


async def test_nothing_is_kept_of_what_the_file_said_beside_the_pixels(cast: Cast) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    beside: list[tuple[str, dict[str, Any]]] = [
        ("JPEG", {"comment": b"SecretCamera"}),
        ("PNG", {"icc_profile": b"SecretCamera"}),
        ("WEBP", {"xmp": b"<x>SecretCamera</x>", "icc_profile": b"SecretCamera"}),
    ]
    for kind, more in beside:
        data = quarters(kind, 200, exif=exif, **more)
        assert b"SecretCamera" in data or kind == "PNG"
        await put(cast.olive, data)
        kept: bytes = await database.fetch_value("SELECT bytes FROM avatar WHERE person = $1", cast.olive.id)
        assert b"SecretCamera" not in kept
        assert kept[12:16] == b"VP8 ", "pixels and no other chunk"
        assert int.from_bytes(kept[16:20], "little") + 20 >= len(kept) - 1


async def test_what_is_transparent_becomes_white(cast: Cast) -> None:
    for kind in ("PNG", "WEBP", "GIF"):
        await put(cast.olive, picture(colour=(0, 0, 0, 0), mode="RGBA", kind=kind))
        assert near(await shown(cast.milo, "olive"), (128, 128), WHITE), kind


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK", "YCbCr"])
async def test_pictures_of_any_kind_of_colour_are_taken(mode: str) -> None:
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    made = opened(await pictures.thumbnail(encoded(Image.new(mode, (50, 80)), kind)))
    assert (made.format, made.size, made.mode) == ("WEBP", (256, 256), "RGB")


async def test_a_moving_picture_stands_still_and_a_tiny_one_is_enlarged() -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("red", "blue")]
    made = opened(await pictures.thumbnail(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])))
    assert getattr(made, "n_frames", 1) == 1
    assert near(made, (100, 100), RED)
    assert near(opened(await pictures.thumbnail(picture((1, 1), "lime"))), (128, 128), LIME)
    assert opened(await pictures.thumbnail(picture((4000, 1)))).size == (256, 256)


def claiming(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says that it is so large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 900)) + chunk(b"IEND", b"")
    )


async def test_what_would_unfold_to_gigabytes_is_refused_before_it_does(cast: Cast) -> None:
    large, photograph = picture((7000, 5000)), picture((7000, 5000), kind="JPEG")
    async with awake(cast.server):
        for size in ((30_000, 30_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (24_000_001, 1)):
            answer = await put(cast.olive, claiming(*size))
            assert (answer.status_code, set(answer.json()["errors"])) == (422, {"avatar"}), size
        assert (await put(cast.olive, large)).status_code == 422
        assert (await put(cast.olive, photograph, "image/jpeg")).status_code == 200


def many_scans(size: int, scans: int) -> bytes:
    """A progressive JPEG of a few kilobytes, each of whose scans goes over all of its pixels once more."""

    def segment(marker: int, data: bytes) -> bytes:
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data

    head = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, struct.pack(">BHHB", 8, size, size, 1) + b"\1\x11\0")
    head += segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0")
    bits = ("0" + "1" * 14) * (-(-(((size + 7) // 8) ** 2) // 32767))
    bits += "1" * (-len(bits) % 8)
    runs = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"\xff\xd8" + head + (segment(0xDA, b"\1\1\0\1\x3f\0") + runs) * scans + b"\xff\xd9"


async def test_what_keeps_a_decoder_busy_is_given_up(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "CPU_SECONDS", 1)
    bomb = many_scans(7000, 1500)
    assert len(bomb) < 150_000
    answer = await put(cast.olive, bomb, "image/jpeg")
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"avatar"})
    assert (await put(cast.olive, many_scans(700, 3), "image/jpeg")).status_code == 200


async def test_what_takes_more_memory_than_there_is_for_it_is_refused(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MEMORY", 120 * 2**20)
    # Its coefficients are all kept, at full size: `draft` goes by the shorter side.
    strip = encoded(Image.new("CMYK", (40_000, 300)), "JPEG", progressive=True)
    answer = await put(cast.olive, strip, "image/jpeg")
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"avatar"})
    assert (await put(cast.olive, picture())).status_code == 200


async def test_whoever_goes_away_takes_the_work_along(monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()
    really = asyncio.create_subprocess_exec
    children = []

    async def starting(*command: Any, **options: Any) -> Any:
        children.append(await really(*command, **options))
        started.set()
        return children[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", starting)
    working = asyncio.create_task(pictures.thumbnail(many_scans(7000, 1500)))
    await started.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert children[0].returncode == -signal.SIGKILL
    assert opened(await pictures.thumbnail(picture())).size == (256, 256)


async def test_what_is_damaged_is_refused_and_the_old_picture_stays(cast: Cast) -> None:
    whole = quarters("PNG"), quarters("JPEG"), quarters("WEBP"), quarters("GIF")
    await put(cast.olive, picture())
    before = (await cast.olive.api.get("/me")).json()["avatar"]
    broken = [data[: len(data) // 2] for data in whole] + [b"", b"GIF89a", b"\xff\xd8\xff", b"<svg/>", b"\0" * 999]
    broken += [data[:40] + bytes(len(data) - 40) for data in whole] + [claiming(100, 100), claiming(0, 0)]
    for data in broken:
        answer = await put(cast.olive, data)
        assert answer.status_code == 422, data[:40]
        assert set(answer.json()["errors"]) == {"avatar"}
    assert (await cast.olive.api.get("/me")).json()["avatar"] == before


async def test_five_megabytes_are_taken_and_no_more(cast: Cast) -> None:
    noise = Image.effect_noise((1200, 1200), 90)
    data = encoded(noise, "PNG")
    fits = data + bytes(5 * 1024 * 1024 - len(data))
    whole = await put(cast.olive, fits)
    assert whole.status_code == 200, whole.text
    assert (await put(cast.olive, fits + b"x")).status_code == 413
    page = await cast.olive.browser.post(
        "/me/avatar?_method=put", files={"avatar": ("x.png", fits + b"x", "image/png")}
    )
    assert page.status_code == 413
    assert "5 MB" in str(errors(form(page, "/me/avatar?_method=put")))
    boundless = await cast.olive.api.put("/me/avatar", content=chunks(20), headers={"content-type": "image/png"})
    assert boundless.status_code == 413


async def chunks(megabytes: int) -> Any:
    for _ in range(megabytes):
        yield bytes(1_000_000)


async def test_who_is_not_signed_in_makes_us_keep_nothing(server: Server) -> None:
    sent = []

    async def endless() -> Any:
        for _ in range(64):
            sent.append(1)
            yield bytes(1_000_000)

    program = server.client(accept="application/json")
    try:
        answer = await program.put("/me/avatar", content=endless(), headers={"content-type": "image/png"})
        assert answer.status_code == 401
    except httpx.WriteError:
        assert len(sent) < 64, "refused while it was still on its way"


async def test_a_form_that_is_no_form_is_refused(cast: Cast) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x" * 300):
        assert (await put(cast.olive, b"--x\r\nnonsense", kind)).status_code in (400, 422), kind
    for body in (b"--x\r\n\r\n", b"--x--", b"x", b"--x\r\ncontent-disposition: form-data; name=avatar\r\n\r\n"):
        assert (await put(cast.olive, body, "multipart/form-data; boundary=x")).status_code in (400, 422), body
    head = b'--x\r\ncontent-disposition: form-data; name="avatar"\r\n\r\n'
    other = b'\r\ncontent-disposition: form-data; name="other"\r\n\r\n\r\n--x--\r\n'
    for slow in (b"\r\n--x!" * 30 + b"\r\n--x", b"\r\n--x" + b" " * 30):  # the parser goes on by single bytes
        answer = await put(cast.olive, head + b"no picture" + slow + other, "multipart/form-data; boundary=x")
        assert answer.status_code == 400
    many = b"".join(b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(30)) + b"--x--\r\n"
    assert (await put(cast.olive, many, "multipart/form-data; boundary=x")).status_code == 400
    empty = await cast.olive.browser.post("/me/avatar?_method=put", files={"avatar": ("", b"", "image/png")})
    assert (empty.status_code, set(errors(form(empty, "/me/avatar?_method=put")))) == (422, {"avatar"})
    assert (
        await cast.olive.api.put("/me/avatar", content=picture(), headers={"content-type": "text/x"})
    ).status_code == 415


async def test_a_body_made_to_keep_the_parser_busy_stops_nobody_else(cast: Cast) -> None:
    kind = "multipart/form-data; boundary=" + "-" * 60
    head = b"--" + b"-" * 60 + b'\r\ncontent-disposition: form-data; name="avatar"\r\n\r\n'
    async with awake(cast.server):
        for filling in (b"\r\n--" + b"-" * 59, b"\r\n", b"\r", b"-"):
            body = head + (filling * (5_000_000 // len(filling)))
            assert (await put(cast.olive, body, kind)).status_code in (400, 422)


async def test_another_site_cannot_send_a_picture(cast: Cast) -> None:
    answer = await cast.olive.browser.post(
        "/me/avatar?_method=put", files={"avatar": picture()}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403


async def test_a_person_sends_one_at_a_time_and_all_together_a_few(cast: Cast) -> None:
    held = asyncio.Event()

    async def slowly() -> Any:
        yield picture()[:20]
        await held.wait()
        yield picture()[20:]

    first = asyncio.create_task(put(cast.olive, slowly()))
    async with asyncio.timeout(30):
        while cast.olive.id not in uploads._sending:
            await asyncio.sleep(0.005)  # nothing tells when it has begun
    assert (await put(cast.olive, picture())).status_code == 429
    others = set(range(-1, -uploads.MOST_AT_ONCE, -1))
    uploads._sending.update(others)
    try:
        assert (await put(cast.milo, picture())).status_code == 503
    finally:
        uploads._sending.difference_update(others)
    assert (await put(cast.milo, picture())).status_code == 200
    held.set()
    assert (await first).status_code == 200
    assert not uploads._sending


async def test_a_picture_is_seen_by_who_sees_the_person(cast: Cast) -> None:
    address = (await put(cast.olive, picture())).json()["avatar"]
    assert (await cast.milo.api.get(address)).status_code == 200
    assert (await cast.nobody.api.get(address)).status_code == 401
    assert (await cast.milo.api.get(address + "0")).status_code == 404
    assert (await cast.milo.api.get(address.replace(str(cast.olive.id), str(cast.milo.id), 1))).status_code == 404
    for strange in ("/avatars/99999999999999999999/x", f"/avatars/{cast.olive.id}/a%00b", "/avatars/x/y"):
        assert (await cast.milo.api.get(strange)).status_code in (400, 404), strange
    await cast.olive.api.put("/people/milo/block")
    assert (await cast.milo.api.get(address)).status_code == 404
    assert (await cast.mina.api.get(address)).status_code == 200
    await database.fetch("UPDATE person SET deactivated_at = now() WHERE id = $1", cast.olive.id)
    assert (await cast.mina.api.get(address)).status_code == 404


async def test_a_picture_shows_wherever_initials_did_and_goes_when_it_is_removed(cast: Cast) -> None:
    direct = (await cast.milo.api.put("/direct/olive")).json()["id"]
    await cast.say(cast.olive, "hello")
    await cast.say(cast.olive, "hello", direct)
    places = [
        (f"/conversations/{cast.chess}", "#messages .avatar"),
        (f"/conversations/{cast.chess}", ".members .avatar"),
        (f"/conversations/{cast.chess}", ".sidebar .avatar"),
        (f"/conversations/{direct}", ".conversation-head .avatar"),
        (f"/conversations/{cast.chess}/members", "#members .avatar"),
        ("/people", "#people .avatar"),
        ("/people/olive", ".person-card .avatar"),
    ]

    async def pictured(path: str, where: str) -> set[str]:
        found = parsed(await cast.milo.browser.get(path)).select(f"{where} > img")
        assert all(image["alt"] == "" for image in found)
        return {str(image["src"]) for image in found}

    async def everywhere() -> list[set[str]]:
        return [await pictured(*place) for place in places]

    assert await everywhere() == [set()] * len(places)
    one = (await put(cast.olive, picture(colour="red"))).json()["avatar"]
    assert await everywhere() == [{one}] * len(places)
    other = (await put(cast.olive, picture(colour="blue"))).json()["avatar"]
    assert other != one
    assert await everywhere() == [{other}] * len(places)
    assert (await cast.milo.api.get(one)).status_code == 404
    mine = parsed(await cast.olive.browser.get("/me"))
    assert [image["src"] for image in mine.select(".person-head img, .sidebar-me img")] == [other] * 2
    gone = await cast.olive.browser.post("/me/avatar?_method=delete")
    assert (gone.status_code, gone.headers["location"]) == (303, "/me")
    assert await everywhere() == [set()] * len(places)
    assert await database.fetch_value("SELECT count(*) FROM avatar") == 0
    assert (await cast.olive.api.delete("/me/avatar")).status_code == 204


async def test_programs_are_told_the_address_and_who_has_none_is_told_as_before(cast: Cast) -> None:
    plain = await cast.say(cast.olive, "hello")
    assert set(plain["author"]) == {"id", "username", "name"}
    address = (await put(cast.olive, picture())).json()["avatar"]
    sent = await cast.say(cast.olive, "hello again")
    assert sent["author"]["avatar"] == address
    history = (await cast.milo.api.get(f"/conversations/{cast.chess}/messages")).json()["messages"]
    assert {m["author"].get("avatar") for m in history if m["author"]["id"] == cast.olive.id} == {address}


async def test_pictures_cost_a_page_no_statement(cast: Cast) -> None:
    await cast.say(cast.olive, "hello")
    page = f"/conversations/{cast.chess}"
    await statements_of(cast.milo.browser.get(page))
    before = await statements_of(cast.milo.browser.get(page))
    for who in (cast.olive, cast.milo, cast.mina):
        await put(who, picture())
    await statements_of(cast.milo.browser.get(page))  # what is kept of the page is of the old pictures
    assert await statements_of(cast.milo.browser.get(page)) == before


async def test_the_page_offers_to_upload_and_to_remove_what_is_there(cast: Cast) -> None:
    assert "Remove picture" not in says(await cast.olive.browser.get("/me"))
    page = await cast.olive.browser.post("/me/avatar?_method=put", files={"avatar": ("a.txt", b"hello", "text/plain")})
    assert (page.status_code, set(errors(form(page, "/me/avatar?_method=put")))) == (422, {"avatar"})
    await put(cast.olive, picture())
    assert "Remove picture" in says(await cast.olive.browser.get("/me"))
