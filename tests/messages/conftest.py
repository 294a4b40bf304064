"""Each test has a database of its own, so what was rendered for another is none of its messages."""

import pytest

from app.conversations import render as lines
from app.messages import render, stretch


@pytest.fixture(autouse=True)
def nothing_rendered_yet() -> None:
    render._cache.clear()
    lines._cache.clear()
    stretch._kept.clear()
