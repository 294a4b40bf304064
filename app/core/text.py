"""Text as people write it: what is refused, what is trimmed, how it is compared."""

import unicodedata

# Invisible on a screen, so a text of these alone is empty: format characters, fillers, blanks.
_BLANK = {"Cf", "Cc", "Zs", "Zl", "Zp"}
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
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join(spaced.split())


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
