"""What happened among people that is worked on later."""

import msgspec


class ContactAskedByAddress(msgspec.Struct):
    """Someone asked whoever has this e-mail address to be a contact. Whether anyone has, only the worker finds out."""

    asker: int
    address: str
