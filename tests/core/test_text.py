"""Text as people write it."""

import sys
import unicodedata

from app.core.text import one_line


def test_one_line_joins_whatever_breaks_a_line_or_controls_it() -> None:
    for number in range(sys.maxunicode + 1):
        c = chr(number)
        breaks = unicodedata.category(c) in ("Cc", "Zl", "Zp") or c.isspace()
        assert one_line(f"a{c}b") == ("a b" if breaks else f"a{c}b"), hex(number)
