"""The nodes of the compressed tree: runs of blocks without a branch."""

from __future__ import annotations

from typing import Final

from trueup_reference.kv_index.packing import HASH_BYTES, pack_one, unpack_one

SHIFT: Final = 8
RUN: Final = 1 << SHIFT
"""The most blocks of a segment. Longer ones make masks and splits cost more, shorter ones queries (docs)."""
OFFSET: Final = RUN - 1


class Segment:
    """Blocks that follow each other, each with its name (sequence hash) and local hash, and who holds which of them.

    A block's place is `number << SHIFT | first + offset`. Whoever holds all blocks is a bit in `full`, at its slot;
    whoever holds some is in `partial`: a mask of blocks by slot, bit i for the i-th.
    """

    __slots__ = ("children", "first", "full", "locals", "names", "number", "odd", "parent", "partial", "size")

    def __init__(self, number: int, first: int, names: bytes, local: bytes, parent: Segment | None) -> None:
        """`number` is negative for the root, and for what is no part of the tree any more."""
        self.number = number
        self.first = first
        self.names = names
        self.locals = local
        self.size = len(names) // HASH_BYTES
        self.parent = parent
        self.full = 0
        self.partial: dict[int, int] = {}
        # By the local hash of its first block; those that only differ by name, by that.
        self.children: dict[int, Segment | dict[int, Segment]] | None = None
        # Some block's name means another block to other workers.
        self.odd = False

    @property
    def base(self) -> int:
        """The place of the first block."""
        return self.number << SHIFT | self.first

    def child(self, local: int, name: int) -> Segment | None:
        """What follows the last block, with this block first."""
        if self.children is None:
            return None
        found = self.children.get(local)
        if isinstance(found, dict):
            return found.get(name)
        return found if found is not None and found.names.startswith(pack_one(name)) else None

    def adopt(self, child: Segment, local: int, name: int) -> None:
        """Puts a child in, with its first block; one of the same first block is replaced."""
        child.parent = self
        if self.children is None:
            self.children = {local: child}
            return
        there = self.children.get(local)
        if there is None:
            self.children[local] = child
        elif isinstance(there, dict):
            there[name] = child
        else:
            other = there.head()[1]
            self.children[local] = child if other == name else {other: there, name: child}

    def disown(self, child: Segment) -> None:
        """Takes a child out."""
        children = self.children
        assert children is not None
        local, name = child.head()
        there = children[local]
        if isinstance(there, dict):
            del there[name]
            if len(there) == 1:
                children[local] = next(iter(there.values()))
        else:
            del children[local]
            if not children:
                self.children = None

    def only_child(self) -> Segment | None:
        """The child, where there is exactly one."""
        if self.children is not None and len(self.children) == 1:
            (child,) = self.children.values()
            if not isinstance(child, dict):
                return child
        return None

    def head(self) -> tuple[int, int]:
        """Local hash and name of the first block."""
        return unpack_one(self.locals[:HASH_BYTES]), unpack_one(self.names[:HASH_BYTES])

    def name(self, offset: int) -> int:
        """Of a block."""
        return unpack_one(self.names[offset * HASH_BYTES : (offset + 1) * HASH_BYTES])

    def mask(self, slot: int) -> int:
        """The blocks that the slot holds."""
        return (1 << self.size) - 1 if self.full >> slot & 1 else self.partial.get(slot, 0)

    def set_mask(self, slot: int, mask: int) -> None:
        """The same, changed."""
        if mask == (1 << self.size) - 1:
            self.full |= 1 << slot
            self.partial.pop(slot, None)
        else:
            self.full &= ~(1 << slot)
            if mask:
                self.partial[slot] = mask
            else:
                self.partial.pop(slot, None)


def bits(mask: int) -> list[int]:
    """The places of its bits."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def alike(run: bytes, start: int, other: bytes, begin: int) -> int:
    """How many hashes of `run` from its `start`-th on stand in `other` from its `begin`-th on."""
    at, there = start * HASH_BYTES, begin * HASH_BYTES
    high = min(len(run) - at, len(other) - there) // HASH_BYTES
    if other.startswith(run[at : at + high * HASH_BYTES], there):
        return high
    low = 0  # so many are alike, and of `high` not all
    while high - low > 1:
        middle = (low + high) // 2
        if other.startswith(run[at + low * HASH_BYTES : at + middle * HASH_BYTES], there + low * HASH_BYTES):
            low = middle
        else:
            high = middle
    return low
