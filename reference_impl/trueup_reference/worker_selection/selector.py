"""The selection of a worker: the lowest cost, or a draw by a softmax of the costs."""

from __future__ import annotations

import math
import random
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate

from trueup_reference.worker_selection.loads import Loads
from trueup_reference.worker_selection.requests import (
    MOST_TOKENS,
    U64,
    Asked,
    Load,
    Overlap,
    Request,
    Worker,
    number,
    read_overlaps,
    read_request,
    read_workers,
    whole,
)

_SMALLEST_SEED = -(1 << 63)


class WorkerSelector:
    """Chooses a worker for each request, and books the request there until it is freed.

    The cost of a worker: `overlap_weight` x (prompt tokens queued there + isl - overlap x `block_size`) / `block_size`,
    plus the decode blocks active there, plus those of the request that are not active there yet. An overlap of more
    tokens than the prompt has counts as the prompt. The formula, and the form of the softmax, are those of Dynamo's
    `DefaultWorkerSelector` (lib/kv-router/src/scheduling/selector.rs, 2026).

    Any thread may call any method: one lock is held for the time of a call, and no call waits for anything else. A
    request is read and checked before the lock is taken; one that is refused changes nothing.
    """

    def __init__(
        self,
        block_size: int,
        overlap_weight: float = 1.0,
        temperature: float = 0.0,
        seed: int | None = None,
        name: str = "selector",
    ) -> None:
        """`block_size`: tokens. `seed`: of ties and draws, 64 bits; left out, the system's chance. `name`: in metrics.

        `ValueError` or `TypeError` for settings that make no sense.
        """
        self.block_size = whole("block_size", block_size, 1, MOST_TOKENS)
        self.overlap_weight = number("overlap_weight", overlap_weight)
        self.temperature = number("temperature", temperature)
        if self.overlap_weight > MOST_TOKENS:
            raise ValueError(f"overlap_weight is {overlap_weight}; at most {MOST_TOKENS} is due")
        self.name = name
        self._chance = random.Random(None if seed is None else whole("seed", seed, _SMALLEST_SEED, U64))
        self._loads = Loads()
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()

    def select(
        self,
        request: Request,
        overlaps: Mapping[Worker, float] | Iterable[Overlap],
        candidates: Iterable[Sequence[int]],
    ) -> Worker:
        """The worker that gets the request, which is booked there.

        `overlaps`: of the prompt's leading blocks, how many each worker holds: what an index's `find_matches` answers,
        or a list of mappings. `ValueError` where there is no candidate, where the request is pinned to what is none, or
        where its id is under way already.
        """
        try:
            asked, depths = read_request(request), read_overlaps(overlaps)
            workers = read_workers("candidates", candidates)
            if not workers:
                raise ValueError("there is no candidate: no worker can get the request")
            if asked.pinned is not None and asked.pinned not in workers:
                raise ValueError(f"the request is pinned to {list(asked.pinned)}, which is no candidate")
            with self._lock:
                if asked.id in self._loads:
                    raise ValueError(f"a request with the id {asked.id!r} is under way: free it, or name this one else")
                chosen = asked.pinned or self._choose(asked, depths, workers)
                self._loads.book(asked, chosen, self._tokens(asked, depths.get(chosen, 0)))
                self._outcomes["chosen" if asked.pinned is None else "pinned"] += 1
        except (TypeError, ValueError):
            with self._lock:
                self._outcomes["refused"] += 1
            raise
        return chosen

    @contextmanager
    def booking(
        self,
        request: Request,
        overlaps: Mapping[Worker, float] | Iterable[Overlap],
        candidates: Iterable[Sequence[int]],
    ) -> Iterator[Worker]:
        """The same for the time of a block: the request is freed whatever ends it, a client that went away included."""
        worker = self.select(request, overlaps, candidates)
        try:
            yield worker
        finally:
            self.free(request["id"])

    def prefill_done(self, id: str) -> None:
        """The request's prompt has been computed. For an id that is not under way nothing happens."""
        with self._lock:
            self._loads.prefill_done(id)

    def free(self, id: str) -> None:
        """The request has ended, or its client has gone. For an id that is not under way nothing happens."""
        with self._lock:
            self._outcomes["freed" if self._loads.free(id) else "unknown"] += 1

    def active(self, worker: Sequence[int]) -> Load:
        """The load of a worker: zeros for one without requests."""
        (known,) = read_workers("worker", [worker])
        with self._lock:
            return self._loads.load(known)

    def remove_worker(self, worker_id: int) -> None:
        """The worker is gone, with all of its ranks: its requests are no longer under way."""
        with self._lock:
            self._outcomes["removed"] += self._loads.remove(worker_id)

    def costs(
        self,
        request: Request,
        overlaps: Mapping[Worker, float] | Iterable[Overlap],
        candidates: Iterable[Sequence[int]],
    ) -> dict[Worker, float]:
        """What each candidate would cost now, in order of the workers; nothing is booked."""
        asked, depths = read_request(request), read_overlaps(overlaps)
        workers = read_workers("candidates", candidates)
        with self._lock:
            found = dict(self._costs(asked, depths, workers))
        return dict(sorted(found.items()))

    def loads(self) -> dict[Worker, tuple[Load, int]]:
        """The load and the number of requests of every worker that has any."""
        with self._lock:
            slots = self._loads.slots()
            return {worker: (self._loads.load(worker), len(slots[worker].requests)) for worker in sorted(slots)}

    def outcomes(self) -> dict[str, int]:
        """How many requests: chosen, pinned, refused, freed, `unknown` when freed, removed with their worker."""
        with self._lock:
            return dict(self._outcomes)

    def _choose(self, asked: Asked, depths: Mapping[Worker, float], workers: set[Worker]) -> Worker:
        if self.temperature:
            return self._draw(dict(self._costs(asked, depths, workers)))
        lowest, tied = math.inf, []
        for worker, cost in self._costs(asked, depths, workers):
            if cost < lowest:
                lowest, tied = cost, [worker]
            elif cost == lowest:
                tied.append(worker)
        # Sorted: the order of the candidates must not show.
        return tied[0] if len(tied) == 1 else self._chance.choice(sorted(tied))

    def _draw(self, costs: Mapping[Worker, float]) -> Worker:
        workers = sorted(costs)
        low, high = min(costs.values()), max(costs.values())
        if low == high:
            return self._chance.choice(workers)
        spread = high - low
        weights = [math.exp(-(costs[worker] - low) / spread / self.temperature) for worker in workers]
        sums = list(accumulate(weights))
        return workers[min(bisect_right(sums, self._chance.random() * sums[-1]), len(sums) - 1)]

    def _costs(
        self, asked: Asked, depths: Mapping[Worker, float], workers: set[Worker]
    ) -> Iterator[tuple[Worker, float]]:
        slots, shared = self._loads.slots(), self._loads.shared(asked.hashes)
        weight, size, blocks, isl = self.overlap_weight, self.block_size, len(asked.hashes), asked.isl
        untouched = weight * isl / size + blocks
        for worker in workers:
            slot, depth = slots.get(worker), depths.get(worker)
            if slot is None:
                yield worker, weight * self._tokens(asked, depth) / size + blocks if depth else untouched
                continue
            tokens = slot.tokens + (self._tokens(asked, depth) if depth else isl)
            yield worker, weight * tokens / size + (len(slot.counts) + blocks - shared.get(slot.bit, 0))

    def _tokens(self, asked: Asked, depth: float) -> float:
        left = asked.isl - depth * self.block_size
        return left if left > 0 else 0
