"""The text of a message, as it will be kept."""

from app.core import text
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.settings import Settings


def checked_body(settings: Settings, body: str) -> str:
    """The text as it will be kept: with plain line breaks, trimmed. Raises Invalid (empty, too long, unstorable)."""
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text.storable(body):
        raise Invalid(body=_("This contains a character that cannot be stored."))
    if text.is_blank(body):
        raise Invalid(body=_("Write a message first."))
    if len(body) > settings.max_message_length:
        raise Invalid(
            body=_("This message is %(length)d characters long; the limit is %(most)d.")
            % {"length": len(body), "most": settings.max_message_length}
        )
    return body
