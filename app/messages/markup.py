"""The text of a message as safe HTML: links, line breaks, code and emphasis. What was written stays as it was written.

Three walls: the renderer takes no HTML, it makes only the elements named here, and an allow-list passes over its output
once more. Whatever a person types, nothing can run.
"""

import html
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

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
_TAGS = {"p", "br", "a", "code", "pre", "em", "strong", "s", "span"}
_DEEPEST = 40
# "@" at the beginning of a word, and a username as sign-up allows it: not the one in an address.
_MENTION = re.compile(r"(?<![\w@+/-])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,28}[A-Za-z0-9])?)(?![\w@])")
_MARKED = re.compile(r'<span class="mention">@([A-Za-z0-9._-]+)</span>')
EVERYONE = frozenset({"all", "tous"})


class Mentions(NamedTuple):
    """Whom a text mentions: pairs of the name in it and the username of today; and whether it is to everyone."""

    people: tuple[tuple[str, str], ...] = ()
    everyone: bool = False


NOBODY = Mentions()


def _mark(state: StateCore) -> None:
    """Notes the names in the text outside of code and links; those that mention someone become tokens of their own.

    Before what was escaped is text like the rest: an "@" behind a backslash names nobody."""
    for block in state.tokens:
        if block.children:
            block.children = list(_split(block.children, state.env))


def _split(tokens: list[Token], env: MutableMapping[str, Any]) -> Iterator[Token]:
    links = 0
    for token in tokens:
        links += (token.type == "link_open") - (token.type == "link_close")
        past = 0
        for found in _MENTION.finditer(token.content) if token.type == "text" and not links else ():
            name = found[1].lower()
            env.setdefault("said", {})[name] = True
            if name in env.get("names", ()):
                yield Token("text", "", 0, content=token.content[past : found.start()])
                yield Token("mention", "", 0, content=found[0])
                past = found.end()
        if past:
            token.content = token.content[past:]
        yield token


def _marked(_renderer: object, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    return f'<span class="mention">{tokens[at].content}</span>'


def _parser(links: bool) -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False, "linkify": links, "breaks": True, "maxNesting": _DEEPEST})
    parser.enable(_RULES)
    parser.core.ruler.before("text_join", "mentions", _mark)
    parser.add_render_rule("mention", _marked)
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


def render(body: str, mentions: Mentions = NOBODY) -> str:
    """The HTML of a text, each block on its own line; never raises, and never more than it was given to show."""
    key = (body, mentions) if mentions != NOBODY else body
    found = _cache.get(key)
    return _cache.keep(key, _linked(_made(body, mentions), mentions)) if found is None else found


def names(body: str) -> list[str]:
    """The names in a text that may mention someone, in small letters, in their order: none in code or in links."""
    if not _MENTION.search(body):
        return []
    env: dict[str, Any] = {}
    try:
        _chosen(body).parse(body, env)
    except RecursionError:
        return []
    return list(env.get("said", ()))


def _linked(made: str, mentions: Mentions) -> str:
    """The marks of mentions, which the allow-list let pass, as links. What they are made of are usernames: letters,
    digits and three marks, none of which means anything in HTML."""
    if mentions == NOBODY:
        return made
    usernames: Mapping[str, str] = dict(mentions.people)

    def link(found: re.Match[str]) -> str:
        username = usernames.get(found[1].lower())
        if username is None:
            return f'<span class="mention mention-all">@{found[1]}</span>'
        return f'<a class="mention" href="/people/{html.escape(username)}">@{found[1]}</a>'

    return _MARKED.sub(link, made)


def _chosen(body: str) -> MarkdownIt:
    return _markdown if len(_ADDRESS.findall(body)) <= _MOST_ADDRESSES else _without_links


def is_plain(body: str) -> bool:
    """Whether a text reads the same in Markdown and out of it."""
    return _PLAIN.fullmatch(body) is not None and not _ADDRESS.search(body)


def _made(body: str, mentions: Mentions = NOBODY) -> str:
    if is_plain(body):
        return f"<p>{html.escape(body)}</p>"
    env = {"names": frozenset(name for name, _ in mentions.people) | (EVERYONE if mentions.everyone else frozenset())}
    try:
        made = _chosen(body).render(body, env)
    except RecursionError:  # nested beyond sense
        made = _as_typed(body)
    if _EMPTY_BLOCK.search(made):  # a fence around nothing would show nothing of what was written
        made = _as_typed(body)
    cleaned = _cleaned(made)
    # What looks like an address and is none to the allow-list (http://a.b|) would be a link to nowhere.
    return _cleaned(_without_links.render(body, env)) if _LINK_TO_NOWHERE.search(cleaned) else cleaned


def _cleaned(made: str) -> str:
    return nh3.clean(
        made,
        tags=_TAGS,
        attributes={"a": {"href"}},
        allowed_classes={"span": {"mention"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
        set_tag_attribute_values={"a": {"target": "_blank"}, "pre": {"tabindex": "0"}},
    ).strip()


def _as_typed(body: str) -> str:
    return "<p>" + html.escape(body).replace("\n", "<br>\n") + "</p>"
