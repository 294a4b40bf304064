"""What one sets for oneself in a conversation. One's other pages are told, nobody else."""

import msgspec
from litestar import delete, put

from app.accounts.views import Me
from app.conversations import personal, queries
from app.conversations.views import ConversationView
from app.core.bell import Bell
from app.core.page import Page


class Silence(msgspec.Struct):
    """`until`: hour, tomorrow, ever, or a time."""

    until: str = "ever"


class Level(msgspec.Struct):
    """Of what they are told there: everything, mentions, nothing."""

    level: str = ""


class Place(msgspec.Struct):
    position: int | None = None


async def _told(me: Me, conversation: int, bell: Bell, flash: str, there: str = "") -> Page[ConversationView]:
    bell.ring("r", me.id, conversation)
    view = await queries.conversation(conversation, me)
    there = there or f"/conversations/{conversation}/settings"
    return Page("conversations/settings.html", view, see_other=there, flash=flash)


@put("/conversations/{conversation_id:int}/mute", opt={"form": "conversations/mute.html"})
async def mute(conversation_id: int, data: Silence, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.mute(me, conversation_id, data.until)
    return await _told(me, conversation_id, bell, "muted")


@delete("/conversations/{conversation_id:int}/mute", status_code=200)
async def unmute(conversation_id: int, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.unmute(me, conversation_id)
    return await _told(me, conversation_id, bell, "unmuted")


@put("/conversations/{conversation_id:int}/archive")
async def archive(conversation_id: int, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.archive(me, conversation_id)
    return await _told(me, conversation_id, bell, "archived", "/conversations")


@delete("/conversations/{conversation_id:int}/archive", status_code=200)
async def unarchive(conversation_id: int, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.unarchive(me, conversation_id)
    return await _told(me, conversation_id, bell, "unarchived")


@put("/conversations/{conversation_id:int}/level", opt={"form": "conversations/level.html"})
async def set_level(conversation_id: int, data: Level, me: Me, bell: Bell) -> Page[ConversationView]:
    """An empty one is as usual."""
    await personal.set_level(me, conversation_id, data.level or None)
    return await _told(me, conversation_id, bell, "saved")


@delete("/conversations/{conversation_id:int}/level", status_code=200)
async def usual_level(conversation_id: int, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.set_level(me, conversation_id, None)
    return await _told(me, conversation_id, bell, "saved")


@put("/conversations/{conversation_id:int}/pin")
async def pin(conversation_id: int, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.pin(me, conversation_id, True)
    return await _told(me, conversation_id, bell, "pinned")


@delete("/conversations/{conversation_id:int}/pin", status_code=200)
async def unpin(conversation_id: int, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.pin(me, conversation_id, False)
    return await _told(me, conversation_id, bell, "unpinned")


@put("/conversations/{conversation_id:int}/unread")
async def mark_unread(conversation_id: int, data: Place, me: Me, bell: Bell) -> Page[ConversationView]:
    await personal.mark_unread(me, conversation_id, data.position)
    return await _told(me, conversation_id, bell, "marked-unread", "/conversations")


HANDLERS = [mute, unmute, set_level, usual_level, archive, unarchive, pin, unpin, mark_unread]
