"""The suite's own way to call a cache."""

from __future__ import annotations

from collections.abc import Sequence
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
