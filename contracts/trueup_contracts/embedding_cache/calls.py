"""The suite's own way to call a cache, and the small obvious model that it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trueup_contracts.embedding_cache.fill import Fill, told
from trueup_contracts.subject import Handle, Subject


class Cache:
    """An open cache. `device` is where the tensors of `fill` lie."""

    def __init__(self, subject: Subject, capacity_bytes: int, device: str = "cpu") -> None:
        self.handle: Handle = subject.open(capacity_bytes=capacity_bytes, device=device)
        self.subject = subject
        self.device = device

    def fill(self, seed: int, size_bytes: int) -> Fill:
        """A tensor of bytes."""
        return Fill(seed, "uint8", (size_bytes,), self.device)

    def set(self, key: str, tensor: Any) -> bool:
        """Whether it was stored."""
        stored = self.handle.call("set", key=key, tensor=tensor)
        assert isinstance(stored, bool), f"set answered {stored!r}; True or False is due"
        return stored

    def get(self, key: str) -> dict[str, Any] | None:
        """What is known of the tensor: dtype, shape and digest."""
        return told(self.handle.call("get", key=key))

    def has(self, key: str) -> bool:
        """Whether the key is in the cache."""
        found = self.handle.call("contains", key=key)
        assert isinstance(found, bool), f"`in` answered {found!r}"
        return found

    def call(self, operation: str, /, **args: Any) -> Any:
        """Any other operation."""
        return self.handle.call(operation, **args)

    @property
    def current_bytes(self) -> int:
        """The ledger."""
        found: int = self.handle.call("current_bytes")
        return found

    def __len__(self) -> int:
        """The number of entries, as the cache tells it."""
        found: int = self.handle.call("len")
        return found

    def order(self, keys: Sequence[str]) -> list[str]:
        """Those of these keys that are there, in the order in which they are evicted. Empties the cache to find out.

        One entry grows by a byte at a time, so that each step shows which of the others went.
        """
        capacity = self.handle.call("capacity_bytes")
        there = [key for key in keys if self.has(key)]
        found: list[str] = []
        for size_bytes in range(capacity - self.current_bytes + 1, capacity + 1):
            if not there:
                break
            assert self.set("probe", self.fill(size_bytes, size_bytes)), "a tensor that fits was refused"
            gone = [key for key in there if not self.has(key)]
            there = [key for key in there if key not in gone]
            found += gone
        return found + there


@dataclass
class Model:
    """A list of entries in order of use, least recent first."""

    capacity_bytes: int
    entries: list[tuple[str, Fill]] = field(default_factory=list)
    hits: int = 0
    misses: int = 0
    evictions: int = 0

    @property
    def current_bytes(self) -> int:
        """The sum of the entries' sizes."""
        return sum(fill.size_bytes for _, fill in self.entries)

    @property
    def keys(self) -> list[str]:
        """Least to most recent."""
        return [key for key, _ in self.entries]

    def set(self, key: str, fill: Fill) -> bool:
        """Stores, evicting the least recent ones."""
        if fill.size_bytes > self.capacity_bytes:
            return False
        self.remove(key)
        while self.current_bytes + fill.size_bytes > self.capacity_bytes:
            self.entries.pop(0)
            self.evictions += 1
        self.entries.append((key, fill))
        return True

    def get(self, key: str) -> dict[str, Any] | None:
        """A hit is most recent."""
        for place, (name, fill) in enumerate(self.entries):
            if name == key:
                self.entries.append(self.entries.pop(place))
                self.hits += 1
                return fill.told()
        self.misses += 1
        return None

    def remove(self, key: str) -> bool:
        """Whether there was one."""
        before = len(self.entries)
        self.entries = [entry for entry in self.entries if entry[0] != key]
        return len(self.entries) < before

    def shrink_to(self, size_bytes: int) -> list[str]:
        """Evicts the least recent ones."""
        gone = []
        while self.current_bytes > size_bytes:
            gone.append(self.entries.pop(0)[0])
            self.evictions += 1
        return gone


def agrees(cache: Cache, model: Model, keys: Sequence[str]) -> None:
    """The cache must hold what the model holds: bytes, number, and which of these keys. Nothing is made recent."""
    found, expected = cache.current_bytes, model.current_bytes
    assert found == expected, f"current_bytes is {found}, and the entries have {expected} bytes: {_shown(model)}"
    assert found <= model.capacity_bytes, f"current_bytes is {found}, above the capacity of {model.capacity_bytes}"
    number = len(cache)
    assert number == len(model.entries), f"len is {number}, and there should be {len(model.entries)}: {_shown(model)}"
    for key in keys:
        there = cache.has(key)
        assert there == (key in model.keys), (
            f"{key!r} is {'' if there else 'not '}in the cache; entries in order of use should be {_shown(model)}"
        )
    if "keys" in cache.subject.capabilities:
        order = list(cache.call("keys"))
        assert order == model.keys, f"keys() is {order}, least to most recent should be {model.keys}"


def _shown(model: Model) -> str:
    return ", ".join(f"{key!r} ({fill.size_bytes} bytes)" for key, fill in model.entries) or "none"
