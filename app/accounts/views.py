"""What accounts show: to the person themselves, and to others."""

from datetime import datetime
from typing import Literal

import msgspec


class Me(msgspec.Struct, frozen=True):
    """Who is asking, as each request reads it anew from their session."""

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

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


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


class EntranceView(msgspec.Struct):
    """The pages in front of the door. `first`: nobody is here yet, who signs up now becomes administrator."""

    first: bool = False
    next: str = ""
    token: str = ""
    done: bool = False
