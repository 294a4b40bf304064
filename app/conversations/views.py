"""What conversations show to their members."""

from datetime import datetime

import msgspec

from app.people.views import PersonCard

# Of so many conversations beyond the list it is said what is unread: enough for a sum that is shown as 99+.
MOST_BEYOND = 100


class ConversationItem(msgspec.Struct, kw_only=True):
    """A line of the sidebar. `person` is the other one of a direct conversation; `unread` counts to 100, shown 99+.
    The rest is the viewer's own: on top, put away, silent until then (null: not silent; the year 9999: for ever)."""

    id: int
    kind: str
    title: str
    unread: int
    change: int
    last_activity_at: datetime
    person: PersonCard | None = None
    pinned: bool = False
    archived: bool = False
    muted_until: datetime | None = None


class ConversationsView(msgspec.Struct):
    """A person's conversations, the pinned ones first, then by latest activity; or what they have put away. `next`
    continues after the last one, null at the end; of those that come there, `unread_beyond` counts what is unread: the
    latest hundred that have any, without those that are silent; none where it was asked for with
    `unread_beyond=false`."""

    conversations: list[ConversationItem]
    next: str | None = None
    archived: bool = False
    unread_beyond: dict[int, int] = {}

    @property
    def may_be_more_beyond(self) -> bool:
        """Whether `unread_beyond` ends because it names as many as it may."""
        return len(self.unread_beyond) >= MOST_BEYOND

    @property
    def counted(self) -> str:
        """What the title of the page begins with: how many are unread, silent ones apart; empty when none is."""
        here = sum(item.unread for item in self.conversations if item.muted_until is None)
        unread = here + sum(self.unread_beyond.values())
        return f"({'99+' if unread > 99 else unread}) " if unread else ""


class ConversationView(ConversationItem, kw_only=True):
    """A conversation as its member sees it. `role` is the viewer's: owner or member. `level` is how much of what
    is said they are told of (everything, mentions, nothing; null: as is usual for its kind). `why_not` says why the
    viewer may not write in it; `everyone_writes` is of the general room where the rules of a school hold."""

    owner_id: int | None
    role: str
    members: int
    total: int
    read_position: int
    created_at: datetime
    everyone_writes: bool
    level: str | None = None
    why_not: str | None = None
    # Of a support conversation: who asked, who of the team looks after it, and when it was closed.
    asker: PersonCard | None = None
    assignee: PersonCard | None = None
    closed_at: datetime | None = None

    @property
    def may_write(self) -> bool:
        return self.why_not is None


class MemberView(msgspec.Struct, omit_defaults=True):
    """A member of a conversation. `avatar` is the address of their picture; of who has none it is left out, and
    so is `bot` of who is none."""

    id: int
    username: str
    name: str
    role: str
    owner: bool
    joined_at: datetime
    avatar: str | None = None
    bot: bool = False


class ReceiptView(msgspec.Struct, frozen=True):
    """How far someone is: the position of the last message that was `delivered` to them, and that they have `read`."""

    person: PersonCard
    delivered: int
    read: int


class PanelView(msgspec.Struct, kw_only=True):
    """What stands around an open conversation, alike for all its members. Direct ones have none."""

    id: int
    kind: str
    title: str
    members: int
    people: list[MemberView]
    person: PersonCard | None = None
    asker: PersonCard | None = None
    assignee: PersonCard | None = None
    closed_at: datetime | None = None


class MembersView(ConversationView, kw_only=True):
    """The members of a conversation, by name; `next` continues after the last one."""

    people: list[MemberView]
    next: str | None = None


class ThreadView(msgspec.Struct, kw_only=True):
    """A line of the queue: what someone asks the staff. `assigned` without an `assignee`: by somebody whom the reader
    does not see."""

    id: int
    title: str
    asker: PersonCard | None
    assigned: bool
    assignee: PersonCard | None
    created_at: datetime
    closed_at: datetime | None


class SupportView(msgspec.Struct):
    """The queue of the team. `show`: open, mine or closed; `waiting`: how many are open and nobody looks after; `next`
    continues after the last one, null at the end."""

    threads: list[ThreadView]
    show: str
    waiting: int
    next: str | None = None


class CodeView(msgspec.Struct, kw_only=True):
    """A group's code: who opens /join/{code} comes in. `expires_at` null: it has no end; `uses_left` null: nor a
    number of uses."""

    code: str
    created_at: datetime
    expires_at: datetime | None
    uses_left: int | None


class InvitationView(msgspec.Struct):
    """What a code opens. `conversation_id` is of who is in already, null for everyone else."""

    code: str
    title: str
    members: int
    conversation_id: int | None
