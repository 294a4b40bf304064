"""The house itself: tables and schema agree, every template renders, every string is translated."""

import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from bs4 import BeautifulSoup
from jinja2 import Environment, nodes
from piccolo.columns import Column, ForeignKey

from app.core.templates import FILTERS, ROOT, STATIC, environment
from app.main import create_app
from app.piccolo_app import APP_CONFIG
from tests import catalogue
from tests.catalogue import Id, identity

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PYTHON = sorted((ROOT / "app").rglob("*.py"))
TYPES = {
    "BigSerial": "bigint",
    "BigInt": "bigint",
    "Integer": "integer",
    "Text": "text",
    "Timestamptz": "timestamp with time zone",
    "Bytea": "bytea",
    "UUID": "uuid",
    "Boolean": "boolean",
    "JSONB": "jsonb",
    "Time": "time without time zone",
    "Array": "ARRAY",
}


def kind(column: Column) -> str:
    """The Postgres type of a column; a foreign key has that of what it points to."""
    if isinstance(column, ForeignKey):
        return kind(column._foreign_key_meta.resolved_references._meta.primary_key)
    return TYPES[type(column).__name__]


async def test_the_tables_of_the_code_are_those_of_the_migrated_schema(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch(
        """
        SELECT table_name, column_name, data_type, is_nullable = 'YES' AS nullable FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name NOT LIKE 'pgqueuer%' AND table_name <> 'migration'
        """
    )
    await connection.close()
    schema: dict[str, set[tuple[str, str, bool]]] = {}
    for row in rows:
        schema.setdefault(row["table_name"], set()).add((row["column_name"], row["data_type"], row["nullable"]))
    code = {
        table._meta.tablename: {(c._meta.name, kind(c), c._meta.null) for c in table._meta.columns}
        for table in APP_CONFIG.table_classes
    }
    assert code.keys() == schema.keys()
    for name in code:
        assert code[name] == schema[name], name


async def test_every_foreign_key_has_an_index_and_says_what_happens_on_delete(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    bare = await connection.fetch(
        """
        SELECT c.conrelid::regclass::text || '.' || a.attname AS column FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
        )
        """
    )
    undecided = await connection.fetch("SELECT conname FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'a'")
    await connection.close()
    assert [row["column"] for row in bare] == []
    assert [row["conname"] for row in undecided] == []


@pytest.fixture(scope="module")
def jinja() -> Environment:
    """The environment with the filters that the composition root adds."""
    create_app(_settings())
    assert FILTERS
    return environment("fr")


def _settings() -> Any:
    from app.core.settings import load

    return load({"DATABASE_URL": "postgresql://nobody@localhost/nothing", "SECRET_KEY": "k" * 64})


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


def test_every_template_compiles_and_finds_what_it_includes(jinja: Environment) -> None:
    known = {relative(path) for path in TEMPLATES}
    assert len(known) > 20
    for path in TEMPLATES:
        jinja.get_template(relative(path))
        tree = jinja.parse(path.read_text())
        naming: Any = tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport))
        for node in naming:
            for name in (node.template, *node.template.find_all(nodes.Const)):
                _assert_known(getattr(name, "value", None), known, path)


def _assert_known(name: object, known: set[str], path: Path) -> None:
    if isinstance(name, str) and name.endswith(".html"):
        assert name in known, f"{relative(path)} names {name}, which is not there"


def test_every_template_is_used_by_the_code_or_by_another_template() -> None:
    everything = "\n".join(path.read_text() for path in [*PYTHON, *TEMPLATES])
    for path in TEMPLATES:
        assert f'"{relative(path)}"' in everything or f"'{relative(path)}'" in everything, f"nobody uses {path.name}"


def test_every_static_file_that_is_named_is_there() -> None:
    for path in TEMPLATES:
        for name in re.findall(r"static\('([^'~]+)'\)", path.read_text()):
            assert (STATIC / name).is_file(), f"{relative(path)} names {name}"
    for path in STATIC.rglob("*.css"):
        for name in re.findall(r"""(?:@import|url\()\s*["']?([^"')\s;]+)""", path.read_text()):
            if not name.startswith(("data:", "#")):
                assert (path.parent / name).is_file(), f"{path.name} names {name}"
    for path in (STATIC / "js").glob("*.js"):
        for name in re.findall(r"""^\s*import[^;]*?["'](\./[^"']+)["']""", path.read_text(), re.MULTILINE):
            assert (path.parent / name).is_file(), f"{path.name} names {name}"


def test_templates_hold_no_script_and_no_style_of_their_own() -> None:
    """The content security policy would not let them run. A mail has none, and can load no style sheet."""
    for path in (path for path in TEMPLATES if path.name != "mail.html"):
        page = BeautifulSoup(path.read_text(), "html.parser")
        assert page.find("style") is None, path
        assert all(script.get("src") for script in page.find_all("script")), path
        for element in page.find_all(True):
            for name in element.attrs:
                assert name != "style", (relative(path), element)
                assert not name.startswith(("on", "hx-on")), (relative(path), element)


