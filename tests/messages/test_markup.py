"""What people type, as safe HTML."""

import sys
from types import FrameType
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.cache import Cache
from app.messages import markup
from app.messages.markup import render

REL = 'target="_blank" rel="noopener noreferrer nofollow ugc"'
ALLOWED = {"p", "br", "a", "code", "pre", "em", "strong", "s"}


def link(address: str, text: str = "") -> str:
    return f'<a href="{address}" {REL}>{text or address}</a>'


TABLE = {
    "plain": ("hello", "hello"),
    "html is text": ("<b>x</b> & <script>", "&lt;b&gt;x&lt;/b&gt; &amp; &lt;script&gt;"),
    "an entity is text": ("&lt; &amp; &#65;", "&amp;lt; &amp;amp; &amp;#65;"),
    "a comment is text": ("<!-- x -->", "&lt;!-- x --&gt;"),
    "line breaks": ("a\nb", "a<br>\nb"),
    "emphasis": ("*a* _b_", "<em>a</em> <em>b</em>"),
    "strong": ("**a** __b__", "<strong>a</strong> <strong>b</strong>"),
    "struck out": ("~~a~~ ~b~", "<s>a</s> ~b~"),
    "nested": ("**a *b ~~c~~* d**", "<strong>a <em>b <s>c</s></em> d</strong>"),
    "both": ("***a***", "<em><strong>a</strong></em>"),
    "half closed": ("**a* b", "*<em>a</em> b"),
    "not in words": ("snake_case_name 2 * 3 * 4", "snake_case_name 2 * 3 * 4"),
    "unclosed": ("**a *b `c ~~d", "**a *b `c ~~d"),
    "empty marks": ("** ** `` ~~~~", "** ** `` ~~~~"),
    "code": ("`a <b> *c*`", "<code>a &lt;b&gt; *c*</code>"),
    "code with a backtick": ("`` a`b ``", "<code>a`b</code>"),
    "a link in code is text": ("`http://a.bc`", "<code>http://a.bc</code>"),
    "backslashes": (r"\*a\* C:\dir\new \\", r"*a* C:\dir\new \\"[:-1]),
    "no headings": ("# a", "# a"),
    "no lists": ("- a\n1. b", "- a<br>\n1. b"),
    "no quotes": ("> a", "&gt; a"),
    "no images": ("![a](/b)", "![a](/b)"),
    "no links in brackets": ("[a](/b)", "[a](/b)"),
    "no tables": ("|a|\n|-|", "|a|<br>\n|-|"),
    "no rules": ("---", "---"),
    "a link": ("http://a.bc/d", link("http://a.bc/d")),
    "https": ("see https://a.bc:80/d?e=f&g#h ok", f"see {link('https://a.bc:80/d?e=f&amp;g#h')} ok"),
    "www": ("www.a.bc/d", link("http://www.a.bc/d", "www.a.bc/d")),
    "a full stop after it": ("http://a.bc/d.", link("http://a.bc/d") + "."),
    "marks after it": ("http://a.bc/d, http://a.bc!", f"{link('http://a.bc/d')}, {link('http://a.bc')}!"),
    "in brackets": ("(http://a.bc/d)", f"({link('http://a.bc/d')})"),
    "with brackets": ("http://a.bc/d_(e)", link("http://a.bc/d_(e)")),
    "in angle brackets": ("<http://a.bc>", f"&lt;{link('http://a.bc')}&gt;"),
    "in quotes": ('"http://a.bc"', f'"{link("http://a.bc")}"'),
    "with underscores": ("http://a.bc/_d_e_", link("http://a.bc/_d_e_")),
    "in strong": ("**http://a.bc**", f"<strong>{link('http://a.bc')}</strong>"),
    "with a quote mark it ends": ('http://a.bc"onclick="x', f'{link("http://a.bc")}"onclick="x'),
    "another script": ("http://exämple.org/ü", link("http://xn--exmple-cua.org/%C3%BC", "http://exämple.org/ü")),
    "as it was typed": ("http://xn--80ak6aa92e.com/%20a", link("http://xn--80ak6aa92e.com/%20a")),
    "mail": ("ada@example.org.", link("mailto:ada@example.org", "ada@example.org") + "."),
    "mailto": ("mailto:ada@example.org", link("mailto:ada@example.org", "mailto:ada@example.org")),
    "no file names": ("file.py oui.non a.io", "file.py oui.non a.io"),
    "no javascript": ("javascript:alert(1)", "javascript:alert(1)"),
    "no data": ("data:text/html,x", "data:text/html,x"),
    "no other schemes": ("ftp://a.bc file:///etc vbscript:x tel:1", "ftp://a.bc file:///etc vbscript:x tel:1"),
    "no bare slashes": ("//a.bc/d // note.this", "//a.bc/d // note.this"),
}


