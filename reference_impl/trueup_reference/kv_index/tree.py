"""Which worker holds which blocks: stores and removals."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from trueup_reference.kv_index import reading
from trueup_reference.kv_index.errors import InvalidEventError, UnknownParentError
from trueup_reference.kv_index.packing import HASH_BYTES
from trueup_reference.kv_index.reading import Chain
from trueup_reference.kv_index.segments import OFFSET, RUN, SHIFT, Segment, alike, bits
from trueup_reference.kv_index.shape import Holder, Shape, Worker

Run = tuple[Segment, int, int]  # the blocks from one offset to another, without the last


class Tree(Shape):
    """The blocks of one identity."""

    def find(self, holder: Holder, name: int) -> tuple[Segment, int] | None:
        """The segment and the offset of a block that is held."""
        place = holder.own.get(name) if holder.own else None
        if place is None:
            place = self.names.get(name)
            if place is None:
                return None
        segment = self.segments[place >> SHIFT]
        assert segment is not None
        offset = (place & OFFSET) - segment.first
        if segment.full >> holder.slot & 1 or segment.partial.get(holder.slot, 0) >> offset & 1:
            return segment, offset
        return None

    def store(self, worker: Worker, parent: int | None, chain: Chain, tier: str) -> None:
        """Raises `UnknownParentError`, and then nothing has changed."""
        holder = self.workers.get(worker)
        segment, end = self.root, 0
        if parent is not None:
            place = None if holder is None else self.find(holder, parent)
            if place is None:
                count = len(chain.names)
                raise UnknownParentError(
                    f"worker {worker[0]}, rank {worker[1]} does not hold the block {parent}, below which it stores "
                    f"{count} block{'s' * (count > 1)}: events of it were lost"
                )
            segment, end = place[0], place[1] + 1
            if len(chain.names) == 1 and end == segment.size and self._append(holder, segment, chain, tier):
                return
        known: list[Run] = []
        at, last, stop = 0, segment, end
        if end < segment.size or segment.children is not None:
            known, at, last, stop = self._walk(segment, end, chain)
        rest = chain.names[at:] if at else chain.names
        is_plain = self.names.keys().isdisjoint(rest)
        if self.repeated or not is_plain:
            is_plain = is_plain and self.repeated.keys().isdisjoint(chain.names)
            if not is_plain and holder is not None:
                self._check_order(holder, segment, end, chain)
        if holder is None:
            holder = self.enter(worker, tier)
        slots = self.slots_for(holder, tier)
        if not is_plain:
            self._store_singly(holder, segment, end, chain, slots)
            return
        for run in known:
            self._mark(run, holder, slots)
        if rest:
            self._grow(last, stop, chain, at, holder, slots)

    def _append(self, holder: Holder | None, segment: Segment, chain: Chain, tier: str) -> bool:
        """Puts one more block at the end of a leaf that is nobody else's, if it is that: what decoding does."""
        name = chain.names[0]
        used = segment.first + segment.size
        if (
            holder is None
            or segment.full != 1 << holder.slot
            or segment.children is not None
            or segment.partial
            or used >= RUN
            or holder.tiers
            or tier != holder.tier
            or name in self.names
            or name in self.repeated
        ):
            return False
        segment.names += chain.names_packed
        segment.locals += chain.locals_packed
        self.names[name] = segment.number << SHIFT | used
        segment.size += 1
        self.nodes += 1
        self.blocks += 1
        holder.blocks += 1
        return True

    def remove(self, worker: Worker, names: Sequence[int], tier: str | None) -> int:
        """How many of the names were not held."""
        holder = self.workers.get(worker)
        if holder is None or (tier is not None and tier != holder.tier and tier not in holder.tiers):
            return len(names)
        places = list(map(self.names.get, names))
        if holder.own:
            places = [holder.own.get(name, place) for name, place in zip(names, places, strict=True)]
        removed = 0
        touched = []
        for segment, mask in self._by_segment(places):
            count = self._unmark(segment, mask, holder, tier)
            if count:
                removed += count
                touched.append(segment)
        for segment in touched:
            self.trim(segment)
        if not holder.blocks:
            self.leave(holder)
            self.settle()
        return len(names) - removed

    def _by_segment(self, places: Iterable[int | None]) -> Iterator[tuple[Segment, int]]:
        """The segments of places, each with its blocks as a mask."""
        order = sorted({place for place in places if place is not None})
        at, count = 0, len(order)
        while at < count:
            first = order[at]
            end = bisect_right(order, first | OFFSET, at)
            segment = self.segments[first >> SHIFT]
            assert segment is not None
            start = (first & OFFSET) - segment.first
            if order[end - 1] - first == end - at - 1:  # without a hole
                mask = ((1 << end - at) - 1) << start
            else:
                mask = 0
                for place in order[at:end]:
                    mask |= 1 << place - first
                mask <<= start
            yield segment, mask
            at = end

    def clear(self, worker: Worker) -> None:
        """Removes all blocks of a worker's rank."""
        holder = self.workers.get(worker)
        if holder is None:
            return
        slots = holder.slots()
        touched = self.where[holder.slot]
        left = -1
        for slot in slots:
            left &= ~(1 << slot)
        for segment in touched:
            segment.full &= left
            if segment.partial:
                for slot in slots:
                    segment.partial.pop(slot, None)
        self.blocks -= holder.blocks
        holder.own.clear()
        self.leave(holder)
        for segment in touched:
            self.trim(segment)
        self.settle()

    def _walk(self, segment: Segment, end: int, chain: Chain) -> tuple[list[Run], int, Segment, int]:
        """How far the chain is there already: the runs of blocks, their number, and the place behind them."""
        known: list[Run] = []
        at, count = 0, len(chain.names)
        while at < count:
            if end == segment.size:
                child = segment.child(chain.locals[at], chain.names[at])
                if child is None:
                    break
                segment, end = child, 0
            same = alike(segment.locals, end, chain.locals_packed, at)
            if same:
                same = min(same, alike(segment.names, end, chain.names_packed, at))
            if same:
                known.append((segment, end, end + same))
                at += same
                end += same
            if end < segment.size:
                break
        return known, at, segment, end

    def _mark(self, run: Run, holder: Holder, slots: Iterable[int]) -> None:
        segment, start, stop = run
        is_whole = stop - start == segment.size
        mask = (1 << stop) - (1 << start)
        for slot in slots:
            if segment.full >> slot & 1:
                continue
            if is_whole and slot not in segment.partial:
                segment.full |= 1 << slot
                self.where[slot].add(segment)
                if slot == holder.slot:
                    holder.blocks += stop
                    self.blocks += stop
                continue
            old = segment.partial.get(slot, 0)
            new = old | mask
            if slot == holder.slot:
                added = (new ^ old).bit_count()
                holder.blocks += added
                self.blocks += added
            if not old:
                self.where[slot].add(segment)
            segment.set_mask(slot, new)

    def _grow(self, segment: Segment, end: int, chain: Chain, at: int, holder: Holder, slots: tuple[int, ...]) -> None:
        """Puts the blocks of the chain from `at` on below a place: none of their names is in the table."""
        if end < segment.size:
            segment = self.split(segment, end)
        begin, count = at, len(chain.names)
        used = segment.first + segment.size
        marks = 0
        for slot in slots:
            marks |= 1 << slot
        # A leaf that is nobody else's takes the blocks in; what others hold would become partial for each of them.
        if used < RUN and segment.full == marks and segment.children is None and not segment.partial:
            stop = min(count, at + RUN - used)
            segment.names += chain.names_packed[at * HASH_BYTES : stop * HASH_BYTES]
            segment.locals += chain.locals_packed[at * HASH_BYTES : stop * HASH_BYTES]
            self._enter_names(chain.names[at:stop], segment.base + segment.size)
            segment.size += stop - at
            self.nodes += stop - at
            at = stop
        while at < count:
            stop = min(count, at + RUN)
            part = slice(at * HASH_BYTES, stop * HASH_BYTES)
            child = self.make(chain.names_packed[part], chain.locals_packed[part])
            self._enter_names(chain.names[at:stop], child.base)
            segment.adopt(child, chain.locals[at], chain.names[at])
            child.full = marks
            for slot in slots:
                self.where[slot].add(child)
            segment, at = child, stop
        holder.blocks += count - begin
        self.blocks += count - begin

    def _enter_names(self, names: list[int], base: int) -> None:
        if len(names) == 1:
            self.names[names[0]] = base
        else:
            self.names.update(zip(names, range(base, base + len(names)), strict=False))

    def _check_order(self, holder: Holder, segment: Segment, end: int, chain: Chain) -> None:
        """Refuses a block that would stand below itself: not held, but above the parent or a held one before it."""
        seen: dict[Segment, int] = {}  # how many blocks of it were looked at
        missing: set[int] = set()

        def look_above(start: Segment, stop: int) -> None:
            one: Segment | None = start
            while one is not None and seen.get(one, -1) < stop:
                seen[one] = stop
                holes = ~one.mask(holder.slot) & (1 << min(stop, one.size)) - 1
                missing.update(one.name(place) for place in bits(holes))
                one, stop = one.parent, RUN

        look_above(segment, end)
        for name in chain.names:
            place = self.find(holder, name)
            if place is not None:
                look_above(place[0], place[1])
            elif name in missing:
                raise InvalidEventError(f"block_hash {name} stands above its own parent_hash: a cycle")

    def _store_singly(self, holder: Holder, segment: Segment, end: int, chain: Chain, slots: tuple[int, ...]) -> None:
        """The same where a name of the chain stands at another place too, of this worker or of others."""
        for at, name in enumerate(chain.names):
            place = self.find(holder, name)
            if place is not None:  # stored already, wherever that is: what follows hangs there
                segment, end = place[0], place[1] + 1
                self._mark((segment, end - 1, end), holder, slots)
                continue
            one = reading.chain([name], [chain.locals[at]])
            known, _, segment, end = self._walk(segment, end, one)
            if known:
                self._mark(known[0], holder, slots)
                self._own(holder, name, segment, end - 1)
            else:
                segment, end = self._grow_odd(segment, end, one, holder, slots)

    def _grow_odd(
        self, segment: Segment, end: int, one: Chain, holder: Holder, slots: tuple[int, ...]
    ) -> tuple[Segment, int]:
        if end < segment.size:  # first: it renames what may be the other block of this name
            segment = self.split(segment, end)
            end = segment.size
        name = one.names[0]
        before = self.names.pop(name, None)
        self._grow(segment, end, one, 0, holder, slots)
        place = self.names[name]
        if before is not None or name in self.repeated:
            self.repeat(name)
        if before is not None:
            self.names[name] = before
            holder.own[name] = place
        grown = self.segments[place >> SHIFT]
        assert grown is not None
        grown.odd |= before is not None
        return grown, (place & OFFSET) - grown.first + 1

    def _own(self, holder: Holder, name: int, segment: Segment, offset: int) -> None:
        place = segment.base + offset
        if self.names.setdefault(name, place) != place:
            holder.own[name] = place

    def _unmark(self, segment: Segment, mask: int, holder: Holder, tier: str | None) -> int:
        """Takes blocks from a worker, in a tier or in all: how many it held there."""
        had = segment.mask(holder.slot)
        if not holder.tiers:
            gone, left = had & mask, had & ~mask
        elif tier is None:
            gone, left = had & mask, had & ~mask
            for slot in holder.tiers.values():
                self._set(segment, slot, segment.mask(slot) & ~mask)
        else:
            slot = holder.tiers[tier]
            here = segment.mask(slot)
            gone = here & mask
            self._set(segment, slot, here & ~mask)
            left = 0
            for other in holder.tiers.values():
                left |= segment.mask(other)
        if gone:
            lost = had & ~left
            self._set(segment, holder.slot, left)
            count = lost.bit_count()
            holder.blocks -= count
            self.blocks -= count
            if holder.own:
                for offset in bits(lost):
                    holder.own.pop(segment.name(offset), None)
        return gone.bit_count()

    def _set(self, segment: Segment, slot: int, mask: int) -> None:
        segment.set_mask(slot, mask)
        if not mask:
            self.where[slot].discard(segment)
