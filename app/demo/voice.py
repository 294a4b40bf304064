"""Who says a line, and how: the parts of a dialogue are given to people, and each writes in a manner of their own."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from app.demo.cast import Character
from app.demo.script import Dialogue, Line, dialogues, speak
from app.demo.slots import Slots


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A character with the id of its account and the moment it was made."""

    id: int
    character: Character
    joined_at: datetime


def _of(circle: str) -> Callable[[Character], bool]:
    return lambda character: circle in character.circles


# Whom a letter in a dialogue stands for; any other letter is anyone.
_PARTS: dict[str, Callable[[Character], bool]] = {
    **dict.fromkeys("T", lambda character: character.role in ("teacher", "admin")),
    **dict.fromkeys("P", lambda character: character.role == "parent"),
    **dict.fromkeys("RS", lambda character: character.role == "student"),
    **dict.fromkeys("DE", lambda character: character.role != "student"),
    **dict.fromkeys("JK", _of("ja")),
    **dict.fromkeys("HI", _of("he")),
    **dict.fromkeys("Z", _of("zh")),
    **dict.fromkeys("QY", _of("arabic")),
}


def fits(letter: str, person: Person) -> bool:
    """Whether the person may speak that part."""
    part = _PARTS.get(letter)
    return part is None or part(person.character)


def give_parts(
    rng: random.Random, dialogue: Dialogue, present: Sequence[Person], talkative: dict[int, float]
) -> dict[str, Person] | None:
    """A different person for each part, those who talk more often more often; None when too few can."""
    parts: dict[str, Person] = {}
    # The parts that few can speak are given first.
    for letter in sorted(dialogue.speakers, key=lambda letter: letter not in _PARTS):
        able = [person for person in present if person not in parts.values() and fits(letter, person)]
        if not able:
            return None
        parts[letter] = someone(rng, able, dialogue.language, talkative)
    return parts


def someone(
    rng: random.Random, able: Sequence[Person], language: str, talkative: dict[int, float] | None = None
) -> Person:
    """One of them, those who speak the language rather than others."""
    weights = [
        (talkative[person.id] if talkative else 1.0) * (9 if person.character.language == language else 1)
        for person in able
    ]
    return rng.choices(able, weights)[0]


def lines(
    rng: random.Random,
    dialogue: Dialogue,
    parts: dict[str, Person],
    others: Sequence[Person],
    when: datetime,
    longest: int,
) -> list[str]:
    """The lines of the dialogue as these people write them, none longer than `longest`."""
    slots = _slots(rng, dialogue.language, parts, others, when)
    return [
        _say(rng, line, parts[line.speaker], slots, longest, answering=place > 0)
        for place, line in enumerate(dialogue.lines)
    ]


def reaction(
    rng: random.Random,
    language: str,
    person: Person,
    to: Person,
    others: Sequence[Person],
    when: datetime,
    longest: int,
) -> str:
    """A word or two of somebody who listened to what `to` said last."""
    slots = _slots(rng, language, {"A": person, "B": to}, others, when)
    return _say(rng, rng.choice(_reactions(language)), person, slots, longest, answering=True)


@cache
def _reactions(language: str) -> list[Line]:
    found = [d for d in dialogues() if "reaction" in d.topics and d.language == language]
    return [line for dialogue in found for line in dialogue.lines] or _reactions("en")


def _slots(
    rng: random.Random, language: str, parts: dict[str, Person], others: Sequence[Person], when: datetime
) -> Slots:
    names = {"B": others[0].character.call}  # who is spoken to, when only one speaks
    names |= {letter: person.character.call for letter, person in parts.items()}
    names |= {f"@{letter}": f"@{person.character.username}" for letter, person in parts.items()}
    return Slots(rng, language, when, names, [person.character for person in others])


def _say(rng: random.Random, line: Line, person: Person, slots: Slots, longest: int, *, answering: bool) -> str:
    text = speak(line.text, slots.__getitem__, slots.choose).strip()
    if slots.language == "fr":
        text = _ELISION.sub(r"\1'", text)
    if answering:
        text = _led_in(rng, slots.language, text)
    return _in_manner_of(rng, person.character, text)[:longest]


# "le cadeau de Olga": what a slot left open.
_ELISION = re.compile(r"\b([dD]|[qQ]u)e (?=[AEIOUÉÈaeiouéè])")
_OPENINGS = {
    "fr": ("du coup ", "alors ", "bon, ", "ah, ", "ah ben "),
    "en": ("so ", "well, ", "right, ", "oh, ", "hm, "),
}
# Words that begin a sentence already, so that no other one is set before them.
_COMPLETE = re.compile(r"(?:ah|oh|oui|non|bon|alors|merci|ok|pardon|so|well|yes|no|thanks?|right|hm|hi|and|et)\b")
_EMOJI = tuple("😄🙂😉😅🌻💙🤷🔥🎈🐢🙌🫶")


@cache
def _manner(username: str) -> tuple[bool, bool, float, str]:
    """Whether they write small and without a stop, how fond they are of emoji, and of which."""
    rng = random.Random(username)
    return rng.random() < 0.25, rng.random() < 0.4, rng.choice((0.02, 0.05, 0.2)), rng.choice(_EMOJI)


def _led_in(rng: random.Random, language: str, text: str) -> str:
    """An answer that sometimes begins with a small word, as they do."""
    plain = text[:1].islower() and 18 < len(text) < 140 and not re.search("[:`\n]", text)
    if plain and not _COMPLETE.match(text) and language in _OPENINGS and rng.random() < 0.08:
        return rng.choice(_OPENINGS[language]) + text
    return text


def _in_manner_of(rng: random.Random, character: Character, text: str) -> str:
    """A short text as this person types: some never press shift, some end without a stop, some love an emoji."""
    if "\n" in text or "`" in text or "http" in text or len(text) > 140 or not text:
        return text
    small, bare, fond, favourite = _manner(character.username)
    if small and text[0].isupper() and not text[1:2].isupper() and character.role == "student":
        text = text[0].lower() + text[1:]
    if bare and text.endswith(".") and not text.endswith(".."):
        text = text[:-1]
    if text[-1].isalnum() and rng.random() < fond:
        text = f"{text} {favourite if rng.random() < 0.6 else rng.choice(_EMOJI)}"
    elif text[-1].isalpha() and len(text) < 40 and rng.random() < 0.05:
        text += rng.choice(("!!", "…", " :)"))
    return text
