"""What people show of themselves to others."""

import msgspec


class PersonCard(msgspec.Struct, frozen=True):
    """A person as everyone may see them. No e-mail address."""

    id: int
    username: str
    name: str
    role: str


class PeopleView(msgspec.Struct):
    """A page of the directory; `next` is the value of `after` to go on with, null at the end."""

    people: list[PersonCard]
    q: str = ""
    next: str | None = None
