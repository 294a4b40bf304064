"""The stretch of a conversation that a page shows, and how it pages on in both ways."""

from dataclasses import dataclass

from app.accounts.views import Me
from app.conversations import access, receipts
from app.conversations import queries as conversations
from app.conversations.access import Access
from app.core import database
from app.messages import queries, seen, stretch
from app.messages.lines import line
from app.messages.stretch import Stretch
from app.messages.views import HistoryView, TimelineView

PAGE = queries.PAGE
# With this many unread or fewer, the newest page holds the place where one left off.
NEAR = PAGE - 10


@dataclass(frozen=True, slots=True)
class Wish:
    """Which stretch is wanted: before a position, from one on, the newest, or (none of these) where one left off."""

    before: int | None = None
    from_: int | None = None
    latest: bool = False


async def show(conversation_id: int, me: Me, wish: Wish, limit: int = PAGE) -> tuple[TimelineView, Stretch]:
    """The conversation with the wished stretch; raises NotFound. What is shown of its messages is made by whoever knows
    in which format: the view has none yet.

    The head is read before the messages: what comes between the two is sent again by the feed, never left out.
    """
    async with database.one_connection():
        may, head = await conversations.opened(conversation_id, me)
        shown = await _stretch(may, wish, limit)
        rows = shown.rows
        unread_from = await queries.first_unread(may.conversation, may.read_position, me) if head.unread else None
        people = await conversations.glance(may, head.members)
        ends = not rows or rows[-1]["position"] >= may.position
        asks = ends and seen.own_last(rows, me) is not None and head.members <= receipts.MOST
        told = await receipts.of_others(conversation_id, me) if asks else []
    first, last = (rows[0]["position"], rows[-1]["position"]) if rows else (may.kept_after + 1, may.position)
    view = TimelineView(
        **{name: getattr(head, name) for name in head.__struct_fields__},
        messages=[],
        older=first if first > may.kept_after + 1 else None,
        newer=last + 1 if last < may.position else None,
        unread_from=unread_from,
        at_end=last >= may.position,
        people=people,
        receipts=told,
        kept_after=may.kept_after,
    )
    return view, shown


async def history(conversation_id: int, me: Me, before: int | None, after: int | None, limit: int) -> HistoryView:
    """The contract's history: the latest page, the one before a position, or what changed after a change number."""
    may = await access.member(conversation_id, me)
    if after is not None:
        found = await queries.changed_since(conversation_id, after, limit + 1)
        messages = [line(row).message for row in found[:limit]]
        await seen.told(conversation_id, me, messages)
        return HistoryView(messages, messages[-1].change if len(found) > limit else None, may.change)
    found = await queries.before(conversation_id, before if before is not None else 2**62, limit)
    messages = [line(row).message for row in found]
    await seen.told(conversation_id, me, messages)
    more = messages[0].position if messages and messages[0].position > may.kept_after + 1 else None
    return HistoryView(messages, more, may.change)


async def _stretch(may: Access, wish: Wish, limit: int) -> Stretch:
    # Beyond either end stands that end: a page with nothing on it would lead nowhere.
    if wish.before is not None and wish.before > may.kept_after + 1:
        return await stretch.before(may, wish.before, limit)
    if wish.before is not None or (wish.from_ is not None and wish.from_ <= may.position):
        return await stretch.from_position(may, wish.from_ or 1, limit)
    if wish.latest or wish.from_ is not None or may.position - may.read_position <= NEAR:
        return await stretch.before(may, may.position + 1, limit)
    # Far behind: a few that were read, then what was not.
    return await stretch.from_position(may, max(1, may.read_position - 4), limit)
