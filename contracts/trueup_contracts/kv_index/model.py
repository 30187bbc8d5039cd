"""The small obvious model that an index is compared with: what each worker holds, by path from the root.

A *path* is the tuple of local hashes from the first block to the block itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Path = tuple[int, ...]
Worker = tuple[int, int]  # id and rank
GPU = "gpu"


@dataclass
class Held:
    """What one worker holds: each block with the tiers that it lies in, in the order in which they were stored.

    `unsure`: blocks of which systems disagree whether they are still there: those behind a block that was removed.
    """

    tiers: dict[Path, set[str]] = field(default_factory=dict)
    unsure: set[Path] = field(default_factory=set)
    children: Counter[Path] = field(default_factory=Counter)  # how many are held right behind a block

    def add(self, block: Path, tier: str, *, is_unsure: bool) -> None:
        """Holds a block in a tier."""
        if block not in self.tiers:
            self.tiers[block] = set()
            self.children[block[:-1]] += 1
        self.tiers[block].add(tier)
        if is_unsure:
            self.unsure.add(block)
        else:
            self.unsure.discard(block)

    def drop(self, block: Path) -> None:
        """Holds it no more; what is behind it becomes unsure."""
        del self.tiers[block]
        self.children[block[:-1]] -= 1
        if self.unsure or self.children[block]:
            self.unsure.discard(block)
            self.unsure.update(other for other in self.tiers if other[: len(block)] == block)

    def depth(self, path: Path, tier: str | None = None) -> int:
        """How many leading blocks of the path are held, in the tier if one is named."""
        if tier is None and not self.unsure:  # every block before a held one is held
            return bisect_right(range(1, len(path) + 1), 0, key=lambda length: path[:length] not in self.tiers)
        for length in range(len(path)):
            there = self.tiers.get(path[: length + 1], set())
            if not there or (tier is not None and tier not in there):
                return length
        return len(path)


class Model:
    """Workers and what they hold."""

    def __init__(self) -> None:
        self.workers: dict[Worker, Held] = {}
        self.unknown_parents = 0
        self.unknown_removals = 0

    def held(self, worker: Worker) -> Held:
        """Of one worker; nothing of one that was never heard of."""
        return self.workers.get(worker, Held())

    def knows(self, worker: Worker, parent: Path) -> bool:
        """Whether a store below this path is none of an unknown parent."""
        return not parent or parent in self.held(worker).tiers

    def store(self, worker: Worker, path: Path, below: int, tier: str = GPU) -> None:
        """Stores the blocks of the path behind the first `below`, which the parent names."""
        if not self.knows(worker, path[:below]):
            self.unknown_parents += 1
            return
        held = self.workers.setdefault(worker, Held())
        is_unsure = path[:below] in held.unsure
        for length in range(below + 1, len(path) + 1):
            held.add(path[:length], tier, is_unsure=is_unsure)

    def remove(self, worker: Worker, paths: Iterable[Path], tier: str | None = None) -> None:
        """Takes each of these blocks from the worker; what lies behind one becomes unsure."""
        held = self.held(worker)
        for path in paths:
            there = held.tiers.get(path)
            if there is None or (tier is not None and tier not in there):
                self.unknown_removals += 1
                continue
            there.difference_update(set(there) if tier is None else {tier})
            if not there:
                held.drop(path)

    def clear(self, worker: Worker) -> None:
        """Removes all of the worker's blocks."""
        self.workers.pop(worker, None)

    def leave(self, worker_id: int) -> None:
        """Removes all blocks of all ranks."""
        for worker in [worker for worker in self.workers if worker[0] == worker_id]:
            del self.workers[worker]

    def depths(self, path: Path, tier: str | None = None) -> dict[Worker, int]:
        """What a request must be told, if blocks behind a removed one revive."""
        found = {worker: held.depth(path, tier) for worker, held in self.workers.items()}
        return {worker: depth for worker, depth in found.items() if depth}

    @property
    def count(self) -> int:
        """Pairs of worker and block."""
        return sum(len(held.tiers) for held in self.workers.values())

    @property
    def unsure(self) -> int:
        """How many of them are unsure."""
        return sum(len(held.unsure) for held in self.workers.values())

    def blocks(self) -> Iterator[tuple[Worker, Path]]:
        """Every pair."""
        for worker, held in self.workers.items():
            for path in held.tiers:
                yield worker, path
