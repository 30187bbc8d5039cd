"""The small obvious model that a cache is compared with: a list of entries in order of use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.fill import Fill, View


class Entry(NamedTuple):
    """What is stored under a key."""

    key: str
    tensor: Fill | View


@dataclass
class Model:
    """Entries, least recent first. `counts` says what one costs, by what the cache claims (SPEC.md).

    `elements`: those of a copy; `storages`: the whole storage of each; `shared`: each storage once.
    """

    capacity_bytes: int
    counts: str = "elements"
    entries: list[Entry] = field(default_factory=list)
    pins: Counter[str] = field(default_factory=Counter)
    hits: int = 0
    misses: int = 0

    @property
    def current_bytes(self) -> int:
        """What the entries cost."""
        return self._cost(self.entries)

    @property
    def keys(self) -> list[str]:
        """Least to most recent."""
        return [entry.key for entry in self.entries]

    def set(self, key: str, tensor: Fill | View) -> bool:
        """Stores, evicting the least recent ones; False, and no change, where there can be no room."""
        new, before = Entry(key, tensor), list(self.entries)
        if self.pins[key]:
            return False
        self.remove(key)
        while self._cost([*self.entries, new]) > self.capacity_bytes:
            victim = next((entry for entry in self.entries if not self.pins[entry.key]), None)
            if victim is None:
                self.entries = before
                return False
            self.entries.remove(victim)
        self.entries.append(new)
        return True

    def get(self, key: str) -> dict[str, Any] | None:
        """A hit is most recent."""
        for place, (name, tensor) in enumerate(self.entries):
            if name == key:
                self.entries.append(self.entries.pop(place))
                self.hits += 1
                return tensor.told()
        self.misses += 1
        return None

    def remove(self, key: str) -> bool:
        """Whether there was one."""
        before = len(self.entries)
        self.entries = [entry for entry in self.entries if entry.key != key]
        return len(self.entries) < before

    def clear(self) -> list[str]:
        """All but pinned ones; their keys."""
        gone = [key for key in self.keys if not self.pins[key]]
        self.entries = [entry for entry in self.entries if self.pins[entry.key]]
        return gone

    def shrink_to(self, size_bytes: int) -> list[str]:
        """Evicts the least recent ones, as far as pins allow; their keys."""
        gone = []
        for key in self.keys:
            if self.current_bytes > size_bytes and not self.pins[key]:
                self.remove(key)
                gone.append(key)
        return gone

    def stats(self) -> dict[str, float]:
        """What `stats()` must tell."""
        requests = self.hits + self.misses
        return {
            "entries": len(self.entries),
            "current_bytes": self.current_bytes,
            "capacity_bytes": self.capacity_bytes,
            "utilization": self.current_bytes / self.capacity_bytes if self.capacity_bytes else 0,
            "hits": self.hits,
            "misses": self.misses,
            "hit_rate": self.hits / requests if requests else 0,
        }

    def _cost(self, entries: Iterable[Entry]) -> int:
        if self.counts == "shared":
            # Views of one base share; what owns its storage shares with nobody.
            costs = {getattr(tensor, "base", key): tensor.storage_bytes for key, tensor in entries}
            return sum(costs.values())
        name = "size_bytes" if self.counts == "elements" else "storage_bytes"
        return sum(getattr(entry.tensor, name) for entry in entries)


def counting(capabilities: frozenset[str]) -> str:
    """How a cache with these claims counts."""
    if "copies_on_set" in capabilities:
        return "elements"
    return "shared" if "shared_storage" in capabilities else "storages"


def agrees(cache: Cache, model: Model, keys: Sequence[str]) -> None:
    """The cache must hold what the model holds: bytes, number, and which of these keys. Nothing is made recent."""
    found, expected = cache.current_bytes, model.current_bytes
    assert found == expected, f"current_bytes is {found}, and the entries have {expected} bytes: {shown(model)}"
    assert found <= model.capacity_bytes, f"current_bytes is {found}, above the capacity of {model.capacity_bytes}"
    number = len(cache)
    assert number == len(model.entries), f"len is {number}, and there should be {len(model.entries)}: {shown(model)}"
    for key in keys:
        there = cache.has(key)
        assert there == (key in model.keys), (
            f"{key!r} is {'' if there else 'not '}in the cache; entries in order of use should be {shown(model)}"
        )
    if "keys" in cache.subject.capabilities:
        order = list(cache.call("keys"))
        assert order == model.keys, f"keys() is {order}, least to most recent should be {model.keys}"


def agrees_in_stats(cache: Cache, model: Model, *, but: Collection[str] = ()) -> None:
    """Under the capability `stats` its numbers must be the model's, except those named, and evictions (EC-022)."""
    if "stats" not in cache.subject.capabilities:
        return
    stats = cache.call("stats")
    for name, due in model.stats().items():
        if name not in but:
            assert name in stats, f"stats() has no {name!r}"
            assert abs(stats[name] - due) < 1e-9, f"stats()[{name!r}] is {stats[name]}, expected {due}"


def shown(model: Model) -> str:
    """The entries, for a message."""
    return ", ".join(f"{key!r} ({tensor.size_bytes} bytes)" for key, tensor in model.entries) or "none"
