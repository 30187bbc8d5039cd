"""A cache of KV blocks, without the KV: which blocks there are, which are in use, which goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class NoRoomError(Exception):
    """What is in use leaves too few blocks."""


class Change(NamedTuple):
    """What one step did: blocks that went, and then a chain that came, below `parent`."""

    removed: tuple[int, ...]
    parent: int | None
    stored: tuple[int, ...]


@dataclass(eq=False)
class Lease:
    """The blocks of one request: in use until it is released. `reserved`: blocks that it may still take."""

    hashes: list[int] = field(default_factory=list)
    reserved: int = 0
    cached: int = 0  # of the prompt's blocks, how many were there already

    @property
    def tail(self) -> int | None:
        """The last block."""
        return self.hashes[-1] if self.hashes else None


class BlockCache:
    """Bounded in blocks. A hash names a block and all before it, so that a block is never there without its parent.

    Blocks that no request uses go in order of use, and of those released together the last of the chain first.
    """

    def __init__(self, capacity_blocks: int) -> None:
        """Empty."""
        self.capacity_blocks = capacity_blocks
        self._uses: dict[int, int] = {}  # by hash: requests that use it
        self._idle: OrderedDict[int, None] = OrderedDict()  # used by none, the first to go first
        self._reserved = 0

    def __len__(self) -> int:
        """Blocks that are there."""
        return len(self._uses)

    def __contains__(self, block_hash: int) -> bool:
        """Whether a block is there."""
        return block_hash in self._uses

    def lease(self, hashes: Sequence[int], most_blocks: int) -> Lease:
        """Takes the leading blocks that are there into use, and room for the rest of `most_blocks` in all.

        `NoRoomError` where that is not to be had; then nothing has changed.
        """
        cached = next((number for number, each in enumerate(hashes) if each not in self._uses), len(hashes))
        free = self.capacity_blocks - len(self._uses) + len(self._idle) - self._reserved
        needed = most_blocks - cached + sum(each in self._idle for each in hashes[:cached])
        if needed > free:
            raise NoRoomError(f"{needed} blocks are due, and {free} of {self.capacity_blocks} are free")
        lease = Lease(reserved=most_blocks - cached, cached=cached)
        self._reserved += lease.reserved
        for each in hashes[:cached]:
            self._use(lease, each)
        return lease

    def extend(self, lease: Lease, hashes: Sequence[int]) -> Change:
        """The next blocks of the request's chain have been computed."""
        parent = lease.tail
        removed: list[int] = []
        stored: list[int] = []
        for each in hashes:
            lease.reserved -= 1
            self._reserved -= 1
            if each in self._uses:  # another request was faster
                if not stored:
                    parent = each
            else:
                if len(self._uses) >= self.capacity_blocks:
                    gone, _ = self._idle.popitem(last=False)
                    del self._uses[gone]
                    removed.append(gone)
                self._uses[each] = 0
                stored.append(each)
            self._use(lease, each)
        return Change(tuple(removed), parent, tuple(stored))

    def release(self, lease: Lease) -> None:
        """The request has ended, or was given up."""
        self._reserved -= lease.reserved
        lease.reserved = 0
        for each in reversed(lease.hashes):
            self._uses[each] -= 1
            if not self._uses[each]:
                self._idle[each] = None
        lease.hashes.clear()

    def clear(self) -> bool:
        """Drops everything; False, and nothing happens, while requests are under way."""
        if len(self._idle) < len(self._uses) or self._reserved:
            return False
        self._uses.clear()
        self._idle.clear()
        return True

    def _use(self, lease: Lease, each: int) -> None:
        self._uses[each] += 1
        self._idle.pop(each, None)
        lease.hashes.append(each)
