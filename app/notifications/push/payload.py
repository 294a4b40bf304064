"""What a device is told, as little as its person chose, and so short that every push service takes it."""

from bisect import bisect_right
from typing import Literal

import msgspec

from app.core import i18n
from app.core.database import Row
from app.core.i18n import _
from app.core.templates import static_url
from app.notifications import queries

# Services take 4,096 bytes encrypted: 86 are the head, 17 the seal and the mark of the end (RFC 8188, RFC 8291).
MOST = 4096 - 86 - 17
# For a service that finds even that too large.
LEAST = 512
_json = msgspec.json.Encoder()


class Payload(msgspec.Struct):
    """What static/sw.js takes. What has the same `tag` replaces what is shown already, and is told aloud again only if
    it is `about` something else by then. `on_page`: open pages show it too; where one is seen,
    this is not."""

    title: str
    body: str
    tag: str
    about: str
    lang: str
    icon: str
    url: str
    on_page: bool = False


def payload(row: Row, shows: Literal["text", "name", "nothing"]) -> Payload:
    """Of a row for `queries.view`, in the language of this task."""
    view = queries.view(row)
    # Nobody wrote what is told of one's own exports.
    if view.export_id is not None and shows == "name":
        shows = "nothing"
    title, body = {
        "text": (view.title, view.text),
        "name": (view.person.name, _("New message")),
        "nothing": (_("New message"), ""),
    }[shows]
    return Payload(
        title=title,
        body=body,
        tag=f"notification-{view.id}",
        about=f"{view.message_id}-{view.many}",
        lang=i18n.current().language,
        icon=static_url("icons/causerie-192.png"),
        # Who wants none in the centre finds none there.
        url=view.url if row["in_app"] else queries.target(view),
        on_page=row["on_page"],
    )


def fit(given: Payload, most: int = MOST) -> bytes:
    """Its JSON in so many bytes: first the text is shortened, then the title, each to whole characters."""
    shorter = msgspec.structs.replace(given)
    for part in ("body", "title"):
        if len(_json.encode(shorter)) <= most:
            break
        text = getattr(shorter, part)

        def long(letters: int, part: str = part, text: str = text) -> int:
            setattr(shorter, part, _cut(text, letters))
            return len(_json.encode(shorter))

        # How many bytes a letter takes, escaped perhaps, is for the encoder to say.
        long(max(0, bisect_right(range(len(text)), most, key=long) - 1))
    return _json.encode(shorter)


def _cut(text: str, letters: int) -> str:
    """Its first letters, with the sign that there were more; no joiner is left that joins nothing."""
    kept = text[:letters].removesuffix("…").rstrip("\u200d").rstrip()
    return f"{kept}…" if kept else ""
