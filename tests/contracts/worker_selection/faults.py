"""Selectors with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from contracts.worker_selection.hooked import Booked, Depths, Hashes, Hooked, Load, Pair


class Fault(NamedTuple):
    """A fault: what is wrong, the requirement that names it, and the factory."""

    name: str
    requirement: str
    factory: Callable[..., Any]


FAULTS: list[Fault] = []


def fault(requirement: str) -> Callable[[type[Hooked]], type[Hooked]]:
    """Adds a class to the list; its docstring says what is wrong."""

    def add(made: type[Hooked]) -> type[Hooked]:
        FAULTS.append(Fault((made.__doc__ or "").strip(), requirement, made))
        return made

    return add


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

    def check_settings(self, block_size: Any, overlap_weight: Any, temperature: Any, seed: Any) -> None:
        super().check_settings(block_size, overlap_weight, temperature, seed)

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


@fault("WS-011")
class FirstOfTied(Hooked):
    """takes the first of the workers that tie"""

    def tie(self, workers: list[Pair]) -> Pair:
        return workers[0]


@fault("WS-011")
class NeverTheLast(Hooked):
    """never draws the last of the workers that tie"""

    def tie(self, workers: list[Pair]) -> Pair:
        return super().tie(workers[:-1] or workers)


@fault("WS-012")
class FavoursTheFirst(Hooked):
    """favours the first of the workers that tie"""

    def tie(self, workers: list[Pair]) -> Pair:
        return workers[int(len(workers) * self.chance.random() ** 1.5)]


@fault("WS-013")
class UnseededTies(Hooked):
    """draws by the system's chance"""

    def generator(self, seed: int) -> random.Random:
        return random.SystemRandom()


@fault("WS-013")
class SameChanceAlways(Hooked):
    """ignores the seed"""

    def generator(self, seed: int) -> random.Random:
        return random.Random(0)


@fault("WS-013")
class OrderOfTheList(Hooked):
    """draws from the candidates in the order in which they were listed"""

    def listed(self, candidates: Iterable[Any]) -> list[Pair]:
        return list(dict.fromkeys(self.pair(one) for one in candidates))


@fault("WS-014")
class ListedTwiceCountsTwice(Hooked):
    """draws from the list of candidates as it is"""

    def listed(self, candidates: Iterable[Any]) -> list[Pair]:
        return sorted(self.pair(one) for one in candidates)

    def choose(self, costs: Mapping[Pair, float]) -> Pair:
        return super().choose(costs)

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        self.last = candidates
        return super().select(request, overlaps, candidates)

    def tie(self, workers: list[Pair]) -> Pair:
        return self.chance.choice(sorted(tuple(one) for one in self.last if tuple(one) in workers))


@fault("WS-015")
class Argmin(Hooked):
    """ignores the temperature"""

    def draw(self, costs: Mapping[Pair, float]) -> Pair:
        return self.tie(self.lowest(costs))


@fault("WS-015")
class NotNormalised(Hooked):
    """leaves the division by max - min out"""

    def exponent(self, cost: float, low: float, high: float) -> float:
        return -cost / self.temperature


@fault("WS-015")
class NormalisedByTheMaximum(Hooked):
    """divides by the highest cost"""

    def exponent(self, cost: float, low: float, high: float) -> float:
        return -cost / high / self.temperature


@fault("WS-015")
class TimesTemperature(Hooked):
    """multiplies by the temperature"""

    def exponent(self, cost: float, low: float, high: float) -> float:
        return -cost / (high - low) * self.temperature


@fault("WS-015")
class PrefersTheDear(Hooked):
    """forgets the minus"""

    def exponent(self, cost: float, low: float, high: float) -> float:
        return cost / (high - low) / self.temperature


@fault("WS-015")
class Overflows(Hooked):
    """computes the powers of raw exponents"""

    def draw(self, costs: Mapping[Pair, float]) -> Pair:
        low, high = min(costs.values()), max(costs.values())
        if low == high:
            return self.equal(list(costs))
        weights = [math.exp(self.exponent(cost, low, high)) for cost in costs.values()]
        return self.chance.choices(list(costs), weights)[0] if sum(weights) else next(iter(costs))


@fault("WS-016")
class DividesByZero(Hooked):
    """divides by max - min, 0 or not"""

    def equal(self, workers: list[Pair]) -> Pair:
        raise ZeroDivisionError("max - min")


