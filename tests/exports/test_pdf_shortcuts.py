"""What is quicker draws the same: each page of a conversation, to the last byte."""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest

from app.exports.formats import pdf as export
from app.exports.formats.pdf import press, shortcuts
from app.exports.formats.pdf.conversation import Transcript
from app.exports.formats.pdf.press import Press, places
from tests.exports.conftest import Written
from tests.exports.test_pdf import conversation
from tests.exports.transcripts import Told


async def drawn() -> list[bytes]:
    out = Written()
    await export.write(Told(conversation()), out)
    return [page.Contents.read_bytes() for page in pikepdf.open(io.BytesIO(out.data)).pages]


@pytest.fixture(scope="module")
async def quick() -> list[bytes]:
    return await drawn()


@pytest.mark.parametrize(
    "left_out",
    [
        lambda patch: patch.setattr(shortcuts, "TABLE", []),
        lambda patch: patch.setattr(press, "_tree", lambda _source: None),
    ],
    ids=["what is kept for each style", "HTML read as XML"],
)
async def test_the_pages_are_the_same_without(
    left_out: Callable[[pytest.MonkeyPatch], None], quick: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    left_out(monkeypatch)
    slow = await drawn()
    assert len(slow) == len(quick) > 5
    for page, (one, other) in enumerate(zip(slow, quick, strict=True)):
        assert one == other, page


def test_nothing_is_left_in_its_place_afterwards() -> None:
    before = [getattr(there, name) for there, name, _mine in shortcuts.TABLE]
    with shortcuts.taken():
        assert [getattr(there, name) for there, name, _mine in shortcuts.TABLE] != before
    assert [getattr(there, name) for there, name, _mine in shortcuts.TABLE] == before


async def test_messages_share_their_style_and_each_has_its_place() -> None:
    """A style of its own for each is what makes an export slow."""
    source: Any = Told(conversation())
    pieces = [piece async for pieces in Transcript(source).pieces() for piece in pieces][1:5]
    page = Press("en", "a4", "x", "y").lay("".join(piece.html for piece in pieces)).pages[0]
    assert list(places(page)) == [piece.name for piece in pieces]
    articles = page._page_box.children[0].children[0].children
    styles = {(box.element.get("class"), id(box.style)) for box in articles}
    assert len(articles) == 4 and len(styles) == len({name for name, _style in styles})
