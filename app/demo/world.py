"""The whole demo, made in memory: who came when, which conversations there are, and what was said in each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.demo import clock, story
from app.demo.cast import Character
from app.demo.chat import Chat, Stay
from app.demo.rooms import DIRECT, EVENING, GENERAL, GROUPS, Room
from app.demo.voice import Person

SEED = "causerie"
DAYS = 90
_FOUNDERS = {room.owner for room in GROUPS} | set(DIRECT.replace(";", " ").split())


def settle_in(cast: Sequence[tuple[int, Character]], now: datetime) -> list[Person]:
    """Everyone with the moment at which they signed up: most at the beginning, some later."""
    rng = random.Random(SEED)
    first_day = clock.awake(now - timedelta(days=DAYS, hours=12)) + timedelta(minutes=50)
    people = []
    for place, (id_, character) in enumerate(cast):
        at = timedelta(minutes=7 * place + rng.uniform(0, 6))
        if character.username not in _FOUNDERS and rng.random() < 0.6:
            at = timedelta(days=rng.uniform(3, 70))
        people.append(Person(id_, character, clock.awake(first_day + at)))
    return people


def conversations(
    people: list[Person], now: datetime, general_until: datetime, scale: float, longest: int
) -> list[Chat]:
    """All conversations, the general room first, each with its history. No message is later than `now`, nor those of
    the general room than `general_until`; none is longer than `longest`."""
    told = [_general(people, general_until, scale, longest)]
    told += [_group(room, people, now, scale, longest) for room in GROUPS]
    pairs = (line.split() for line in DIRECT.replace("\n", ";").split(";") if line.strip())
    for one, other, size, unread in pairs:
        told.append(_direct(one, other, int(size), int(unread), people, now, scale, longest))
    return told


def _general(people: list[Person], last: datetime, scale: float, longest: int) -> Chat:
    rng = random.Random(f"{SEED} general")
    begun = min(person.joined_at for person in people)
    chat = Chat("general", "", None, begun - timedelta(minutes=1))
    for person in people:
        chat.stays.append(Stay(person.id, person.joined_at))
        chat.happened("joined", person.id, None, person.joined_at)
    chat.stays[0].unread = GENERAL.unread
    plan = _plan(rng, GENERAL, begun + timedelta(hours=9), last, scale, longest, shy=people[0].id)
    return _finish(rng, chat, people, plan)


def _group(room: Room, people: list[Person], now: datetime, scale: float, longest: int) -> Chat:
    rng = random.Random(f"{SEED} {room.title}")
    owner = next(person for person in people if person.character.username == room.owner)
    circle = [person for person in people if room.circle in person.character.circles and person is not owner]
    if not room.size:
        circle = circle[:5]
    born = max(clock.awake(now - timedelta(days=room.born, minutes=rng.uniform(0, 400))), owner.joined_at)
    chat = Chat("group", room.title, owner.id, born, stays=[Stay(owner.id, born)])
    chat.happened("created", owner.id, None, born, room.renamed_from or room.title)
    if room.renamed_from:
        chat.happened("renamed", owner.id, None, clock.awake(born + timedelta(days=room.born * 0.3)), room.title)
    for person in circle:
        late = person.joined_at > born or rng.random() < 0.15
        joined = clock.awake(max(born, person.joined_at) + timedelta(minutes=rng.uniform(2, 90))) if late else born
        chat.stays.append(Stay(person.id, joined))
        if late:  # those who were there from the beginning need no word
            chat.happened("added", owner.id, person.id, joined)
    _come_and_go(rng, room, chat, people[0].id, now)
    for stay in chat.stays:
        if stay.person == people[0].id:
            stay.unread = room.unread
    plan = _plan(rng, room, born + timedelta(hours=1), now, scale, longest, shy=people[0].id)
    return _finish(rng, chat, people, plan)


def _come_and_go(rng: random.Random, room: Room, chat: Chat, never: int, now: datetime) -> None:
    """Some leave, of themselves or not, but `never` does; one owner hands the room over and goes."""
    for stay in rng.sample([stay for stay in chat.stays[1:] if stay.person != never], room.leaves):
        stay.left_at = clock.awake(stay.joined_at + (now - stay.joined_at) * rng.uniform(0.4, 0.8))
        author = stay.person if rng.random() < 0.6 else chat.stays[0].person
        chat.happened("left" if author == stay.person else "removed", author, stay.person, stay.left_at)
    if room.hands_over:
        first, heir = chat.stays[0], min(chat.stays[1:], key=lambda stay: stay.joined_at)
        first.left_at = clock.awake(max(stay.joined_at for stay in chat.stays) + timedelta(hours=3))
        chat.happened("left", first.person, first.person, first.left_at)
        chat.happened("handed_over", first.person, heir.person, first.left_at)
        chat.owner = heir.person


def _direct(
    one: str, other: str, size: int, unread: int, people: list[Person], now: datetime, scale: float, longest: int
) -> Chat:
    rng = random.Random(f"{SEED} {one} {other}")
    pair = [next(person for person in people if person.character.username == name) for name in (one, other)]
    low, high = sorted(person.id for person in pair)
    born = clock.awake(now - timedelta(days=rng.uniform(30, 88)))
    chat = Chat(
        "direct", "", pair[0].id, born, direct_key=f"{low}:{high}", stays=[Stay(person.id, born) for person in pair]
    )
    chat.stays[0].unread = unread
    room = Room("", "", "", "direct", " ".join({person.character.language for person in pair}), EVENING, size, unread)
    plan = _plan(rng, room, born, now, scale, longest, shy=pair[0].id)
    if unread:
        ends = story.fitting(frozenset({"nudge"}), plan.languages, pair[1:])
        plan = replace(plan, closing=rng.choice([end for end in ends if len(end.lines) == unread]))
    return _finish(rng, chat, people, plan)


def _plan(
    rng: random.Random, room: Room, first: datetime, last: datetime, scale: float, longest: int, shy: int
) -> story.Plan:
    # Not every room falls silent at the same moment.
    last = clock.awake(clock.awake(last, later=False) - timedelta(minutes=rng.uniform(0, 40)), later=False)
    return story.Plan(
        topics=frozenset(room.topics.split()),
        languages=frozenset(room.languages.split()),
        rhythm=room.rhythm,
        size=round(room.size * scale),
        first=first,
        last=last,
        longest=longest,
        shy=shy,
        hush=room.unread,
    )


def _finish(rng: random.Random, chat: Chat, people: list[Person], plan: story.Plan) -> Chat:
    story.tell(rng, chat, {person.id: person for person in people}, plan)
    chat.settle(rng)
    return chat
