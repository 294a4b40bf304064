"""Someone has another name, username or picture: it stands on pages that are open, in many places.

Their messages there, and what tells of them, are sent anew as they are now, without being a change of the
conversation; lines and heads are sent as whenever they change.
"""

from typing import TYPE_CHECKING

from app.conversations import feed
from app.core import i18n
from app.core.database import Row
from app.live import cursor, wire
from app.live.stream import Variant
from app.live.tail import encode
from app.messages import queries as messages
from app.messages import render

if TYPE_CHECKING:
    from app.live.hub import Hub

# Nearly all that a page shows at once of a conversation (MOST in static/js/timeline.js). Who has paged further back
# sees what is older as it was, until they load the page anew.
NEWEST = 600


async def show(hub: "Hub", people: list[int]) -> None:
    """Brings the pages of this process up to date on these people."""
    for kind, conversation, viewer in await feed.where_shown(people, list(hub.tails), list(hub.by_person)):
        if viewer:
            hub.state.lines[viewer, conversation] = None
        elif kind == "direct":  # whose head is other for each of the two
            hub.reload(conversation)
        else:
            hub.state.heads[conversation] = None
            await _messages(hub, conversation, people)


async def _messages(hub: "Hub", conversation: int, people: list[int]) -> None:
    rows = await messages.naming(conversation, people, NEWEST)
    tail = hub.tails.get(conversation)
    if not rows or tail is None:
        return
    # The tail may not have come to a removal yet.
    still_in = await feed.among(conversation, list({stream.person for stream in tail.streams}))
    made: dict[Variant, list[bytes]] = {}
    for stream in [stream for stream in tail.streams if stream.person in still_in]:
        events = made.get(stream.variant)
        if events is None:
            events = made[stream.variant] = _events(rows, stream.variant)
        if stream.json:
            place = cursor.write(stream.seen)  # theirs stays where it is
            events = [wire.with_id(event, place) for event in events]
        stream.deliver(b"".join(events), len(events))


def _events(rows: list[Row], variant: Variant) -> list[bytes]:
    if variant.json:
        return [data for _change, data in encode(rows, variant)]
    i18n.use(variant.locale)
    return [wire.event("renamed", "".join(str(render.fragment(row, variant.locale)) for row in rows))]
