"""What was read or rendered, kept for the next who asks; bounded by what it weighs, for a message may be short or very
long."""

from collections.abc import Hashable, Sized
from typing import TypeVar

T = TypeVar("T", bound=Sized)
# What an entry costs beside its characters: its key, its place in the table, the object itself.
OVERHEAD = 300


class Cache(dict[Hashable, T]):
    """Texts by key, or what else has a length that is its weight: read it as a dict, write it by `keep`. The oldest
    quarter goes when it weighs more than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.weight = 0

    def keep(self, key: Hashable, text: T) -> T:
        """Puts it in and gives it back."""
        self.weight += len(text) + OVERHEAD
        if self.weight > self.most:
            for old in list(self)[: len(self) // 4 + 1]:  # a dict keeps the order of insertion
                del self[old]
            self.weight = sum(len(kept) + OVERHEAD for kept in self.values()) + len(text) + OVERHEAD
        self[key] = text
        return text
