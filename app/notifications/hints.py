"""Which conversations wait to be read on for notifications, and since when.

Who has a message on their screen says so a moment later. So a conversation is read when it was still for a while: a
pause that began with a hint of any other conversation, or with an earlier message of the same one, would be over too
soon for the message that came last, and tell of it who is reading it.
"""

from collections.abc import Iterable

# What is read on a screen at this moment is marked as read in this time, in seconds, and nobody is told of it.
PAUSE = 1.0
# The livelier a conversation, the longer it has waited, the shorter a stillness will do; after so long none is needed.
LONGEST = 10.0


class Hints:
    """Conversations that wait, each with the moments of its first and its latest hint."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def came(self, conversation: int, now: float) -> None:
        """Something was said in it at this moment."""
        first, _last = self._waiting.get(conversation, (now, now))
        self._waiting[conversation] = first, now

    def found(self, conversations: Iterable[int], now: float) -> None:
        """They were behind at this moment, whenever it was said. Those that wait already wait no longer for that."""
        for conversation in conversations:
            self._waiting.setdefault(conversation, (now, now))

    def again(self, conversations: Iterable[int], now: float) -> None:
        """They were read, and there is more: they are due at once."""
        for conversation in conversations:
            self._waiting[conversation] = now - LONGEST, now - PAUSE

    def take(self, most: int, now: float) -> list[int]:
        """So many of those that are due, the longest due first; they wait no more."""
        due = sorted((self._due(conversation), conversation) for conversation in self._waiting)
        taken = [conversation for moment, conversation in due[:most] if moment <= now]
        for conversation in taken:
            del self._waiting[conversation]
        return taken

    def soonest(self) -> float | None:
        """When the next is due, if nothing more comes; None when none waits."""
        return min(map(self._due, self._waiting), default=None)

    def _due(self, conversation: int) -> float:
        """When it has been still for PAUSE, less the part of it that it has waited of LONGEST."""
        first, last = self._waiting[conversation]
        return first + (last - first + PAUSE) * LONGEST / (LONGEST + PAUSE)
