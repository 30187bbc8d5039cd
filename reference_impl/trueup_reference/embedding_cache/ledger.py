"""Who holds how many bytes: entries in order of use, and each storage counted once. No locks, no tensors' contents."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Hashable

from trueup_reference.embedding_cache.holding import Held


class Ledger:
    """Entries by key, least recent first. `current_bytes` is the bytes of all storages that entries use.

    Room is made in time proportional to the entries that go, and to the pinned ones that are less recent than those.
    """

    def __init__(self) -> None:
        self.entries: OrderedDict[str, Held] = OrderedDict()
        self.current_bytes = 0
        self.pinned = 0  # entries
        self._users: dict[Hashable, int] = {}  # of each storage

    def add(self, key: str, held: Held) -> None:
        """As most recent; the key must be free."""
        self.entries[key] = held
        users = self._users.get(held.storage, 0)
        self._users[held.storage] = users + 1
        if not users:
            self.current_bytes += held.size_bytes

    def pop(self, key: str) -> Held:
        """Takes an entry out."""
        held = self.entries.pop(key)
        users = self._users[held.storage] - 1
        if users:
            self._users[held.storage] = users
        else:
            del self._users[held.storage]
            self.current_bytes -= held.size_bytes
        return held

    def pin(self, held: Held, change: int) -> None:
        """One pin more or less."""
        was_pinned = held.pins > 0
        held.pins += change
        self.pinned += (held.pins > 0) - was_pinned

    def victims(self, key: str, storage: Hashable, size_bytes: int, capacity_bytes: int) -> list[str] | None:
        """The keys that must go, least recent first, for an entry to fit under a key; `None` where it never does.

        The old entry under the key goes first and is not among them. Nothing is changed.
        """
        total = self.current_bytes
        old = self.entries.get(key)
        is_freed = old is not None and old.storage != storage and self._users[old.storage] == 1
        if total + size_bytes - (old.size_bytes if old is not None and is_freed else 0) <= capacity_bytes:
            return []  # even if its storage were held by nobody yet
        left: defaultdict[Hashable, int] = defaultdict(int)  # users more or fewer than now, of storages met here
        left[storage] = 1
        if storage not in self._users:
            total += size_bytes
        if old is not None:
            total -= self._without(old, left)
        if total <= capacity_bytes:
            return []
        gone, total = self._least_recent(capacity_bytes, total, left, but=key)
        return gone if total <= capacity_bytes else None

    def evict_to(self, size_bytes: int) -> list[tuple[str, Held]]:
        """Takes the least recent entries out until no more bytes are held, as far as pins allow."""
        gone, _ = self._least_recent(size_bytes, self.current_bytes, defaultdict(int))
        return [(name, self.pop(name)) for name in gone]

    def _least_recent(
        self, size_bytes: int, total: int, left: defaultdict[Hashable, int], but: str | None = None
    ) -> tuple[list[str], int]:
        """What has to go until no more than these bytes are held, if pins allow, and the bytes that are held then."""
        gone: list[str] = []
        for name, held in self.entries.items():
            if total <= size_bytes:
                break
            if not held.pins and name != but:
                total -= self._without(held, left)
                gone.append(name)
        return gone, total

    def _without(self, held: Held, left: defaultdict[Hashable, int]) -> int:
        """The bytes that are given back by one user less of this storage."""
        left[held.storage] -= 1
        return 0 if self._users.get(held.storage, 0) + left[held.storage] else held.size_bytes
