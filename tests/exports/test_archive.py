"""The ZIP: what is in it, how it is written, and that other programs read it."""

import hashlib
import io
import json
import os
import stat
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.exports import archive, manifest, zipped
from app.exports.model import CancelledExport, Out
from tests.exports.story import ASKED, WORDS, Memory, archived, head, order, pair, words

KEY, PUBLIC = pair()


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


async def test_it_holds_the_export_and_what_proves_it() -> None:
    with opened(await archived(KEY)) as zipped_:
        assert zipped_.testzip() is None
        names = ["README.txt", "key.pub", "Chess club.json", "manifest.json", "manifest.sig"]
        assert zipped_.namelist() == names
        assert zipped_.read("Chess club.json") == WORDS
        said = zipped_.read("manifest.json")
        read = json.loads(said)
        for file in read["files"]:
            data = zipped_.read(file["name"])
            assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert [file["name"] for file in read["files"]] == names[:3]
        assert read["conversation"] == {"id": 7, "kind": "group", "title": "Chess club"}
        assert read["asked_by"] == {"id": 4, "username": "mina", "name": "Mina Member"}
        assert (read["from"], read["to"], read["count"]) == (None, "2026-11-21T09:30:00Z", 200)
        assert (read["instance"], read["format"], read["kind"]) == ("https://chat.example.org", "json", "conversation")
        key = serialization.load_pem_public_key(zipped_.read("key.pub"))
        assert isinstance(key, Ed25519PublicKey)
        key.verify(zipped_.read("manifest.sig"), said)  # as the README says that one does it without us


async def test_the_same_export_gives_the_same_bytes() -> None:
    assert await archived(KEY) == await archived(KEY)
    with opened(await archived(KEY)) as zipped_:
        for member in zipped_.infolist():
            assert member.date_time == (2026, 11, 21, 9, 30, 6), "the moment that it shows; a ZIP counts in twos"
            assert stat.S_IMODE(member.external_attr >> 16) == 0o644


@pytest.mark.parametrize(
    "name", ["Été à la mer.pdf", "会话 2026.csv", "محادثة.json", "گفت\u200cوگو.json", "🦊 club.json"]
)
async def test_names_are_right_in_every_script(name: str) -> None:
    with opened(await archived(KEY, name)) as zipped_:
        assert name in zipped_.namelist()
        assert zipped_.getinfo(name).flag_bits & 0x800, "which says that it is UTF-8"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "../up.json",
            "a/b.json",
            "a\\b",
            "C:x",
            "nul.json",
            ".hidden",
            "end.",
            "\u202etxt.exe",
            "a\nb",
            "x" * 201,
        ),
        *("-rf", "e\u0301.json", "manifest.json", "MANIFEST.JSON", "Key.pub", "\ud800"),
    ],
)
async def test_a_name_that_some_system_would_take_otherwise_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no file of an archive"):
        await archived(KEY, name)


async def test_two_files_never_have_names_that_some_system_takes_for_one() -> None:
    with pytest.raises(ValueError, match="no file of an archive"):
        await archived(KEY, "Club.json", "club.json")


async def test_the_readme_speaks_the_language_of_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(archive, "_", lambda text: asked.append(archive.i18n.current().language) or text)  # type: ignore[func-returns-value, attr-defined]
    await archived(KEY, language="fr")
    assert set(asked) == {"fr"}


async def test_what_is_done_is_told_on() -> None:
    out, asked = Memory(), order()
    await archive.write(asked, head(asked), [("a.json", words)], out, KEY)
    assert out.messages == 200


async def test_when_nobody_wants_it_any_more_it_ends_at_once() -> None:
    class Cancelled(Memory):
        async def done(self, messages: int) -> None:
            raise CancelledExport

    asked = order()
    with pytest.raises(CancelledExport):
        await archive.write(asked, head(asked), [("a.json", words)], Cancelled(), KEY)


async def test_a_large_file_takes_no_more_memory_than_a_piece() -> None:
    block = os.urandom(1 << 18)

    class Counted(Memory):
        async def write(self, data: bytes) -> None:
            self.messages += len(data)
            self.longest = max(self.longest, len(data))

    async def much(to: Out) -> None:
        for _ in range(160):
            await to.write(block)
        await to.write(block * 16)  # at once

    asked, out = order(), Counted()
    tracemalloc.start()
    try:
        await archive.write(asked, head(asked), [("a.json", much)], out, KEY)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert out.messages > 44_000_000, "it was large, or this means nothing"
    assert peak < 10_000_000
    assert out.longest < 2 * archive.PIECE


@pytest.mark.parametrize("start", [1000, 2**31 + 5, 2**33])
def test_what_verify_expects_at_the_end_is_what_is_written_at_any_size(start: int) -> None:
    """Without writing 8 GB: members as they would stand there, and the directory that zipfile writes of them."""
    members = [
        zipped.Member("échecs.json", 0, start - 700, _stamp(), True, 7, start - 900, 3 * start, "", b""),
        zipped.Member("manifest.json", start - 700, start, _stamp(), False, 8, 600, 590, "", b""),
    ]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as zipped_:
        for member in members:
            info = zipfile.ZipInfo(member.name, manifest.stamp(ASKED))
            info.create_system, info.external_attr, info.compress_type = 3, zipped.MODE, zipfile.ZIP_DEFLATED
            info.flag_bits = zipped.DESCRIBED
            info.CRC, info.compress_size, info.file_size = member.crc, member.packed, member.size
            info.header_offset = member.offset
            if member.large:
                info.create_version = info.extract_version = 45
            zipped_.filelist.append(info)
        before = _Far(made, start)
        zipped_.fp = before  # type: ignore[assignment]
        zipped_.start_dir = start
        zipped_._didModify = True  # type: ignore[attr-defined]
    assert made.getvalue() == zipped.end_of(members)


def _stamp() -> tuple[int, int]:
    year, month, day, hour, minute, second = manifest.stamp(ASKED)
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


class _Far:
    """A file that believes to begin so far behind its beginning."""

    def __init__(self, file: io.BytesIO, start: int) -> None:
        self.start = start
        self.tell: Callable[[], int] = lambda: start + file.tell()
        self.seek: Callable[[int], object] = lambda at: file.seek(at - start)
        self.write, self.flush, self.close = file.write, file.flush, lambda: None
