"""Who holds how many bytes: entries in order of use, and each storage counted once. No locks, no tensors' contents."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator

from trueup_reference.embedding_cache.holding import Held


class Ledger:
    """Entries by key, least recent first. `current_bytes` is the bytes of all storages that entries use."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, Held] = OrderedDict()
        self.current_bytes = 0
        self._users: Counter[int] = Counter()  # of each storage

    def add(self, key: str, held: Held) -> None:
        """As most recent; the key must be free."""
        self.entries[key] = held
        self._users[held.storage] += 1
        if self._users[held.storage] == 1:
            self.current_bytes += held.size_bytes

    def pop(self, key: str) -> Held:
        """Takes an entry out."""
        held = self.entries.pop(key)
        self._users[held.storage] -= 1
        if not self._users[held.storage]:
            del self._users[held.storage]
            self.current_bytes -= held.size_bytes
        return held

    def victims(self, key: str, storage: int, size_bytes: int, capacity_bytes: int) -> list[str] | None:
        """The keys that must go, least recent first, for an entry to fit under a key; `None` where it never does.

        The old entry under the key goes first and is not among them. Nothing is changed.
        """
        users = self._users.copy()
        total = self.current_bytes

        def drop(held: Held) -> int:
            users[held.storage] -= 1
            return 0 if users[held.storage] else held.size_bytes

        users[storage] += 1
        if users[storage] == 1:
            total += size_bytes
        old = self.entries.get(key)
        if old is not None:
            total -= drop(old)
        gone: list[str] = []
        for name, held in self._evictable(but=key):
            if total <= capacity_bytes:
                break
            total -= drop(held)
            gone.append(name)
        return gone if total <= capacity_bytes else None

    def evict_to(self, size_bytes: int) -> list[tuple[str, Held]]:
        """Takes the least recent entries out until no more bytes are held, as far as pins allow."""
        gone = []
        for name, _ in list(self._evictable()):
            if self.current_bytes <= size_bytes:
                break
            gone.append((name, self.pop(name)))
        return gone

    def _evictable(self, but: str | None = None) -> Iterator[tuple[str, Held]]:
        return ((name, held) for name, held in self.entries.items() if not held.pins and name != but)
