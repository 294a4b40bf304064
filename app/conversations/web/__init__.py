"""What conversations answer to. The timeline itself is of `messages/web`."""

from app.conversations.web import blocks, joining, leaving, personal, rooms, support

HANDLERS = [
    *rooms.HANDLERS,
    *personal.HANDLERS,
    *joining.HANDLERS,
    *blocks.HANDLERS,
    *support.HANDLERS,
    *leaving.HANDLERS,
]
