"""What is state and not history, sent fresh: the sidebar as a whole at each connect, single lines as they change.

Changes are gathered for a moment and read by one query for all people at once, so a lively room costs one query, not
one for each of its members.
"""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.conversations import feed, lines, render
from app.conversations.views import ConversationItem, ConversationsView, PanelView
from app.core import database, i18n
from app.core.i18n import Locale
from app.core.templates import environment
from app.live import names, wire
from app.live.rounds import pause, rounds
from app.people import presence

if TYPE_CHECKING:
    from app.live.hub import Hub
    from app.live.stream import Stream

K = TypeVar("K", bound=Hashable)
GATHER = 0.25
# When much changes at once, the lines wait longer: they take a thirteenth of the time, and messages have the rest.
REST = 12
MOST_PAIRS = 500


class State:
    """The lines and sidebars that are to be sent."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        self.lines: dict[tuple[int, int], None] = {}
        self.moved: dict[int, None] = {}
        self.sidebars: dict[int, None] = {}
        self.heads: dict[int, None] = {}
        self.named: dict[int, None] = {}
        self._awake = asyncio.Event()

    def line(self, person: int, conversation: int) -> None:
        """The sidebar line of that conversation may look different for that person."""
        self.lines[person, conversation] = None
        self._awake.set()

    def moved_on(self, conversation: int) -> None:
        """Something was said in it: its line changes for all who have it in their sidebar and not open.

        Who they are is asked when the lines are sent, not at each of a thousand messages a second."""
        self.moved[conversation] = None
        self._awake.set()

    def sidebar(self, person: int) -> None:
        """The conversations of that person are others now."""
        self.sidebars[person] = None
        self._awake.set()

    def head(self, conversation: int) -> None:
        """Its title, its owner or its members changed: for those who have it open."""
        self.heads[conversation] = None
        self._awake.set()

    def renamed(self, person: int) -> None:
        """Their name, username or picture is another: wherever it stands."""
        self.named[person] = None
        self._awake.set()

    async def run(self) -> None:
        """Sends what is gathered, until cancelled."""
        await rounds(self._awake, self._send, lambda took: pause(GATHER, REST, took), what="state")

    async def _send(self) -> None:
        if self.named:
            people = list(self.named)
            with _taken(self.named, people):
                await names.show(self.hub, people)
        for conversation in list(self.heads):
            with _taken(self.heads, [conversation]):
                panel = await feed.panel(conversation)
            tail = self.hub.tails.get(conversation)
            if panel is None or tail is None:
                continue
            # The tail may not have come to a removal yet. Asked after the panel was read: nobody sees what came later.
            still_in = await feed.among(conversation, list({stream.person for stream in tail.streams}))
            made: dict[Locale, bytes] = {}
            told = [stream for stream in tail.streams if stream.person in still_in]
            for stream in told:
                self.lines[stream.person, conversation] = None
                if not stream.json:
                    if stream.locale not in made:
                        made[stream.locale] = head_event(stream.locale, panel)
                    stream.deliver(made[stream.locale])
            await self.hub.presence.beside(panel, [stream for stream in told if not stream.json])
        for person in list(self.sidebars):
            with _taken(self.sidebars, [person]):
                await self.hub.refresh(person)
        self._expand()
        # Those of now: what changes meanwhile waits for the next time, or a lively instance would do nothing else.
        waiting = list(self.lines)
        for start in range(0, len(waiting), MOST_PAIRS):
            pairs = waiting[start : start + MOST_PAIRS]
            people, conversations = [p for p, _c in pairs], [c for _p, c in pairs]
            with _taken(self.lines, pairs):
                rows = await lines.item_rows(people, conversations)
            partner_states = await _partner_states(rows)
            written: dict[Stream, list[bytes]] = defaultdict(list)  # one write a stream, not one a line
            for pair in pairs:
                row = rows.get(pair)
                if row:
                    self.hub.moved_on(pair[1], row["change"])
                else:
                    self.hub.parted(pair[1], pair[0])
                states = partner_states.get(pair, {})
                for stream in list(self.hub.by_person.get(pair[0], ())):
                    i18n.use(stream.locale)
                    written[stream].append(line_event(stream, pair[1], lines.item(row) if row else None, states))
            for stream, events in written.items():
                stream.deliver(b"".join(events), len(events))

    def _expand(self) -> None:
        hub = self.hub
        for conversation in self.moved:
            for person in hub.people_of.get(conversation, ()):
                # Whoever has it open sees the message itself; their page keeps that line. Programs get both.
                if any(stream.json or conversation not in stream.seen for stream in hub.by_person[person]):
                    self.lines[person, conversation] = None
        self.moved.clear()


async def _partner_states(
    rows: dict[tuple[int, int], database.Row],
) -> dict[tuple[int, int], dict[int, presence.State]]:
    """For each line of a direct conversation whose other one is there, as the person may see it."""
    shown = await presence.of_pairs([(row["person"], row["other"]) for row in rows.values() if row["other"]])
    states = {pair: (row["other"], shown.get((row["person"], row["other"]))) for pair, row in rows.items()}
    return {pair: {other: state} for pair, (other, state) in states.items() if state is not None}


@contextmanager
def _taken(waiting: dict[K, None], keys: list[K]) -> Iterator[None]:
    """Takes these out before they are read: what changes during the read puts them in anew, and is not lost with them.
    They go back when the read fails."""
    for key in keys:
        waiting.pop(key, None)
    try:
        yield
    except BaseException:
        waiting.update(dict.fromkeys(keys))
        raise


def line_event(
    stream: "Stream", conversation: int, item: ConversationItem | None, states: Mapping[int, presence.State]
) -> bytes:
    """One line of the sidebar, with the presence of a direct partner; or that it is gone."""
    if stream.json:
        if item is None:
            return wire.json_event("conversation", {"id": conversation, "removed": True})
        return wire.json_event("conversation", item)
    if item is None:
        return wire.event("conversation-gone", str(conversation))
    if item.archived:
        return wire.event("conversation-archived", str(conversation))
    html: str = render.sidebar_item(item, None, stream.locale.language)
    return _line(presence.fill(html, states, stream.locale.language) if item.person else html)


@lru_cache(maxsize=1000)
def _line(html: str) -> bytes:
    """The same for all who see the same."""
    return wire.event("conversation", html)


def head_event(locale: Locale, panel: PanelView) -> bytes:
    """The header and the members of an open conversation, as its page shows them."""
    i18n.use(locale)
    view = msgspec.structs.replace(panel, title=panel.title or lines.untitled(panel.kind))
    return wire.event("conversation-head", render.conversation_head(view) + render.members_pane(view))


def sidebar_event(json: bool, locale: Locale, view: ConversationsView, states: Mapping[int, presence.State]) -> bytes:
    """All of the sidebar, as a page shows it to whoever sees these states."""
    if json:
        return b"".join(wire.json_event("conversation", item) for item in view.conversations)
    template = environment(locale.language).get_template("conversations/_sidebar_items.html")
    html = template.render(view=view, current=None, language=locale.language)
    return wire.event("sidebar", presence.fill(html, states, locale.language))
