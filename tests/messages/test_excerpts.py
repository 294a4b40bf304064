"""What a reply shows of a text that has nothing to render."""

import html

import nh3
from hypothesis import given
from hypothesis import strategies as st

from app.core.text import one_line
from app.messages import markup, quotes


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
def test_the_excerpt_of_a_plain_text_is_what_rendering_it_would_leave(body: str) -> None:
    if markup.is_plain(body):
        rendered = one_line(html.unescape(nh3.clean(markup.render(body), tags=set()))) or one_line(body)
        assert rendered[: quotes.MOST - 1].rstrip() == quotes.excerpt(body)[: quotes.MOST - 1].rstrip()
