"""All of a person's data as PDF: what there is, section by section."""

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest

from app.core import database, i18n
from app.core.i18n import Locale
from app.exports import person
from app.exports.formats import pdf as export
from app.exports.formats.pdf import shortcuts, words
from app.notifications import choices
from app.people import privacy
from app.people.policy import ROLES
from tests.conftest import Actor, Cast
from tests.exports.conftest import INSTANCE, Written, order
from tests.exports.transcripts import text_of


async def test_it_has_a_section_for_each_kind_and_the_json_of_it_all(cast: Cast, tmp_path: Path) -> None:
    me: Actor = cast.olive
    out = Written()
    async with person.opened(order(me, None, format="pdf"), INSTANCE) as data:
        count = data.head.count
        await export.write_person(data, out)
    path = tmp_path / "me.pdf"
    path.write_bytes(out.data)
    text = text_of(path)
    assert "My data" in text and me.username in text and "Profile" in text and "Settings" in text
    assert "Conversations" in text
    assert out.messages == count
    opened = pikepdf.open(io.BytesIO(out.data))
    assert opened.check_pdf_syntax() == []
    assert list(opened.attachments) == [f"causerie-{me.username}.json"]
    with opened.open_outline() as outline:
        titles = [item.title for item in outline.root]
    assert titles[:2] == ["Profile", "Settings"]


async def test_ones_own_messages_stand_under_their_days(cast: Cast, tmp_path: Path) -> None:
    me: Actor = cast.olive
    await cast.say(me, "what **I** said")
    out = Written()
    async with person.opened(order(me, None, format="pdf"), INSTANCE) as data:
        await export.write_person(data, out)
    path = tmp_path / "me.pdf"
    path.write_bytes(out.data)
    assert "what I said" in text_of(path)
    with pikepdf.open(path) as opened, opened.open_outline() as outline:
        found = {item.title: len(item.children) for item in outline.root}
    assert found["Messages"] >= 1


async def test_what_one_was_told_of_stands_under_the_day_when_it_was_last_told(cast: Cast) -> None:
    """By which it is in order too; and by which it is of the range."""
    me = cast.olive
    await database.fetch("DELETE FROM notification WHERE person = $1", me.id)
    for created, updated in ((1, 9), (5, 6), (4, 7), (2, 8), (1, 20)):
        await database.fetch(
            """
            INSERT INTO notification (person, kind, actor, in_app, read_at, created_at, updated_at)
            VALUES ($1, 'contact_accepted', $2, true, now(), $3, $4)
            """,
            me.id,
            cast.milo.id,
            datetime(2026, 3, created, 12, tzinfo=UTC),
            datetime(2026, 3, updated, 12, tzinfo=UTC),
        )
    out = Written()
    start, end = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)
    async with person.opened(order(me, None, format="pdf", from_=start, to=end), INSTANCE) as data:
        assert data.head.notifications == 4
        await export.write_person(data, out)
    with pikepdf.open(io.BytesIO(out.data)) as opened, opened.open_outline() as outline:
        days = {item.title: [under.title for under in item.children] for item in outline.root}["Notifications"]
    assert days == [
        "Friday, 6 March 2026",
        "Saturday, 7 March 2026",
        "Sunday, 8 March 2026",
        "Monday, 9 March 2026",
    ]


def test_what_people_wrote_is_never_taken_for_a_word_of_ours() -> None:
    before, locale = i18n.current(), Locale("fr", "UTC")
    i18n.use(locale)
    try:
        assert words.shown("role", "teacher", locale) == "Enseignant"
        for name in ("name", "about", "title", "device"):
            assert words.shown(name, "teacher", locale) == "teacher"
    finally:
        i18n.use(before)


def test_what_is_chosen_from_a_few_is_said_in_words_and_not_by_its_name_in_the_code() -> None:
    chosen = {
        "push_shows": choices.PUSH_SHOWS,
        "presence": privacy.CHOICES,
        "direction": ("in", "out"),
        "state": ("asked_by_me", "asked_by_them", "accepted"),
        "role": ROLES,
    }
    before, locale = i18n.current(), Locale("fr", "UTC")
    i18n.use(locale)
    try:
        same = [(name, value) for name in chosen for value in chosen[name] if words.shown(name, value, locale) == value]
        assert same == []
        assert words.shown("push_shows", "nothing", locale) != words.shown("push", "nothing", locale)
    finally:
        i18n.use(before)


async def test_each_kind_of_notification_is_called_by_words_and_not_by_its_name_in_the_code(cast: Cast) -> None:
    check = await database.fetch_value(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'notification_kind_check'"
    )
    kinds = re.findall(r"'(\w+)'::text", check)
    assert "export_failed" in kinds
    assert [kind for kind in kinds if words.told(kind) == kind] == []


async def test_what_is_quicker_draws_the_same(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here there are floats, beside which lines are shorter."""
    await cast.say(cast.olive, "hello\n```\ncode\n```\n**and** more")
    found = []
    async with person.opened(order(cast.olive, None, format="pdf"), INSTANCE) as data:
        for table in (shortcuts.TABLE, []):
            monkeypatch.setattr(shortcuts, "TABLE", table)
            out = Written()
            await export.write_person(data, out)
            found.append([page.Contents.read_bytes() for page in pikepdf.open(io.BytesIO(out.data)).pages])
    assert found[0] == found[1] and len(found[0]) > 1
