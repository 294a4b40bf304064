"""The strings to translate: `python -m tests.catalogue` (`make messages`) gathers them into app/locale.

What is translated stays, what is new comes with an empty translation (and a test fails until it has one), what is no
longer used goes. English is the text itself, so French is the only catalogue.
"""

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
FRENCH = ROOT / "app" / "locale" / "fr" / "LC_MESSAGES" / "messages.po"
TEMPLATE_OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}
HEADER = """\
# French. `make messages` gathers the strings; what is new is translated by hand.
msgid ""
msgstr ""
"Language: fr\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
Id = str | tuple[str, str]


def gathered() -> Catalog:
    """Every string of the code and the templates that a person may read, each with the files in which it stands."""
    found = Catalog(locale="fr")
    templates = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")]
    for path in sorted([*(ROOT / "app").rglob("*.py"), *templates]):
        method, options = ("python", {}) if path.suffix == ".py" else ("jinja2", TEMPLATE_OPTIONS)
        for _line, message, _comments, _context in extract_from_file(method, path, DEFAULT_KEYWORDS, (), options):
            found.add(message, locations=[(str(path.relative_to(ROOT)), 0)])
    return found


def translated() -> Catalog:
    """The French catalogue as it is."""
    with FRENCH.open("rb") as file:
        return read_po(file, locale="fr")


def identity(message_id: object) -> Id:
    """The id of a message as a key: the text, or its singular and its plural."""
    return message_id if isinstance(message_id, str) else tuple(message_id)  # type: ignore[arg-type,return-value]


def merge() -> list[Id]:
    """Brings the French catalogue up to date; gives the ids that wait for a translation."""
    before = {identity(message.id): message.string for message in translated()}
    merged, waiting = Catalog(locale="fr"), []
    for message in gathered():
        if message.id:
            text = before.get(identity(message.id), "")
            merged.add(message.id, text, locations=message.locations, flags=message.flags - {"fuzzy"})
            if not text or not all(text):
                waiting.append(identity(message.id))
    written = io.BytesIO()
    write_po(written, merged, width=120, sort_by_file=True, include_lineno=False, omit_header=True)
    FRENCH.write_text(HEADER + "\n" + written.getvalue().decode().strip() + "\n")
    return waiting


if __name__ == "__main__":
    for waiting in merge():
        print(f"to be translated: {waiting}")