# Texts that are the same in every language.
SAME = {"Causerie", "OpenAPI", "@", "99+", "GET", "JSON"}
READ = ("title", "placeholder", "alt", "aria-label", "aria-description", "aria-roledescription")


def test_templates_hold_no_text_that_is_not_translated() -> None:
    """Letters outside of tags and of `{{ _(…) }}`; and in the attributes that are read to people."""
    for path in TEMPLATES:
        # The block is a class of the body, not a text.
        bare = re.sub(r"\{% block body_class %\}.*?\{% endblock %\}", "", path.read_text())
        bare = re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", bare, flags=re.DOTALL)
        bare = re.sub(r"\{\{.*?\}\}", "\u2400", bare, flags=re.DOTALL)
        page = BeautifulSoup(bare, "html.parser")
        for text in page.find_all(string=True):
            if text.parent is not None and text.parent.name in ("code", "script", "style"):
                continue
            words = [word for word in re.findall(r"[^\W\d_]{2,}\+?", str(text)) if word not in SAME and word != "html"]
            assert not words, f"{relative(path)}: {words} is not translated"
        for element in page.find_all(True):
            for name in READ:
                value = str(element.get(name, ""))
                assert not re.search(r"[^\W\d_]{2,}", value), f"{relative(path)}: {name}={value!r} is not translated"


def test_expressions_in_templates_show_no_literal_text() -> None:
    """`{{ 'Yes' if … }}` would escape the test above."""
    for path in TEMPLATES:
        for expression in re.findall(r"\{\{(.*?)\}\}", path.read_text(), flags=re.DOTALL):
            rest = re.sub(r"""\b(?:_|ngettext|static)\((?:[^()]|\([^()]*\))*\)""", "", expression)
            for literal in re.findall(r"""['"]([^'"]*)['"]""", rest):
                assert not re.search(r"[A-Z]\w+ |[a-z]+ [a-z]+ ", literal), f"{relative(path)}: {literal!r}"


@pytest.fixture(scope="module")
def english() -> dict[Id, set[str]]:
    """What is to be translated, with the files in which it stands."""
    return {identity(m.id): {file for file, _line in m.locations} for m in catalogue.gathered() if m.id}


@pytest.fixture(scope="module")
def french() -> dict[Id, Any]:
    return {identity(message.id): message for message in catalogue.translated() if message.id}


def test_every_string_has_a_french_translation(english: dict[Id, set[str]], french: dict[Id, Any]) -> None:
    assert len(english) > 150
    missing = {text: files for text, files in english.items() if text not in french or not _filled(french[text].string)}
    assert not missing, f"translate them (`make messages` gathers them): {missing}"
    assert not set(french) - set(english), "translations of what is no longer said: `make messages` drops them"
    assert not [text for text, message in french.items() if message.fuzzy], "a fuzzy translation is not used"


def _filled(string: str | tuple[str, ...]) -> bool:
    return bool(string) and (isinstance(string, str) or all(string))


NAMES = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{(\w+)\}")


def test_translations_keep_the_names_that_are_filled_in(french: dict[Id, Any]) -> None:
    for text, message in french.items():
        one, many = (text, text) if isinstance(text, str) else text
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        for original, string in zip((one, many), strings, strict=False):
            wanted, got = (sorted(m[0] for m in NAMES.finditer(t)) for t in (original, string))
            assert got == wanted, (original, string)


def test_translations_are_text_that_can_stand_in_a_page_and_in_an_attribute(french: dict[Id, Any]) -> None:
    """In templates they are not escaped again: `gettext` of Jinja takes them for markup."""
    for text, message in french.items():
        for string in (message.string,) if isinstance(message.string, str) else message.string:
            assert not re.search(r"[<>&\"]", string), (text, string)


def test_french_is_set_as_french_is_set(french: dict[Id, Any]) -> None:
    """A space that does not break stands before : ; ! ? and inside of « », and the apostrophe is the curved one."""
    for text, message in french.items():
        for string in (message.string,) if isinstance(message.string, str) else message.string:
            bare = re.sub(r"\d:\d+(,\d+:\d+)*|https?://\S*", "", string)
            assert not re.search(r"[^\u202f\u00a0][;!?]|[^\u00a0\u202f]:", bare), (text, string)
            assert not re.search(r"«[^\u00a0\u202f]|[^\u00a0\u202f]»", bare), (text, string)
            assert "'" not in bare, (text, string)
            assert "..." not in bare, (text, string)


def test_the_same_punctuation_ends_the_text_in_both_languages(french: dict[Id, Any]) -> None:
    for text, message in french.items():
        one = text if isinstance(text, str) else text[0]
        string = message.string if isinstance(message.string, str) else message.string[0]
        if one[-1] in "?!:…" or string[-1] in "?!:…":
            assert one[-1] == string[-1], (one, string)


def test_no_committed_line_waits_for_someone() -> None:
    for path in [*PYTHON, *TEMPLATES]:
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text()), path