@fault("WS-016")
class FirstOfEqual(Hooked):
    """takes the first where all costs are equal"""

    def equal(self, workers: list[Pair]) -> Pair:
        return workers[0]


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


@fault("WS-018")
class SameWorkerWhenIdle(Hooked):
    """takes the worker of the lowest id where nothing is under way"""

    def tie(self, workers: list[Pair]) -> Pair:
        return super().tie(workers) if self.requests else workers[0]


@fault("WS-018")
class LeastLoadedForEver(Hooked):
    """breaks ties by how many blocks each worker was ever sent, the most first"""

    ever: dict[Pair, int]

    def tie(self, workers: list[Pair]) -> Pair:
        if len(workers) > 2:
            return super().tie(workers)
        ever = self.__dict__.setdefault("ever", {})
        chosen = max(workers, key=lambda worker: (ever.get(worker, 0), self.chance.random()))
        ever[chosen] = ever.get(chosen, 0) + 1
        return chosen


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


@fault("WS-030")
class BooksTheBestOverlap(Hooked):
    """books the prompt less the best overlap of any worker"""

    def tokens_booked(self, worker: Pair, isl: int, depths: Depths) -> float:
        return self.uncached(isl, max(depths.values(), default=0))


@fault("WS-030")
class BooksTheWholePrompt(Hooked):
    """books the whole prompt, whatever is held"""

    def tokens_booked(self, worker: Pair, isl: int, depths: Depths) -> float:
        return isl


@fault("WS-030")
class BooksNewBlocksOnly(Hooked):
    """books no blocks that the worker holds already"""

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
        rest = hashes[int(depths.get(worker, 0)) :]
        super().book(identity, worker, isl, depths, rest, is_pinned=is_pinned)


@fault("WS-031")
class PrefillStays(Hooked):
    """takes the prompt's tokens off at the end of the request only"""

    def prefill_done(self, id: str) -> None:
        pass


@fault("WS-031")
class PrefillTakesBlocks(Hooked):
    """takes the blocks off with the prefill"""

    def end_prefill(self, booked: Booked) -> None:
        if booked.is_prefilling:
            self.take_blocks(self.load(booked.worker), booked.hashes)
            booked.hashes = []
        super().end_prefill(booked)


@fault("WS-031")
class PrefillOfTheWorker(Hooked):
    """takes all of a worker's prompt tokens off when one prefill ends"""

    def end_prefill(self, booked: Booked) -> None:
        booked.is_prefilling = False
        self.load(booked.worker).tokens = 0


@fault("WS-032")
class DisconnectLeaksTokens(Hooked):
    """leaves the prompt tokens of a client that goes away during prefill"""

    def free(self, id: str) -> None:
        if id in self.requests:
            self.requests[id].is_prefilling = False
        super().free(id)


@fault("WS-032")
class DisconnectLeaksBlocks(Hooked):
    """leaves the blocks of a client that goes away during prefill"""

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        if booked is not None and booked.is_prefilling:
            self.end_prefill(booked)
            del self.requests[id]
            return
        super().free(id)


@fault("WS-033")
class SharedFreedAtOnce(Hooked):
    """drops a shared block with the first of its requests"""

    def take_blocks(self, load: Load, hashes: Hashes) -> None:
        for each in hashes:
            load.blocks.pop(each, None)


@fault("WS-033")
class CountsShared(Hooked):
    """counts a shared block for each of its requests"""

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        load = self.workers.get(self.key(*worker)) or Load()
        return {"prefill_tokens": load.tokens, "decode_blocks": load.blocks.total()}


