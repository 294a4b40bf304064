"""What is said in one conversation: dialogues drawn from those that fit, spread over the days, with short reactions."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.demo import clock, script, voice
from app.demo.chat import Chat, Draft
from app.demo.script import Dialogue
from app.demo.voice import Person

_NIGHT = timedelta(hours=9)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is said, of what and when. `shy` says nothing in the last `hush` messages (they are unread to them)."""

    topics: frozenset[str]
    languages: frozenset[str]
    rhythm: str
    size: int
    first: datetime
    last: datetime
    longest: int
    shy: int | None = None
    hush: int = 0
    closing: Dialogue | None = None


@dataclass(frozen=True, slots=True)
class _Scene:
    """A dialogue with the seconds at which each of its lines comes, the reactions after it last."""

    dialogue: Dialogue
    seconds: tuple[float, ...]
    reactions: int

    @property
    def length(self) -> timedelta:
        """Without what comes hours later: meanwhile others talk."""
        early = [at for at, line in zip(self.seconds, self.dialogue.lines, strict=False) if not line.pause]
        return timedelta(seconds=max(early + list(self.seconds[len(self.dialogue.lines) :]) + [1]))


def tell(rng: random.Random, chat: Chat, people: dict[int, Person], plan: Plan) -> None:
    """Adds the messages of people to the chat, as planned; who speaks was a member at that time."""
    scenes = _scenes(rng, chat, people, plan)
    if not scenes:
        return
    busy = sum((scene.length for scene in scenes), timedelta())
    # When there is more to say than time to say it, people answer faster.
    pace = min(1.0, 0.3 * (plan.last - plan.first) / busy)
    lengths = [scene.length * pace for scene in scenes]
    starts = clock.in_turn(clock.starts(rng, len(scenes), plan.rhythm, plan.first, plan.last), lengths, plan.last)
    talkative = {stay.person: min(8.0, rng.paretovariate(1.1)) for stay in chat.stays}
    members = [people[stay.person] for stay in chat.stays]
    # Two alone talk of anyone, a group of its own people.
    named = members if len(members) > 2 else members + [person for person in people.values() if person not in members]
    to_come = sum(len(scene.seconds) for scene in scenes)
    for scene, start in zip(scenes, starts, strict=True):
        quiet = _is_quiet(plan, scene, to_come)
        to_come -= len(scene.seconds)
        end = start + timedelta(seconds=max(scene.seconds)) + 2 * _NIGHT
        here = [stay.person for stay in chat.stays if stay.covers(start, end)]
        present = [people[person] for person in here if not (quiet and person == plan.shy)]
        chat.drafts.extend(_perform(rng, scene, present, named, talkative, start, pace, plan))


def _is_quiet(plan: Plan, scene: _Scene, to_come: int) -> bool:
    """Whether the shy one keeps silent in it, for the last messages must be those of others."""
    if plan.closing:
        return to_come <= plan.hush
    return plan.hush > 0 and (to_come < plan.hush + 40 or any(line.pause for line in scene.dialogue.lines))


def fitting(topics: frozenset[str], languages: frozenset[str], people: Sequence[Person]) -> list[Dialogue]:
    """The dialogues that these people could have."""
    return [
        dialogue
        for dialogue in script.dialogues()
        if dialogue.topics & topics
        and dialogue.language in languages
        and len(dialogue.speakers) <= len(people)
        and all(any(voice.fits(letter, person) for person in people) for letter in dialogue.speakers)
    ]


def _scenes(rng: random.Random, chat: Chat, people: dict[int, Person], plan: Plan) -> list[_Scene]:
    members = [people[stay.person] for stay in chat.stays]
    drawn = _without_repeats(rng, fitting(plan.topics, plan.languages, members))
    brisk = plan.closing is not None
    scenes: list[_Scene] = []
    said = 0
    while said < plan.size and (dialogue := next(drawn, None)):
        scenes.append(_scene(rng, dialogue, len(members) - len(dialogue.speakers), brisk))
        said += len(scenes[-1].seconds)
    if plan.closing and scenes:
        scenes.append(_scene(rng, plan.closing, 0, brisk))
    return scenes


