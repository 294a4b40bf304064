"""Text as people write it: what is refused, what is trimmed, how it is compared."""

import re
import unicodedata

# Invisible on a screen, so a text of these alone is empty: format characters, fillers, blanks.
_BLANK = {"Cf", "Cc", "Zs", "Zl", "Zp"}
# Control characters, and what breaks lines and paragraphs: the categories Cc, Zl and Zp.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"


def storable(text: str) -> bool:
    """Whether Postgres and UTF-8 can hold it: no NUL, no lone surrogate."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of it."""
    return all(unicodedata.category(c) in _BLANK or c in _FILLERS for c in text)


def is_visible(text: str) -> bool:
    """Whether each character of it can be seen: nothing that hides, or turns the direction of what follows."""
    return not any(unicodedata.category(c) in _BLANK or c in _FILLERS for c in text)


def one_line(text: str) -> str:
    """A name or a title: without control characters and line breaks, spaces joined, trimmed."""
    return " ".join(_BREAKS.sub(" ", text).split())


# Signs that turn the direction of what follows, or keep others from doing so.
_TURNS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def headline(text: str, most: int = 100) -> str:
    """A name or a title as it may stand in the head of a mail: one line, not too long, and nothing in it turns the
    direction of what stands beside it."""
    plain = one_line("".join(c for c in text if ord(c) not in _TURNS))
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"


def apart(text: str) -> str:
    """A name inside of a line of plain text: one that is written from right to left leaves the rest of it alone."""
    turns = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text)
    return f"\u2068{text}\u2069" if turns else text


def fold(text: str) -> str:
    """For comparing as people do: without case and accents ("Élève" and "eleve" are alike)."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def search_key(name: str, username: str) -> str:
    """What the directory searches: the folded name, then the username."""
    return f"{fold(name)} {fold(username)}"


def initials(name: str) -> str:
    """One or two letters for an avatar: of the first and the last word that begin with a letter or a digit."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return name[:1] or "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()
