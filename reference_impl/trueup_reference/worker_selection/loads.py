"""What is under way on each worker, and which of a request's blocks are active where.

For each hash one integer holds, as a bit for each worker, where it is active. The hashes of a prompt name its blocks in
order, so that the bits change only a few times along them: what a request shares with every worker is counted in one
pass over its hashes, however many workers there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trueup_reference.worker_selection.requests import Asked, Load, Worker


class Slot:
    """A worker with requests under way."""

    __slots__ = ("bit", "counts", "prefilling", "requests", "tokens", "worker")

    def __init__(self, worker: Worker, bit: int) -> None:
        self.worker = worker
        self.bit = bit
        self.tokens: float = 0  # of prompts, still to be computed
        self.prefilling = 0  # requests that these are of
        self.counts: dict[int, int] = {}  # by hash: requests that have the block
        self.requests: set[str] = set()


class _Booked:
    __slots__ = ("hashes", "is_prefilling", "slot", "tokens")

    def __init__(self, slot: Slot, tokens: float, hashes: tuple[int, ...]) -> None:
        self.slot = slot
        self.tokens = tokens
        self.hashes = hashes
        self.is_prefilling = True


class Loads:
    """Requests under way. Whoever uses it holds a lock. What is drained leaves nothing, workers included."""

    def __init__(self) -> None:
        self._slots: dict[Worker, Slot] = {}
        self._by_bit: list[Slot | None] = []
        self._masks: dict[int, int] = {}  # by hash: the bits of the workers where it is active
        self._requests: dict[str, _Booked] = {}

    def __contains__(self, identity: str) -> bool:
        """Whether such a request is under way."""
        return identity in self._requests

    def __len__(self) -> int:
        """How many are."""
        return len(self._requests)

    def slots(self) -> Mapping[Worker, Slot]:
        """The workers that have any."""
        return self._slots

    def load(self, worker: Worker) -> Load:
        """Of a worker, known or not."""
        slot = self._slots.get(worker)
        if slot is None:
            return {"prefill_tokens": 0, "decode_blocks": 0}
        return {"prefill_tokens": slot.tokens, "decode_blocks": len(slot.counts)}

    def shared(self, hashes: tuple[int, ...]) -> dict[int, int]:
        """By bit of a worker: how many of these blocks are active there."""
        found: dict[int, int] = {}
        if not self._masks:
            return found
        before, length = 0, 0
        for mask in map(self._masks.get, hashes):
            if mask == before:
                length += 1
                continue
            if before:
                _add(found, before, length)
            before, length = mask or 0, 1
        if before:
            _add(found, before, length)
        return found

    def book(self, asked: Asked, worker: Worker, tokens: float) -> None:
        """The request goes there, with so many tokens to compute."""
        slot = self._slots.get(worker) or self._new(worker)
        self._requests[asked.id] = _Booked(slot, tokens, asked.hashes)
        slot.requests.add(asked.id)
        slot.tokens += tokens
        slot.prefilling += 1
        counts, masks, bit = slot.counts, self._masks, 1 << slot.bit
        for each in asked.hashes:
            if each in counts:
                counts[each] += 1
            else:
                counts[each] = 1
                masks[each] = masks.get(each, 0) | bit

    def prefill_done(self, identity: str) -> bool:
        """Takes its tokens off; whether there was such a request that had any."""
        booked = self._requests.get(identity)
        return booked is not None and _prefilled(booked)

    def free(self, identity: str) -> bool:
        """Takes everything off; whether there was such a request."""
        booked = self._requests.pop(identity, None)
        if booked is None:
            return False
        _prefilled(booked)
        slot = booked.slot
        slot.requests.discard(identity)
        counts = slot.counts
        for each in booked.hashes:
            left = counts[each] - 1
            if left:
                counts[each] = left
            else:
                del counts[each]
                self._unmask(each, slot.bit)
        if not slot.requests:
            self._drop(slot)
        return True

    def remove(self, worker_id: int) -> int:
        """Ends everything on a worker's ranks; how many requests that were."""
        gone = [slot for worker, slot in self._slots.items() if worker[0] == worker_id]
        for slot in gone:
            for identity in slot.requests:
                del self._requests[identity]
            for each in slot.counts:
                self._unmask(each, slot.bit)
            self._drop(slot)
        return sum(len(slot.requests) for slot in gone)

    def _new(self, worker: Worker) -> Slot:
        bits = self._by_bit
        bit = bits.index(None) if None in bits else len(bits)
        slot = Slot(worker, bit)
        if bit == len(bits):
            bits.append(slot)
        else:
            bits[bit] = slot
        self._slots[worker] = slot
        return slot

    def _drop(self, slot: Slot) -> None:
        del self._slots[slot.worker]
        self._by_bit[slot.bit] = None
        while self._by_bit and self._by_bit[-1] is None:
            self._by_bit.pop()

    def _unmask(self, each: int, bit: int) -> None:
        left = self._masks[each] & ~(1 << bit)
        if left:
            self._masks[each] = left
        else:
            del self._masks[each]


def _prefilled(booked: _Booked) -> bool:
    if not booked.is_prefilling:
        return False
    booked.is_prefilling = False
    slot = booked.slot
    slot.prefilling -= 1
    # Fractions of overlaps round: where nothing is queued, nothing is.
    slot.tokens = slot.tokens - booked.tokens if slot.prefilling else 0
    return True


def _add(found: dict[int, int], mask: int, length: int) -> None:
    for bit in _bits(mask):
        found[bit] = found.get(bit, 0) + length


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
