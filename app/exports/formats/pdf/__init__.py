"""An export as a book to read and to keep: PDF/A-3a and PDF/UA-1, with the same as JSON attached.

WeasyPrint is imported only when something is written: it takes a second and forty megabytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core import i18n
from app.core.i18n import Locale
from app.exports.formats import json
from app.exports.model import Out, Source
from app.exports.person import PersonData


async def write(source: Source, out: Out) -> None:
    """The conversation. Raises CancelledExport between two stretches when nobody wants it any more."""
    from app.exports.formats.pdf import conversation, writing

    with _speaking(source.head.order.locale):
        await writing.write(conversation.Transcript(source), out, lambda attached: json.write(source, attached))


async def write_person(data: PersonData, out: Out) -> None:
    """All of a person's data, in the same way."""
    from app.exports.formats.pdf import person, writing

    with _speaking(data.head.order.locale):
        await writing.write(person.Dossier(data), out, lambda attached: json.write_person(data, attached))


@contextmanager
def _speaking(locale: Locale) -> Iterator[None]:
    before = i18n.current()
    i18n.use(locale)
    try:
        yield
    finally:
        i18n.use(before)
