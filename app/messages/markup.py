"""The text of a message as safe HTML: links, line breaks, code and emphasis. What was written stays as it was written.

Three walls: the renderer takes no HTML, it makes only the elements named here, and an allow-list passes over its output
once more. Whatever a person types, nothing can run.
"""

import html
import re
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

# A text without any of these marks is the same in Markdown and out of it; most messages are, and they cost 2 µs.
_PLAIN = re.compile(r"[^*_`~<>&\\\n\[\]:/@.|#]*")
# Headings, lists, quotes, tables and images come with the full Markdown; until then they show as they were typed.
_RULES = ["fence", "paragraph", "text", "newline", "escape", "backticks", "emphasis", "strikethrough", "linkify"]
_RULES += ["text_join", "fragments_join", "balance_pairs", "normalize", "block", "inline"]
_SCHEMES = {"http", "https", "mailto"}
_TAGS = {"p", "br", "a", "code", "pre", "em", "strong", "s"}
_DEEPEST = 40


def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False, "linkify": True, "breaks": True, "maxNesting": _DEEPEST})
    parser.enable(_RULES)
    assert parser.linkify is not None
    # "file.py" and "oui.non" are not links; a scheme or www says that one is meant. Mail addresses are.
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True, "fuzzy_ip": False})
    return parser


_markdown = _parser()


@lru_cache(maxsize=20_000)
def render(body: str) -> str:
    """The HTML of a text, each block on its own line; never raises, and never more than it was given to show."""
    if _PLAIN.fullmatch(body):
        return f"<p>{html.escape(body)}</p>"
    try:
        made = _markdown.render(body)
    except RecursionError:  # nested beyond sense: shown as it was typed
        made = "<p>" + html.escape(body).replace("\n", "<br>\n") + "</p>"
    return nh3.clean(
        made,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    ).strip()
