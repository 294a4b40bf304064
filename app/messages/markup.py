"""The text of a message as safe HTML: links, line breaks, code and emphasis. What was written stays as it was written.

Three walls: the renderer takes no HTML, it makes only the elements named here, and an allow-list passes over its output
once more. Whatever a person types, nothing can run.
"""

import html
import re
from typing import Any

import nh3
from markdown_it import MarkdownIt

from app.core.cache import Cache

# A text without any of these marks is the same in Markdown and out of it; most messages are, and they cost 2 µs.
_PLAIN = re.compile(r"[^*_`~<>&\\\n\[\]]*")
# Headings, lists, quotes, tables and images come with the full Markdown; until then they show as they were typed.
_RULES = ["fence", "paragraph", "text", "newline", "escape", "backticks", "emphasis", "strikethrough", "linkify"]
_RULES += ["text_join", "fragments_join", "balance_pairs", "normalize", "block", "inline"]
_SCHEMES = {"http", "https", "mailto"}
# To look for addresses takes time by the square of their number; nobody reads a message of more than a hundred.
_ADDRESS = re.compile(r"://|@|www\.|mailto:", re.IGNORECASE)
_MOST_ADDRESSES = 100
_EMPTY_BLOCK = re.compile(r"<pre><code[^>]*>\s*</code></pre>")
_LINK_TO_NOWHERE = re.compile(r"<a (?!href)")
_TAGS = {"p", "br", "a", "code", "pre", "em", "strong", "s"}
_DEEPEST = 40


def _parser(links: bool) -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False, "linkify": links, "breaks": True, "maxNesting": _DEEPEST})
    parser.enable(_RULES)
    if not links:
        return parser
    assert parser.linkify is not None
    # "file.py", "oui.non" and "//this.way" are not links; a scheme or www says that one is meant. Mail addresses are.
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True, "fuzzy_ip": False})
    for schema in ("ftp:", "//"):
        parser.linkify.add(schema, None)
    # An address is shown as it was typed: decoded, it could be dressed up as another (xn--…, %E2%80%AE).
    parser.__dict__["normalizeLinkText"] = str
    parser.linkify.add("www.", {"validate": _rest_of_host(parser.linkify.re), "normalize": _with_scheme})
    return parser


def _rest_of_host(parts: dict[str, str]) -> re.Pattern[str]:
    """What may follow "www.": a host name with a dot in it, and a path."""
    host = f"(?:{parts['src_domain']}\\.)+{parts['src_domain_root']}{parts['src_port']}{parts['src_host_terminator']}"
    return re.compile(f"^{host}{parts['src_path']}", re.IGNORECASE)


def _with_scheme(_linkify: Any, match: Any) -> None:
    match.url = f"http://{match.url}"


_markdown, _without_links = _parser(links=True), _parser(links=False)


_cache: Cache[str] = Cache(most=8_000_000)


def render(body: str) -> str:
    """The HTML of a text, each block on its own line; never raises, and never more than it was given to show."""
    found = _cache.get(body)
    return _cache.keep(body, _made(body)) if found is None else found


def _made(body: str) -> str:
    if _PLAIN.fullmatch(body) and not _ADDRESS.search(body):
        return f"<p>{html.escape(body)}</p>"
    parser = _markdown if len(_ADDRESS.findall(body)) <= _MOST_ADDRESSES else _without_links
    try:
        made = parser.render(body)
    except RecursionError:  # nested beyond sense
        made = _as_typed(body)
    if _EMPTY_BLOCK.search(made):  # a fence around nothing would show nothing of what was written
        made = _as_typed(body)
    cleaned = _cleaned(made)
    # What looks like an address and is none to the allow-list (http://a.b|) would be a link to nowhere.
    return _cleaned(_without_links.render(body)) if _LINK_TO_NOWHERE.search(cleaned) else cleaned


def _cleaned(made: str) -> str:
    return nh3.clean(
        made,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
        set_tag_attribute_values={"a": {"target": "_blank"}, "pre": {"tabindex": "0"}},
    ).strip()


def _as_typed(body: str) -> str:
    return "<p>" + html.escape(body).replace("\n", "<br>\n") + "</p>"
