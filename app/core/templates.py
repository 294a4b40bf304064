"""The Jinja environments, one a language, and what every template may call."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core import i18n, text

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "static"


# What packages add for their own templates; the composition root fills it before the first page.
FILTERS: dict[str, Callable[..., object]] = {}


@lru_cache
def environment(language: str) -> Environment:
    """Templates whose strings are in that language; undefined names raise, so a typo cannot show as nothing."""
    made = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        cache_size=-1,
    )
    made.install_gettext_translations(i18n.catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(static=static_url, languages=i18n.LANGUAGES, zones=i18n.zones)
    made.filters.update(FILTERS)
    made.filters.update(
        clock=i18n.clock, day=i18n.day, day_key=i18n.day_key, stamp=i18n.stamp, iso=iso, initials=text.initials
    )
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