@fault("WS-034")
class FreesTwice(Hooked):
    """takes the blocks off at every free"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.freed: dict[str, Booked] = {}

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        super().free(id)
        if booked is not None:
            self.freed[id] = booked

    def free_unknown(self, identity: str) -> None:
        booked = self.freed.get(identity)
        if booked is not None and booked.worker in self.workers:
            self.take_blocks(self.workers[booked.worker], booked.hashes)


@fault("WS-034")
class SecondFreeFails(Hooked):
    """refuses to free what was freed"""

    def free_unknown(self, identity: str) -> None:
        raise ValueError("not under way")


@fault("WS-035")
class PrefillDoneTwice(Hooked):
    """takes the prompt tokens off at every prefill_done"""

    def end_prefill(self, booked: Booked) -> None:
        if booked.is_prefilling or booked.worker in self.workers:
            super().end_prefill(booked)
            booked.is_prefilling = True
            booked.tokens = booked.tokens if self.requests.get("one") is booked else 0


@fault("WS-035")
class PrefillDoneAfterFree(Hooked):
    """takes the prompt tokens off once more for a request that was freed"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.all: dict[str, Booked] = {}

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
        super().book(identity, worker, isl, depths, hashes, is_pinned=is_pinned)
        self.all[identity] = self.requests[identity]

    def prefill_done(self, id: str) -> None:
        booked = self.all.get(id)
        if booked is not None and id not in self.requests:
            self.load(booked.worker).tokens -= booked.tokens
        super().prefill_done(id)


@fault("WS-036")
class UnknownMeansTheLast(Hooked):
    """frees the newest request for an id that it does not know"""

    def free_unknown(self, identity: str) -> None:
        if self.requests:
            self.free(next(reversed(self.requests)))


@fault("WS-036")
class FreedBeforeItCame(Hooked):
    """remembers ids that were freed, and books none of them"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.unknown: set[str] = set()

    def free_unknown(self, identity: str) -> None:
        self.unknown.add(identity)

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
        if identity not in self.unknown:
            super().book(identity, worker, isl, depths, hashes, is_pinned=is_pinned)


@fault("WS-036")
class IdsWithoutCase(Hooked):
    """folds the case of ids"""

    def free(self, id: str) -> None:
        super().free(id.lower())


@fault("WS-037")
class LeaksABlock(Hooked):
    """forgets the last block of a request that ends before its prefill while another one has it"""

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        if booked is not None and booked.is_prefilling and len(self.requests) > 2:
            booked.hashes = list(booked.hashes)[:-1]
        super().free(id)

    def take_blocks(self, load: Load, hashes: Hashes) -> None:
        super().take_blocks(load, hashes)
        load.requests += bool(load.requests == 1 and load.blocks)


@fault("WS-038")
class RemembersIds(Hooked):
    """refuses an id that was used before"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.seen: set[str] = set()

    def check_under_way(self, identity: str) -> None:
        if identity in self.seen:
            raise ValueError("seen before")
        self.seen.add(identity)


@fault("WS-038")
class RemembersWorkers(Hooked):
    """books an id where it was booked before"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.places: dict[str, Pair] = {}

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
        worker = self.places.setdefault(identity, worker)
        super().book(identity, worker, isl, depths, hashes, is_pinned=is_pinned)


@fault("WS-039")
class SecondReplacesFirst(Hooked):
    """lets a second request replace the booking of the first under its id"""

    def check_under_way(self, identity: str) -> None:
        pass


@fault("WS-040")
class SecondFreesFirst(Hooked):
    """frees the first request when a second one comes under its id"""

    def check_under_way(self, identity: str) -> None:
        self.free(identity)


@fault("WS-041")
class LookingBooks(Hooked):
    """counts a look at a worker as load"""

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        told = super().active(worker)
        self.load(self.key(*worker)).tokens += 1
        return told


@fault("WS-041")
class UnknownWorkersFail(Hooked):
    """refuses to tell the load of a worker that it does not know"""

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        if tuple(worker) == (77, 3) and (77, 3) not in self.workers:
            raise ValueError("no such worker")
        return super().active(worker)


@fault("WS-042")
class BlockTwelve(Hooked):
    """loses the third block of a prompt when two requests have it and the second of them is freed first"""

    def take_blocks(self, load: Load, hashes: Hashes) -> None:
        if len(hashes) > 2 and load.blocks[hashes[2]] == 2 and load.tokens == 0:
            load.blocks[hashes[2]] = 1
        super().take_blocks(load, hashes)


@fault("WS-043")
class SharedLoads(Hooked):
    """keeps the loads in an attribute of the class"""

    everything: ClassVar[Any] = None

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        cls = type(self)
        if cls.everything is None or not self.is_pair(block_size):
            cls.everything = self.workers
        self.workers = cls.everything

    def is_pair(self, block_size: int) -> bool:
        """Beside another one of the same test; others would fail for its leavings."""
        return block_size == 64


@fault("WS-044")
class SortsInPlace(Hooked):
    """sorts the caller's list of candidates, the last one first"""

    def listed(self, candidates: Iterable[Any]) -> list[Pair]:
        found = super().listed(candidates)
        if isinstance(candidates, list):
            candidates.sort(key=lambda one: (-one[0], one[1]))
        return found


