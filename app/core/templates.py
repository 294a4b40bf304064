"""The Jinja environments, one a language, and what every template may call."""

import hashlib
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from app.core import i18n, text

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "static"


# What packages add for their own templates; the composition root fills it before the first page.
FILTERS: dict[str, Callable[..., object]] = {}


class _Translation(NodeTransformer):
    """Puts constant strings into the language when a template is compiled, for each language has its own environment: a
    page has a hundred of them, and would look each up and format it again."""

    def __init__(self, gettext: Callable[[str], str]) -> None:
        self.gettext = gettext

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        is_translation = isinstance(node.node, nodes.Name) and node.node.name == "_" and len(node.args) == 1
        if is_translation and not node.kwargs and isinstance(node.args[0], nodes.Const):
            return nodes.Const(Markup(self.gettext(node.args[0].value)) % {}, lineno=node.lineno)
        return node


class _Environment(Environment):
    language_gettext: Callable[[str], str]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Translation(self.language_gettext).visit(super()._parse(source, name, filename))
        return tree

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Plain, once a template is loaded: Jinja's own chain of maps is walked through anew by each rendering."""
        return {**self.globals, **(d or {})}


@lru_cache
def environment(language: str) -> Environment:
    """Templates whose strings are in that language; undefined names raise, so a typo cannot show as nothing."""
    made = _Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        cache_size=-1,
        auto_reload=False,
    )
    made.language_gettext = i18n.catalogue(language).gettext
    made.install_gettext_translations(i18n.catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(static=static_url, languages=i18n.LANGUAGES, zones=i18n.zones)
    made.filters.update(FILTERS)
    made.filters.update(
        clock=i18n.clock,
        day=i18n.day,
        day_key=i18n.day_key,
        stamp=i18n.stamp,
        size=i18n.size,
        number=i18n.number,
        iso=iso,
        initials=text.initials,
    )
    # One module for all templates: an import in each would run the macros' file again for each.
    made.globals["assets"] = Markup(made.get_template("_assets.html").render())  # the same on every page
    made.globals["ui"] = made.get_template("macros.html").module
    return made


@lru_cache
def plain_environment(language: str) -> Environment:
    """The same for plain text: nothing is escaped, for nothing in it means anything."""
    made = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=False,  # noqa: S701 - mail.txt is no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.install_gettext_translations(i18n.catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(stamp=i18n.stamp, apart=text.apart)
    return made


def iso(moment: object) -> str:
    """2026-11-20T14:05:09Z"""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")  # type: ignore[attr-defined,no-any-return]


@lru_cache
def static_root() -> str:
    """/static/3f2a91c07b: a fingerprint of all static files in the path, so that they may be cached for ever.

    In the path and not in a query, for scripts import each other by relative addresses.
    """
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(STATIC)).encode() + b"\0" + path.read_bytes())
    return f"/static/{digest.hexdigest()[:10]}"


def static_url(path: str) -> str:
    """The address of a static file."""
    return f"{static_root()}/{path}"
