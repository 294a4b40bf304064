"""What happened among people that is worked on later."""

import msgspec


class ContactAskedByAddress(msgspec.Struct):
    """Someone asked whoever has this e-mail address to be a contact. Whether anyone has, only the worker finds out."""

    asker: int
    address: str


class ContactRequested(msgspec.Struct):
    """Someone asked someone to be a contact. It may have been answered, or taken back, by the time this is read."""

    asker: int
    asked: int


class ContactAccepted(msgspec.Struct):
    """Who was asked is a contact of the asker now."""

    asker: int
    asked: int


class ExportEnded(msgspec.Struct):
    """What someone asked to take along is ready, or is known to have failed. (It stands here for packages that do not
    know each other: exports say it, notifications tell it.)"""

    export: int
    person: int
    ready: bool
