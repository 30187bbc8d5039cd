"""What a worker costs, and what is pinned: WS-001 to WS-010, WS-017, WS-019 to WS-022."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.worker_selection.faults.registry import fault
from contracts.worker_selection.hooked import Depths, Hashes, Hooked, Load, Pair


@fault("WS-001")
class LastKnownWorker(Hooked):
    """answers the worker of the last request where there is no candidate"""

    last: Pair = (1, 0)

    def check_candidates(self, workers: list[Pair]) -> None:
        if not workers:
            workers.append(self.last)


@fault("WS-001")
class FailsWithoutCandidates(Hooked):
    """falls over an empty list of candidates"""

    def check_candidates(self, workers: list[Pair]) -> None:
        self.last = workers[0]


@fault("WS-002")
class HighestCost(Hooked):
    """chooses the highest cost"""

    def lowest(self, costs: Mapping[Pair, float]) -> list[Pair]:
        high = max(costs.values())
        return [worker for worker, cost in costs.items() if cost == high]


@fault("WS-002")
class WeighsDecode(Hooked):
    """multiplies the decode blocks by the weight too"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        tokens = self.queued(worker) + self.uncached(isl, depth)
        return self.overlap_weight * (self.in_blocks(tokens) + self.blocks(worker, hashes))


@fault("WS-002")
class DividesByADefault(Hooked):
    """divides tokens by 16, whatever the block size"""

    def in_blocks(self, tokens: float) -> float:
        return tokens / 16


@fault("WS-003")
class WholeBlocks(Hooked):
    """counts prompt tokens by whole blocks, rounded down"""

    def in_blocks(self, tokens: float) -> float:
        return tokens // self.block_size


@fault("WS-003")
class WholeBlocksUp(Hooked):
    """counts prompt tokens by whole blocks, rounded up"""

    def in_blocks(self, tokens: float) -> float:
        return math.ceil(tokens / self.block_size)


@fault("WS-003")
class WholeCosts(Hooked):
    """keeps costs as integers"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        return int(super().cost(worker, isl, depth, hashes))


@fault("WS-004")
class AddsTheOverlap(Hooked):
    """adds the overlap in place of taking it off"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        return super().cost(worker, isl, 0, hashes) + self.overlap_weight * depth


@fault("WS-004")
class WeightIsOne(Hooked):
    """ignores the weight"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        return self.in_blocks(self.queued(worker) + self.uncached(isl, depth)) + self.blocks(worker, hashes)


@fault("WS-004")
class FalsyWeight(Hooked):
    """takes a weight of 0 for an absent one"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        self.overlap_weight = self.overlap_weight or 1.0
        return super().cost(worker, isl, depth, hashes)


@fault("WS-005")
class IgnoresTheQueue(Hooked):
    """leaves the queued prompt tokens out of the cost"""

    def queued(self, worker: Pair) -> float:
        return 0


@fault("WS-005")
class UnweighedQueue(Hooked):
    """weighs the request's own tokens, and not those that are queued"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        own = self.overlap_weight * self.in_blocks(self.uncached(isl, depth))
        return own + self.in_blocks(self.queued(worker)) + self.blocks(worker, hashes)


@fault("WS-005")
class CountsRequests(Hooked):
    """takes the number of requests for the queue"""

    def queued(self, worker: Pair) -> float:
        return self.workers[worker].requests * self.block_size if worker in self.workers else 0


@fault("WS-006")
class AddsSharedAgain(Hooked):
    """adds all of the request's blocks, shared or not"""

    def added(self, there: Mapping[int, int], hashes: Hashes) -> int:
        return len(hashes)


@fault("WS-006")
class ActiveAlone(Hooked):
    """counts the active blocks, and not those that the request adds"""

    def added(self, there: Mapping[int, int], hashes: Hashes) -> int:
        return 0


@fault("WS-006")
class AddedAlone(Hooked):
    """counts what the request adds, and not what is active"""

    def blocks(self, worker: Pair, hashes: Hashes) -> float:
        return super().blocks(worker, hashes) - (len(self.workers[worker].blocks) if worker in self.workers else 0)


@fault("WS-006")
class CountsEachRequestsBlocks(Hooked):
    """counts a block once for each request that has it"""

    def blocks(self, worker: Pair, hashes: Hashes) -> float:
        more = self.workers[worker].blocks.total() - len(self.workers[worker].blocks) if worker in self.workers else 0
        return super().blocks(worker, hashes) + more


@fault("WS-007")
class ForgetsRanks(Hooked):
    """keeps one load for all ranks of a worker"""

    def load(self, worker: Pair) -> Load:
        return self.workers.setdefault((worker[0], 0), self.workers.setdefault(worker, Load()))

    def queued(self, worker: Pair) -> float:
        return sum(load.tokens for each, load in self.workers.items() if each[0] == worker[0])


@fault("WS-007")
class OverlapsById(Hooked):
    """looks overlaps up by the worker's id alone"""

    def depths(self, overlaps: Iterable[Any]) -> dict[Pair, float]:
        found = super().depths(overlaps)
        return {(worker[0], rank): depth for worker, depth in found.items() for rank in range(4)}