def _without_repeats(rng: random.Random, dialogues: list[Dialogue]) -> Iterator[Dialogue]:
    """All of them in a random order, then all again in another: none comes back while it is remembered."""
    order = list(dialogues)
    rng.shuffle(order)
    while order:
        yield from order
        half = len(order) // 2
        early, late = order[:half], order[half:]
        rng.shuffle(early)
        rng.shuffle(late)
        order = early + late


def _scene(rng: random.Random, dialogue: Dialogue, listeners: int, brisk: bool) -> _Scene:
    at = 0.0
    seconds = []
    before = ""
    for line in dialogue.lines:
        if line.pause:
            at += rng.uniform(1.5, 5) * (60 if brisk else 3600)
        elif before:
            at += rng.uniform(4, 40) if line.speaker == before else min(900.0, rng.lognormvariate(4, 1))
        at += len(line.text) / 12  # typing
        seconds.append(at)
        before = line.speaker
    reactions = rng.choices((0, 1, 2, 3), (9, 6, 3, 1))[0] if listeners > 2 else 0
    end = max((t for t, line in zip(seconds, dialogue.lines, strict=True) if not line.pause), default=0)
    seconds += sorted(end + min(1800.0, rng.lognormvariate(4.5, 1)) for _ in range(reactions))
    return _Scene(dialogue, tuple(seconds), reactions)


def _perform(
    rng: random.Random,
    scene: _Scene,
    present: list[Person],
    named: list[Person],
    talkative: dict[int, float],
    start: datetime,
    pace: float,
    plan: Plan,
) -> list[Draft]:
    dialogue = scene.dialogue
    parts = voice.give_parts(rng, dialogue, present, talkative)
    if parts is None:
        return []
    listeners = [person for person in present if person not in parts.values()]
    others = [person for person in named if person not in parts.values()]
    bodies = voice.lines(rng, dialogue, parts, others, start, plan.longest)
    moments = _moments(scene, start, pace)
    said: list[Draft] = []
    for line, body, when in zip(dialogue.lines, bodies, moments, strict=False):
        if when > plan.last:  # still to be said
            return said
        draft = Draft(parts[line.speaker].id, body, when, key=_key(rng))
        if line.replies_to is not None:
            draft.reply_to = said[line.replies_to]
        _changed_later(rng, draft, line.edited, line.deleted, plan.last)
        said.append(draft)
    to = parts[dialogue.lines[-1].speaker]
    for when in moments[len(dialogue.lines) :]:
        if when > plan.last:
            break
        person = voice.someone(rng, listeners or present, dialogue.language)
        body = voice.reaction(rng, dialogue.language, person, to, others, when, plan.longest)
        heard = [draft for draft in said if draft.said_at < when]
        answers = rng.choice(heard) if heard and rng.random() < 0.3 else None
        said.append(Draft(person.id, body, when, reply_to=answers, key=_key(rng)))
    return said


def _moments(scene: _Scene, start: datetime, pace: float) -> list[datetime]:
    """When each line comes; what would come at night waits for the morning."""
    slept = timedelta()
    moments = []
    for at in scene.seconds:
        when = start + timedelta(seconds=at) * pace + slept
        risen = clock.awake(when)
        if risen > when:
            risen += timedelta(seconds=at % 1800)
        slept += risen - when
        moments.append(risen)
    return moments


def _changed_later(rng: random.Random, draft: Draft, edited: bool, deleted: bool, last: datetime) -> None:
    chance = rng.random()
    later = draft.said_at + timedelta(seconds=rng.uniform(8, 600))
    if later > last:
        return
    if deleted or chance < 0.006:
        draft.body, draft.deleted_at = "", later
    elif edited or chance < 0.03:
        draft.edited_at = later


def _key(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)
