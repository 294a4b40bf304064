"""Messages: the timeline of a conversation, sending, editing, deleting; and where one is mentioned."""

from app.messages.web import mentions, timeline

HANDLERS = [*timeline.HANDLERS, *mentions.HANDLERS]
