"""The form of the tree: segments come, part, join again and go; the table of names follows.

Nothing here recurses, checks what it is given, or locks: `index.KvIndex` does the last two.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from sys import getsizeof
from typing import Final

from trueup_reference.kv_index.packing import HASH_BYTES, unpack
from trueup_reference.kv_index.segments import RUN, Segment, bits

Worker = tuple[int, int]
SMALLEST: Final = 1024  # entries: below it a table is not worth making again
INT_BYTES: Final = 48  # of a hash as the allocator counts it
PLACE_BYTES: Final = 32


class Holder:
    """A worker with its rank. It has a slot of its own and, once it has blocks in two tiers, one for each tier."""

    __slots__ = ("blocks", "own", "slot", "tier", "tiers", "worker")

    def __init__(self, worker: Worker, slot: int, tier: str) -> None:
        """Its first block lies in this tier."""
        self.worker = worker
        self.slot = slot
        self.tier = tier
        self.tiers: dict[str, int] = {}
        self.blocks = 0
        # Places of names that mean another block to other workers.
        self.own: dict[int, int] = {}

    def slots(self) -> tuple[int, ...]:
        """All of them."""
        return (self.slot, *self.tiers.values())


class Shape:
    """Segments, names, and the slots of those who hold blocks."""

    def __init__(self) -> None:
        """Empty."""
        self.root = Segment(-1, 0, b"", b"", None)
        self.segments: list[Segment | None] = []
        self.names: dict[int, int] = {}
        self.workers: dict[Worker, Holder] = {}
        self.holders: list[Holder | None] = []  # by slot
        self.where: list[set[Segment]] = []  # by slot: the segments that have a block of it
        self.all_bits = 0  # the slots of whole workers
        self.tier_bits: dict[str, int] = {}  # the slots that say what lies in a tier
        self.nodes = 0
        self.blocks = 0
        self.repeated: dict[int, int] = {}  # names that stand for several blocks: for how many
        self.members: dict[int, tuple[Worker, ...]] = {}  # of sets of slots, as `matching` met them
        self._unused_numbers: list[int] = []
        self._unused_slots: list[int] = []
        self._most_names = 0

    # Who holds blocks.

    def enter(self, worker: Worker, tier: str) -> Holder:
        """One who holds nothing so far."""
        holder = Holder(worker, 0, tier)
        holder.slot = slot = self._slot(holder)
        self.workers[worker] = holder
        self.all_bits |= 1 << slot
        self.tier_bits[tier] = self.tier_bits.get(tier, 0) | 1 << slot
        return holder

    def leave(self, holder: Holder) -> None:
        """One who holds nothing any more. What it was the last to hold is for `trim` to free."""
        del self.workers[holder.worker]
        for slot in holder.slots():
            gone = ~(1 << slot)
            self.all_bits &= gone
            self.tier_bits = {tier: left for tier, mask in self.tier_bits.items() if (left := mask & gone)}
            self.holders[slot] = None
            self.where[slot] = set()
            heappush(self._unused_slots, slot)
        self.members.clear()
        while self.holders and self.holders[-1] is None:
            self.holders.pop()
            self.where.pop()

    def slots_for(self, holder: Holder, tier: str) -> tuple[int, ...]:
        """Those that a block in this tier belongs to. With a second tier each tier gets one."""
        if not holder.tiers:
            if tier == holder.tier:
                return (holder.slot,)
            first = self._slot(holder)
            self.tier_bits[holder.tier] = self.tier_bits[holder.tier] & ~(1 << holder.slot) | 1 << first
            holder.tiers[holder.tier] = first
            for segment in self.where[holder.slot]:
                segment.set_mask(first, segment.mask(holder.slot))
            self.where[first] = set(self.where[holder.slot])
        if tier not in holder.tiers:
            holder.tiers[tier] = slot = self._slot(holder)
            self.tier_bits[tier] = self.tier_bits.get(tier, 0) | 1 << slot
        return (holder.slot, holder.tiers[tier])

    def _slot(self, holder: Holder) -> int:
        self.members.clear()
        unused = self._unused_slots
        if unused and unused[0] < len(self.holders):
            slot = heappop(unused)
            self.holders[slot] = holder
            return slot
        unused.clear()  # all of them are beyond the end
        self.holders.append(holder)
        self.where.append(set())
        return len(self.holders) - 1

    # Segments.

    def make(self, names: bytes, local: bytes) -> Segment:
        """A segment that is in no place yet."""
        segment = Segment(0, 0, names, local, None)
        self._number(segment)
        self.nodes += segment.size
        return segment

    def split(self, segment: Segment, at: int) -> Segment:
        """The blocks before `at` become a segment of their own, which is returned; the others keep their places."""
        cut = at * HASH_BYTES
        upper = Segment(0, 0, segment.names[:cut], segment.locals[:cut], None)
        self._number(upper)
        upper.odd = segment.odd
        parent = segment.parent
        assert parent is not None
        parent.adopt(upper, *upper.head())  # in the place of this one: it has the same first block
        old = segment.base
        upper.full = full = segment.full
        partial = segment.partial
        segment.partial = {}
        segment.names, segment.locals = segment.names[cut:], segment.locals[cut:]
        segment.size -= at
        segment.first += at
        for slot in bits(full):
            self.where[slot].add(upper)
        low = (1 << at) - 1
        for slot, mask in partial.items():
            if mask & low:
                upper.set_mask(slot, mask & low)
                self.where[slot].add(upper)
            if mask >> at:
                segment.set_mask(slot, mask >> at)
            else:
                self.where[slot].discard(segment)
        upper.adopt(segment, *segment.head())
        self._rename(upper, old)
        return upper

    def trim(self, segment: Segment) -> None:
        """Frees what nobody holds at a segment's end, and the segments above that end with it."""
        while segment.number >= 0:
            if segment.children is not None:
                child = segment.only_child()
                if child is None or child.first < segment.size:
                    return
                above = segment.parent
                assert above is not None
                self._join(segment, child)
                segment = above  # which has room for itself in the longer one now, perhaps
                continue
            if segment.full:
                return
            keep = max(map(int.bit_length, segment.partial.values())) if segment.partial else 0
            if keep == segment.size:
                return
            self._cut(segment, keep)
            if keep:
                return
            parent = segment.parent
            assert parent is not None
            self._free(segment)
            segment = parent

    def _cut(self, segment: Segment, keep: int) -> None:
        cut = keep * HASH_BYTES
        self._forget(segment.names[cut:], segment.base + keep)
        self.nodes -= segment.size - keep
        if keep:  # what is left empty keeps its first block, by which its parent knows it
            segment.names, segment.locals, segment.size = segment.names[:cut], segment.locals[:cut], keep
            for slot, mask in list(segment.partial.items()):
                segment.set_mask(slot, mask)

    def _join(self, upper: Segment, lower: Segment) -> None:
        """The blocks of the upper one go into the lower one, whose places stay."""
        parent = upper.parent
        assert parent is not None
        old, size = upper.base, upper.size
        full = upper.full & lower.full
        slots = {*bits((upper.full | lower.full) & ~full), *upper.partial, *lower.partial}
        masks = {slot: upper.mask(slot) | lower.mask(slot) << size for slot in slots}
        lower.names, lower.locals = upper.names + lower.names, upper.locals + lower.locals
        lower.size += size
        lower.first -= size
        lower.full, lower.partial = full, masks
        lower.odd |= upper.odd
        for slot in bits(full):
            self.where[slot].discard(upper)
        for slot in slots:
            self.where[slot].discard(upper)
            self.where[slot].add(lower)
        parent.adopt(lower, *lower.head())  # in the place of the upper one: it has its first block now
        self._unnumber(upper)
        self._rename(lower, old, size)

    def _free(self, segment: Segment) -> None:
        assert segment.parent is not None
        segment.parent.disown(segment)
        self._unnumber(segment)

    def _number(self, segment: Segment) -> None:
        unused = self._unused_numbers
        if unused and unused[0] < len(self.segments):
            segment.number = heappop(unused)
            self.segments[segment.number] = segment
        else:
            unused.clear()  # all of them are beyond the end
            segment.number = len(self.segments)
            self.segments.append(segment)

    def _unnumber(self, segment: Segment) -> None:
        number = segment.number
        self.segments[number] = None
        segment.number, segment.parent, segment.children = -1, None, None
        heappush(self._unused_numbers, number)
        if number == len(self.segments) - 1:
            while self.segments and self.segments[-1] is None:
                self.segments.pop()
        if len(self._unused_numbers) > 2 * len(self.segments) + SMALLEST or not self.segments:
            end = len(self.segments)
            self._unused_numbers = [one for one in self._unused_numbers if one < end]
            heapify(self._unused_numbers)

    # Names.

    def _rename(self, segment: Segment, old: int, count: int = RUN) -> None:
        """The first `count` blocks of a segment have come from the places `old` on."""
        names = unpack(segment.names[: count * HASH_BYTES])
        base = segment.base
        if not segment.odd:
            self.names.update(zip(names, range(base, base + RUN)))  # noqa: B905
            return
        slots = {*bits(segment.full), *segment.partial}
        holders = {holder for slot in slots if (holder := self.holders[slot]) is not None and holder.own}
        for offset, name in enumerate(names):
            if self.names.get(name) == old + offset:
                self.names[name] = base + offset
            for holder in holders:
                if holder.own.get(name) == old + offset:
                    holder.own[name] = base + offset

    def _forget(self, names: bytes, place: int) -> None:
        """The blocks from this place on are gone."""
        table = self.names
        self._most_names = max(self._most_names, len(table))
        if self.repeated:
            for at, name in enumerate(unpack(names), place):
                if table.get(name) == at:
                    del table[name]
                if name in self.repeated:
                    self._repeat_less(name)
        else:
            deque(map(table.__delitem__, unpack(names)), maxlen=0)
        if len(table) < self._most_names // 4 and self._most_names > SMALLEST:
            # A dict never gets smaller by itself.
            self.names = dict(table.items())
            self._most_names = len(table)

    def repeat(self, name: int) -> None:
        """One more block has this name."""
        self.repeated[name] = self.repeated.get(name, 1) + 1

    def _repeat_less(self, name: int) -> None:
        self.repeated[name] -= 1
        if not self.repeated[name]:
            del self.repeated[name]

    # Memory.

    @property
    def live_segments(self) -> int:
        """How many segments there are."""
        return len(self.segments) - sum(1 for one in self._unused_numbers if one < len(self.segments))

    def memory_bytes(self) -> int:
        """What this holds, by its own account: takes a look at every segment."""
        total = getsizeof(self.names) + getsizeof(self.segments) + getsizeof(self.workers) + getsizeof(self.where)
        total += getsizeof(self._unused_numbers) + getsizeof(self._unused_slots)
        total += len(self.names) * (INT_BYTES + PLACE_BYTES)
        total += sum(map(getsizeof, self.where))
        total += getsizeof(self.members) + sum(map(getsizeof, self.members.values()))
        for segment in self.segments:
            if segment is not None:
                total += getsizeof(segment) + getsizeof(segment.names) + getsizeof(segment.locals)
                total += getsizeof(segment.full) + getsizeof(segment.partial)
                total += sum(map(getsizeof, segment.partial.values()))
                if segment.children is not None:
                    total += getsizeof(segment.children) + INT_BYTES * len(segment.children)
        for holder in self.workers.values():
            total += getsizeof(holder) + getsizeof(holder.own) + getsizeof(holder.tiers)
        return total

    def settle(self) -> None:
        """Once nobody holds anything, the tables are made anew: they never get smaller by themselves."""
        if not self.workers:
            Shape.__init__(self)

    def forget_all(self) -> None:
        """Takes the tree apart: a long chain of segments is not left to the interpreter to free."""
        for segment in self.segments:
            if segment is not None:
                segment.parent = segment.children = None
        Shape.__init__(self)
