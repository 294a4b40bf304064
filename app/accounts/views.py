"""What accounts show: to the person themselves, and to others."""

from datetime import datetime
from typing import Literal

import msgspec

# What a token may do, see `app/scopes.py`.
Scope = Literal["read", "write", "admin"]
# Here, for whoever names an address without needing all that checks passwords.
LONGEST_EMAIL = 100


class Me(msgspec.Struct, frozen=True):
    """Who is asking, as each request reads it anew from their session or token. `session` of a token is its id with a
    minus (see `tokens.py`), and `scopes` what it may; of a session there are none, it may everything."""

    id: int
    username: str
    name: str
    role: str
    language: str
    time_zone: str
    session: int
    created_at: datetime
    blocks: int = 0
    # Whether they have blocked someone, or someone them.
    apart: bool = False
    # ROLE_POLICY: by which rules they write to others.
    policy: Literal["open", "school"] = "open"
    avatar: str | None = None
    bot: bool = False
    scopes: frozenset[str] | None = None

    @property
    def is_admin(self) -> bool:
        """Whether they may do now what administrators may: by a token only when it is for that."""
        return self.role == "admin" and (self.scopes is None or "admin" in self.scopes)

    @property
    def is_staff(self) -> bool:
        return self.role in ("teacher", "admin")


class PersonView(msgspec.Struct, frozen=True):
    """A person as they see themselves."""

    id: int
    username: str
    name: str
    email: str
    role: str
    about: str
    language: str
    time_zone: str
    created_at: datetime
    updated_at: datetime
    avatar: str | None


class SignedIn(msgspec.Struct):
    """What a program gets when it signs in: `expires_in` is of the access token, in seconds."""

    person: PersonView
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "bearer"


class SessionView(msgspec.Struct):
    """A device that is signed in."""

    id: int
    device: str
    address: str
    created_at: datetime
    last_used_at: datetime
    current: bool


class SessionsView(msgspec.Struct):
    """The devices on which one is signed in."""

    sessions: list[SessionView]


class BotView(msgspec.Struct, frozen=True):
    """A bot as its owner sees it."""

    id: int
    username: str
    name: str
    avatar: str | None
    created_at: datetime


class BotsView(msgspec.Struct):
    """One's own bots."""

    bots: list[BotView]


class TokenView(msgspec.Struct):
    """A token as whoever made it sees it: without the token itself, of which only a hash is kept."""

    id: int
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokensView(msgspec.Struct):
    """The tokens that still work."""

    tokens: list[TokenView]


class TokenMadeView(msgspec.Struct):
    """A new token, which is told this once."""

    id: int
    token: str


class EntranceView(msgspec.Struct):
    """The pages in front of the door. `first`: nobody is here yet, who signs up now becomes administrator."""

    first: bool = False
    next: str = ""
    token: str = ""
    done: bool = False
