"""What a choice of a worker costs: the reference beside a selector that computes the formula anew, in turn in one run.

python benchmarks/worker_selection.py [--requests N] [--under-way N]

The other selector keeps a dictionary of requests for each worker, and at each choice adds up the queued tokens and
makes the set of active blocks of every candidate: the formula as one writes it down. The reference checks what it is
given, and locks; the other does neither. Their answers are compared at the end of the warm-up.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from trueup_reference.worker_selection import WorkerSelector

BLOCK_SIZE = 16


class Case(NamedTuple):
    """A load: so many workers, blocks of each prompt, and of them those that all prompts share."""

    workers: int
    blocks: int
    shared: int

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.workers} workers, prompts of {self.blocks} blocks, {self.shared} of them shared"


CASES = [
    Case(4, 64, 0),
    Case(4, 64, 48),
    Case(64, 64, 48),
    Case(64, 512, 0),
    Case(64, 512, 384),
    Case(256, 64, 48),
]


class Naive:
    """The formula, computed anew at each question."""

    def __init__(self, block_size: int, seed: int) -> None:
        self.block_size = block_size
        self.chance = random.Random(seed)
        self.there: dict[Any, dict[str, tuple[float, Sequence[int]]]] = {}
        self.where: dict[str, Any] = {}

    def select(self, request: Any, overlaps: Any, candidates: Any) -> Any:
        costs = {}
        for each in candidates:
            worker = tuple(each)
            there = self.there.get(worker, {})
            tokens = sum(left for left, _ in there.values()) + self.tokens(request, overlaps, worker)
            blocks = set(request["seq_hashes"]).union(*(hashes for _, hashes in there.values()))
            costs[worker] = tokens / self.block_size + len(blocks)
        low = min(costs.values())
        tied = sorted(worker for worker, cost in costs.items() if cost == low)
        chosen = tied[0] if len(tied) == 1 else self.chance.choice(tied)
        left = self.tokens(request, overlaps, chosen)
        self.there.setdefault(chosen, {})[request["id"]] = (left, request["seq_hashes"])
        self.where[request["id"]] = chosen
        return chosen

    def tokens(self, request: Any, overlaps: Any, worker: Any) -> float:
        left: float = request["isl"] - overlaps.get(worker, 0) * self.block_size
        return max(0, left)

    def prefill_done(self, id: str) -> None:
        there = self.there[self.where[id]]
        there[id] = (0, there[id][1])

    def free(self, id: str) -> None:
        del self.there[self.where.pop(id)][id]


class Traffic:
    """Requests of a case, the same for everybody."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case = case
        self.candidates = [[number, 0] for number in range(case.workers)]
        self._chance = random.Random(seed)
        self._common = [self._chance.getrandbits(64) for _ in range(case.shared)]
        self._number = 0

    def next(self) -> tuple[dict[str, Any], dict[tuple[int, int], int]]:
        """A request, and overlaps of a quarter of the workers."""
        self._number += 1
        case = self.case
        hashes = [*self._common, *(self._chance.getrandbits(64) for _ in range(case.blocks - case.shared))]
        holding = self._chance.sample(range(case.workers), max(1, case.workers // 4))
        overlaps = {(worker, 0): self._chance.randint(1, case.blocks) for worker in holding}
        return {"id": f"r{self._number}", "isl": case.blocks * BLOCK_SIZE, "seq_hashes": hashes}, overlaps


class Times(NamedTuple):
    """Microseconds of CPU time."""

    select: list[float]
    free: list[float]


def measured(selector: Any, case: Case, requests: int, under_way: int) -> tuple[Times, list[Any]]:
    """So many requests with so many others under way; the choices of the first ones, to compare."""
    traffic = Traffic(case, 1)
    alive: deque[str] = deque()
    times, chosen = Times([], []), []
    for number in range(under_way + requests):
        request, overlaps = traffic.next()
        select_us = _us(lambda: chosen.append(selector.select(request, overlaps, traffic.candidates)))  # noqa: B023
        alive.append(request["id"])
        if len(alive) > under_way // 4:
            selector.prefill_done(alive[-(under_way // 4)])
        if len(alive) > under_way:
            free_us = _us(lambda: selector.free(alive.popleft()))
            if number >= under_way:
                times.select.append(select_us)
                times.free.append(free_us)
    return times, chosen


def _us(work: Callable[[], Any]) -> float:
    started = time.thread_time_ns()  # of the processor: other work on the machine does not count
    work()
    return (time.thread_time_ns() - started) / 1000


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300, help="measured of each case (default: %(default)s)")
    parser.add_argument("--under-way", type=int, default=512, help="at each choice (default: %(default)s)")
    args = parser.parse_args()
    print(f"{args.under_way} requests under way, {args.requests} measured; microseconds of CPU time, p50 (p99)\n")
    print("| | select, reference | select, formula anew | times | free, reference | free, formula anew |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        ours, first = measured(WorkerSelector(BLOCK_SIZE, seed=1), case, args.requests, args.under_way)
        theirs, second = measured(Naive(BLOCK_SIZE, 1), case, args.requests, args.under_way)
        assert first == second, "the two chose otherwise"
        ratio = statistics.median(theirs.select) / statistics.median(ours.select)
        cells = [_told(each) for each in (ours.select, theirs.select, ours.free, theirs.free)]
        print(f"| {case.name} | {cells[0]} | {cells[1]} | {ratio:.1f} | {cells[2]} | {cells[3]} |", flush=True)
    return 0


def _told(times_us: list[float]) -> str:
    return f"{statistics.median(times_us):,.0f} ({statistics.quantiles(times_us, n=100)[98]:,.0f})"


if __name__ == "__main__":
    raise SystemExit(main())