@fault("WS-008")
class FirstOverlapCounts(Hooked):
    """looks at the first overlap only"""

    def depths(self, overlaps: Iterable[Any]) -> dict[Pair, float]:
        found = super().depths(overlaps)
        return dict(list(found.items())[:1])


@fault("WS-008")
class OverlapsByPosition(Hooked):
    """takes the overlaps to stand in the order of the candidates"""

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        told = [
            {**one, "worker_id": worker[0], "dp_rank": worker[1]}
            for one, worker in zip(overlaps, candidates, strict=False)
        ]
        return super().select(request, told if len(overlaps) == len(candidates) else overlaps, candidates)


@fault("WS-009")
class OverlapsAreCandidates(Hooked):
    """chooses among the workers that have an overlap, candidates or not"""

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        more = [[one["worker_id"], one["dp_rank"]] for one in overlaps if isinstance(one, dict) and "dp_rank" in one]
        return super().select(request, overlaps, more or candidates)


@fault("WS-009")
class EveryCandidateHasAnOverlap(Hooked):
    """falls over a candidate that the index does not know"""

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        known = {(one["worker_id"], one["dp_rank"]) for one in overlaps if isinstance(one, dict) and "dp_rank" in one}
        if known and not known & {tuple(one) for one in candidates if isinstance(one, list)}:
            raise KeyError("no overlap")
        return super().select(request, overlaps, [one for one in candidates if not known or tuple(one) in known])


@fault("WS-010")
class NegativePrompts(Hooked):
    """lets an overlap make the prompt negative"""

    def uncached(self, isl: int, depth: float) -> float:
        return isl - depth * self.block_size


@fault("WS-010")
class NegativeInTheLoad(Hooked):
    """bounds the prompt in the cost, and not in the load"""

    def tokens_booked(self, worker: Pair, isl: int, depths: Depths) -> float:
        return isl - depths.get(worker, 0) * self.block_size


@fault("WS-010")
class UnsignedPrompts(Hooked):
    """computes the prompt's rest in unsigned numbers"""

    def uncached(self, isl: int, depth: float) -> float:
        return (isl - depth * self.block_size) % 2**64


@fault("WS-010")
class RefusesWide(Hooked):
    """refuses an overlap of more tokens than the request has"""

    def uncached(self, isl: int, depth: float) -> float:
        if depth * self.block_size > isl:
            raise ValueError("more than there is")
        return super().uncached(isl, depth)


@fault("WS-017")
class TruncatesOverlaps(Hooked):
    """truncates overlaps to whole blocks"""

    def uncached(self, isl: int, depth: float) -> float:
        return super().uncached(isl, int(depth))


@fault("WS-017")
class RoundsOverlaps(Hooked):
    """rounds what it books to whole blocks"""

    def tokens_booked(self, worker: Pair, isl: int, depths: Depths) -> float:
        return self.uncached(isl, round(depths.get(worker, 0)))


@fault("WS-019")
class LoadIsZero(Hooked):
    """never raises the load"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        return self.overlap_weight * self.in_blocks(self.uncached(isl, depth)) + len(hashes)


@fault("WS-019")
class LoadOfLongPrompts(Hooked):
    """looks at loads above 32 blocks only"""

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        busy = worker in self.workers and len(self.workers[worker].blocks) > 32
        return super().cost(worker, isl, depth, hashes) if busy else self.in_blocks(self.uncached(isl, depth))


@fault("WS-020")
class PinIsAHint(Hooked):
    """lets the lowest cost win over a pin"""

    def pinned(self, worker: Pair, workers: list[Pair]) -> Pair:
        super().pinned(worker, workers)
        return self.tie(workers) if len(workers) > 2 else worker


@fault("WS-021")
class PinnedUnbooked(Hooked):
    """does not book what is pinned"""

    def book(
        self,
        identity: str,
        worker: Pair,
        isl: int,
        depths: Depths,
        hashes: Hashes,
        *,
        is_pinned: bool,
    ) -> None:
        if not is_pinned:
            super().book(identity, worker, isl, depths, hashes, is_pinned=is_pinned)


@fault("WS-021")
class PinnedWithoutOverlap(Hooked):
    """books the whole prompt of what is pinned, whatever is held there"""

    def book(
        self,
        identity: str,
        worker: Pair,
        isl: int,
        depths: Depths,
        hashes: Hashes,
        *,
        is_pinned: bool,
    ) -> None:
        super().book(identity, worker, isl, {} if is_pinned else depths, hashes, is_pinned=is_pinned)


@fault("WS-022")
class PinnedAnywhere(Hooked):
    """sends what is pinned to a worker that is gone"""

    def pinned(self, worker: Pair, workers: list[Pair]) -> Pair:
        return worker


@fault("WS-022")
class PinFallsBack(Hooked):
    """chooses another worker where the pinned one is gone"""

    def pinned(self, worker: Pair, workers: list[Pair]) -> Pair:
        return worker if worker in workers else self.tie(workers)
