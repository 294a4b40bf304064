"""Cursors: for each conversation the last change that was seen, written `7:353` or `7:353,8:14`."""

import re
from collections.abc import Mapping

from app.core.errors import BadRequest
from app.core.i18n import _

# A program that follows everything is given a cursor of all its conversations, and must be able to come back with it.
MOST_CONVERSATIONS = 5000
_PAIR = re.compile(r"([0-9]{1,18}):([0-9]{1,18})", re.ASCII)


def parse(text: str) -> dict[int, int]:
    """The cursor as {conversation: change}; empty for an empty text. Raises BadRequest."""
    found: dict[int, int] = {}
    for part in text.split(",") if text else []:
        pair = _PAIR.fullmatch(part.strip())
        if pair is None or len(found) >= MOST_CONVERSATIONS:
            raise BadRequest(_("A cursor looks like 7:353 or 7:353,8:14."))
        found[int(pair[1])] = int(pair[2])
    return found


def write(cursor: Mapping[int, int]) -> str:
    """The text of a cursor."""
    return ",".join(f"{conversation}:{change}" for conversation, change in cursor.items())