@fault("WS-044")
class NotesThePin(Hooked):
    """writes the worker chosen into the caller's request"""

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        chosen = super().select(request, overlaps, candidates)
        if isinstance(request, dict):
            request["pinned"] = chosen
        return chosen


@fault("WS-045")
class KeepsTheCallersList(Hooked):
    """frees by the caller's list of hashes"""

    def copied(self, hashes: Hashes) -> Sequence[int]:
        return hashes


@fault("WS-046")
class RemovesOneRank(Hooked):
    """removes rank 0 only"""

    def is_removed(self, worker: Pair, worker_id: int) -> bool:
        return worker == (worker_id, 0)


@fault("WS-046")
class RemovedRequestsStay(Hooked):
    """keeps the requests of a removed worker, and frees them on its successor"""

    def remove_worker(self, worker_id: int) -> None:
        for worker in [one for one in self.workers if self.is_removed(one, worker_id)]:
            self.workers[worker] = Load()

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        if booked is not None and self.load(booked.worker).requests <= 0:
            self.load(booked.worker).requests = 1
        super().free(id)


@fault("WS-046")
class RemoveDoesNothing(Hooked):
    """keeps the load of a removed worker"""

    def is_removed(self, worker: Pair, worker_id: int) -> bool:
        return False


@fault("WS-047")
class FloatIds(Hooked):
    """keeps ids of workers as floats"""

    def key(self, worker_id: int, rank: int) -> Pair:
        return (int(float(worker_id)) % 2**64, rank) if worker_id > 2**53 else (worker_id, rank)


@fault("WS-047")
class FloatHashes(Hooked):
    """keeps hashes as floats"""

    def copied(self, hashes: Hashes) -> Sequence[int]:
        return [int(float(each)) for each in hashes]


@fault("WS-047")
class SignedIds(Hooked):
    """refuses ids that no signed number holds"""

    def key(self, worker_id: int, rank: int) -> Pair:
        if worker_id >= 2**63:
            raise ValueError("too large")
        return (worker_id, rank)


@fault("WS-050")
class AnySetting(Hooked):
    """takes any number for a setting"""

    def check_settings(self, block_size: Any, overlap_weight: Any, temperature: Any, seed: Any) -> None:
        for value in (block_size, overlap_weight, temperature):
            if not isinstance(value, int | float):
                raise TypeError("no number")


@fault("WS-051")
class AnyDepth(Hooked):
    """believes every overlap"""

    def check_depth(self, depth: Any) -> None:
        if not isinstance(depth, int | float):
            raise TypeError("no number")


@fault("WS-051")
class AnyLength(Hooked):
    """clamps senseless lengths"""

    def check_isl(self, isl: Any) -> None:
        if not isinstance(isl, int):
            raise TypeError("no integer")


@fault("WS-051")
class AnyHash(Hooked):
    """takes whatever can be hashed for a hash"""

    def check_hashes(self, hashes: Any) -> None:
        set(hashes)


@fault("WS-052")
class BooksBeforeItChecks(Hooked):
    """reserves the id of a request before it checks the rest"""

    def check_id(self, identity: Any) -> None:
        super().check_id(identity)
        self.reserved: set[str] = getattr(self, "reserved", set())
        if identity in self.reserved and identity not in self.requests:
            raise ValueError("reserved")
        self.reserved.add(identity)

    def free(self, id: str) -> None:
        getattr(self, "reserved", set()).discard(id)
        super().free(id)


class NoLock:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


@fault("WS-060")
class WithoutALock(Hooked):
    """has no lock"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.lock = NoLock()


@fault("WS-060")
class FreesWithoutALock(Hooked):
    """books under its lock, and frees outside it"""

    def free(self, id: str) -> None:
        held, self.lock = self.lock, NoLock()
        try:
            time.sleep(0)
            super().free(id)
        finally:
            self.lock = held


@fault("WS-061")
class KeepsFreedIds(Hooked):
    """keeps every id that was freed, so that it may be freed again"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.gone: set[str] = set()

    def free(self, id: str) -> None:
        super().free(id)
        self.gone.add(id)
