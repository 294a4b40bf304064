"""Who is there, and what of it a person may see.

The database is the truth: the open streams of all processes, and when someone last did something. Each process keeps
a book of those who are there, so that a page need not ask for each name on it; `live/presence.py` keeps the book right.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from markupsafe import Markup

from app.core import database, i18n
from app.people.access import visible

State = Literal["online", "away", "busy", "offline"]
Choice = Literal["auto", "away", "busy"]
ShownTo = Literal["everyone", "contacts", "nobody"]
# Without a key pressed, a tap or a page: the figure, and Zulip's.
AWAY_AFTER = timedelta(minutes=5)
# Who reads without scripts has no stream; so long after a page they count as here.
PLAIN = timedelta(minutes=5)
# Where a page shows someone's presence it has this, alike for everyone; what the reader may see is put in at the end.
BEFORE, AFTER = '<span class="presence" data-person="', '"></span>'
PLACE = re.compile(rf"{BEFORE}(\d+){AFTER}")
# Two people are contacts.
CONTACTS = """
    EXISTS (SELECT FROM contact k WHERE k.accepted_at IS NOT NULL
            AND least(k.asker, k.asked) = least({0}, {1}) AND greatest(k.asker, k.asked) = greatest({0}, {1}))
"""


@dataclass(slots=True)
class Present:
    """Someone who is there and does not hide it from all. `plain_until`: they are by pages alone, until then."""

    id: int
    username: str
    name: str
    choice: Choice
    shown_to: ShownTo
    active_at: datetime
    plain_until: datetime | None

    def state(self, now: datetime) -> State:
        if self.plain_until is not None and self.plain_until <= now:
            return "offline"
        if self.choice != "auto":
            return self.choice
        return "online" if now - self.active_at < AWAY_AFTER else "away"


@dataclass(slots=True)
class Entry:
    """What the book says of someone, and the state that everyone was told."""

    present: Present
    state: State


book: dict[int, Entry] = {}


def state(person: int) -> State:
    """What those see who may."""
    entry = book.get(person)
    return entry.state if entry else "offline"


async def states(viewer: int, people: Iterable[int], apart: bool = True) -> dict[int, State]:
    """The state of each of these people who is there, if the viewer may see it. Where nobody hides anything from
    anybody (`apart`: there is a block between the viewer and someone), nothing is asked of the database."""
    people = list(people)
    while True:
        found = {person: book[person] for person in people if person in book}
        asked = [
            person
            for person, entry in found.items()
            if person != viewer and (apart or entry.present.shown_to != "everyone")
        ]
        hidden = set(asked) - await _allowed(viewer, asked) if asked else set()
        if is_so_still(people, found):
            return {person: entry.state for person, entry in found.items() if person not in hidden}


async def of_pairs(pairs: list[tuple[int, int]]) -> dict[tuple[int, int], State]:
    """The same for many (viewer, person) between whom there is no block: those that are there and may be seen."""
    people = [person for _viewer, person in pairs]
    while True:
        found = {pair: book[pair[1]] for pair in pairs if pair[1] in book}
        allowed = await _allowed_pairs(found)
        if is_so_still(people, {pair[1]: entry for pair, entry in found.items()}):
            return {
                pair: entry.state
                for pair, entry in found.items()
                if pair in allowed or entry.present.shown_to == "everyone"
            }


def is_so_still(people: Iterable[int], found: Mapping[int, Entry]) -> bool:
    """Whether the book says of these people what it said when this was found. While the database was asked, someone may
    have come or gone, and whoever was told that must not be told the older state after it."""
    return all(book.get(person) is found.get(person) for person in people)


async def _allowed_pairs(found: Mapping[tuple[int, int], Entry]) -> set[tuple[int, int]]:
    asked = [pair for pair, entry in found.items() if entry.present.shown_to != "everyone"]
    if not asked:
        return set()
    rows = await database.fetch(
        f"""
        SELECT t.viewer, t.person FROM unnest($1::bigint[], $2::bigint[]) AS t (viewer, person)
        JOIN presence s ON s.person = t.person AND s.shown_to = 'contacts'
        WHERE {CONTACTS.format("t.viewer", "t.person")}
        """,
        [viewer for viewer, _person in asked],
        [person for _viewer, person in asked],
    )
    return {(row["viewer"], row["person"]) for row in rows}


async def seen_between(one: int, other: int) -> list[tuple[int, int]]:
    """Of the two, each (person, viewer) where the one may know at this moment whether the other is there."""
    return [(person, viewer) for person, viewer in ((one, other), (other, one)) if await _allowed(viewer, [person])]


async def _allowed(viewer: int, people: list[int]) -> set[int]:
    rows = await database.fetch(
        f"""
        SELECT p.id FROM person p LEFT JOIN presence s ON s.person = p.id
        WHERE p.id = ANY($2) AND {may_see("$1")}
        """,
        viewer,
        people,
    )
    return {row["id"] for row in rows}


def may_see(viewer: str) -> str:
    """The condition under which the viewer (a bigint parameter) sees whether the person `p` is there, whose row of
    `presence` is `s`, if they have one."""
    contacts = CONTACTS.format(f"{viewer}::bigint", "p.id")
    return f"""
        {visible(viewer)} AND (coalesce(s.shown_to, 'everyone') = 'everyone' OR p.id = {viewer}
            OR (s.shown_to = 'contacts' AND {contacts}))
    """


async def put(html: bytes, viewer: int, apart: bool = True) -> bytes:
    """The page or partial with the presence of everyone on it, as the viewer may see it.

    As bytes, and without a pattern: a page is long and the places on it are few, so this takes a tenth of the time."""
    if not book:
        return html
    start, *rest = html.split(BEFORE.encode())
    # Only templates write a place: what people write has no tags of its own.
    places = [(int(number), after) for number, _sep, after in (part.partition(AFTER.encode()) for part in rest)]
    shown = await states(viewer, {person for person, _after in places}, apart)
    if not shown:
        return html
    language = i18n.current().language
    filled = [mark(person, shown.get(person, "offline"), language).encode() + after for person, after in places]
    return start + b"".join(filled)


def fill(html: str, states: Mapping[int, State], language: str) -> str:
    """The same with states that were asked for before."""
    if not states:
        return html
    return PLACE.sub(lambda place: mark(int(place[1]), states.get(int(place[1]), "offline"), language), html)


@lru_cache(maxsize=10_000)
def mark(person: int, state: State, language: str) -> Markup:
    """The sign beside someone's name; of who is not there, the empty place."""
    if state == "offline":
        return Markup('<span class="presence" data-person="{}"></span>').format(person)
    gettext = i18n.catalogue(language).gettext
    word = {"online": gettext("online"), "away": gettext("away"), "busy": gettext("busy")}[state]
    return Markup(
        '<span class="presence presence-{0}" data-person="{1}" title="{2}">'
        '<span class="visually-hidden">{2}</span></span>'
    ).format(state, person, word)


async def last_seen(viewer: int, person: int) -> datetime | None:
    """When that person was last there, to the minute; None when the viewer may not know, or they never were."""
    moment: datetime | None = await database.fetch_value(
        f"SELECT s.active_at FROM person p JOIN presence s ON s.person = p.id WHERE p.id = $2 AND {may_see('$1')}",
        viewer,
        person,
    )
    return moment.replace(second=0, microsecond=0) if moment else None


def now() -> datetime:
    return datetime.now(UTC)