@pytest.mark.parametrize("typed", TABLE)
def test_what_is_typed_becomes(typed: str) -> None:
    text, html = TABLE[typed]
    assert render(text) == f"<p>{html}</p>"


def test_paragraphs_and_fences_are_blocks() -> None:
    assert render("a\n\nb") == "<p>a</p>\n<p>b</p>"
    fenced = '<pre tabindex="0"><code>if a &lt; b:\n    *c*\n\nhttp://a.bc\n</code></pre>'
    assert render("```python\nif a < b:\n    *c*\n\nhttp://a.bc\n```") == fenced
    assert render("```\nunclosed\n  <b>") == '<pre tabindex="0"><code>unclosed\n  &lt;b&gt;</code></pre>'
    assert render("a\n~~~\nb\n~~~\nc") == '<p>a</p>\n<pre tabindex="0"><code>b\n</code></pre>\n<p>c</p>'


def test_a_fence_around_nothing_hides_nothing_of_what_was_written() -> None:
    assert render("``` x") == "<p>``` x</p>"
    assert render("```\n```") == "<p>```<br>\n```</p>"
    assert "hello" in render("hello\n``` x")
    assert "``` x" in render("hello\n``` x")


def test_addresses_beyond_counting_are_text() -> None:
    few, many = "www.a.bc ada@a.org " * 40, "www.a.bc ada@a.org " * 60
    assert render(few).count("<a ") == 80
    assert render(many) == f"<p>{many.strip()}</p>"


PILES = ["*", "_", "~", "`", "[", ">", "<", "&", "\\", "**a", "*a ", "`a", "~~a", "a*_", "[[a](", "a@", "a@b.cc "]
PILES += ["http://", "http://a.", "(http://a.bc/", "http://a.bc/((", "www.", "www.a.", "mailto:", "//", "```\n", "\n"]
PILES += ["*a **b ", "_a __b ", "``a` ", "http://a.bc/ "]


def steps(text: str) -> int:
    """How many functions are called to render it: work that does not depend on the machine."""
    count = 0

    def called(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        markup._made(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("pile", PILES)
def test_the_work_grows_with_the_length_and_not_faster(pile: str) -> None:
    steps(pile)
    some, more = steps((pile * 500)[:500]), steps((pile * 2000)[:2000])
    assert more < 200 * 2000
    assert more <= 6 * some + 2000


def elements(html: str) -> list[str]:
    """The elements of a fragment, which may only be those that are made here, with no attribute but a safe address."""
    parsed = BeautifulSoup(f"<div id=outer>{html}</div><i id=after></i>", "html5lib")
    outer, after = parsed.find(id="outer"), parsed.find(id="after")
    assert outer is not None
    assert after is not None
    assert after.parent is not None
    assert after.parent.name == "body", "it leaves something open"
    found = []
    for tag in outer.find_all(True):
        found.append(tag.name)
        assert tag.name in ALLOWED, html
        allowed = {"a": {"href", "rel", "target"}, "pre": {"tabindex"}}
        assert set(tag.attrs) <= allowed.get(tag.name, set()), html
        if tag.name == "a":
            assert str(tag["href"]).lower().startswith(("http://", "https://", "mailto:")), html
    return found


MARKS = st.sampled_from(
    [*"*_`~<>&\\[]()\n\"' :/@.#|-", "http://a.bc", "javascript:", "www.", "```\n", "<b>", "&lt;", "x", "é"]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(MARKS, max_size=60).map("".join), st.text(max_size=80)))
def test_whatever_is_typed_only_those_elements_come_of_it(text: str) -> None:
    elements(render(text))


@settings(max_examples=200, deadline=None)
@given(
    st.text(
        st.characters(exclude_characters="*_`~\\\n\r:/@.", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80
    )
)
def test_a_text_without_marks_is_shown_letter_for_letter(text: str) -> None:
    shown = BeautifulSoup(render(text.strip() or "x"), "html5lib").get_text()
    assert shown == (text.strip() or "x")


def test_what_is_kept_of_renderings_is_bounded_by_its_weight() -> None:
    cache: Cache[str] = Cache(most=100_000)
    for number in range(2000):
        assert cache.keep(number, "x" * (number % 700)) == "x" * (number % 700)
        assert sum(len(text) + 300 for text in cache.values()) <= 100_000 + 1000
    assert 1999 in cache
    assert 0 not in cache
    assert cache.weight == sum(len(text) + 300 for text in cache.values())
