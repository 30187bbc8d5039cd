"""A selector whose every decision is a method, so that a fault is a line: requests in a dictionary, and one lock."""

from __future__ import annotations

import math
import random
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup_contracts.kv_index.selection import SUITE

Pair = tuple[int, int]
Depths = Mapping[Pair, float]
Hashes = Sequence[int]


class Booked:
    def __init__(self, worker: Pair, tokens: float, hashes: Hashes) -> None:
        self.worker = worker
        self.tokens = tokens
        self.hashes = hashes
        self.is_prefilling = True


class Load:
    def __init__(self) -> None:
        self.tokens: float = 0
        self.blocks: Counter[int] = Counter()
        self.requests = 0


class Hooked:
    """Correct as it stands."""

    capabilities = frozenset(SUITE.capabilities)

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        self.check_settings(block_size, overlap_weight, temperature, seed)
        self.block_size = block_size
        self.overlap_weight = overlap_weight
        self.temperature = temperature
        self.chance = self.generator(seed)
        self.lock: Any = threading.RLock()
        self.requests: dict[str, Booked] = {}
        self.workers: dict[Pair, Load] = {}

    def generator(self, seed: int) -> random.Random:
        return random.Random(seed)

    # What is asked.

    def check_settings(self, block_size: Any, overlap_weight: Any, temperature: Any, seed: Any) -> None:
        integer("block_size", block_size, 1, 2**53)
        number("overlap_weight", overlap_weight)
        number("temperature", temperature)
        integer("seed", seed, -(2**63), 2**64)

    def check_id(self, identity: Any) -> None:
        if not isinstance(identity, str):
            raise TypeError("an id is a text")

    def check_isl(self, isl: Any) -> None:
        integer("isl", isl, 0, 2**53)

    def check_hashes(self, hashes: Any) -> None:
        for each in hashes:
            integer("a hash", each, 0, 2**64 - 1)

    def check_depth(self, depth: Any) -> None:
        number("depth", depth)

    def pair(self, worker: Any) -> Pair:
        worker_id, rank = worker
        integer("a worker's id", worker_id, 0, 2**64 - 1)
        integer("a rank", rank, 0, 2**32 - 1)
        return self.key(worker_id, rank)

    def key(self, worker_id: int, rank: int) -> Pair:
        return (worker_id, rank)

    def copied(self, hashes: Hashes) -> Sequence[int]:
        return list(hashes)

    def listed(self, candidates: Iterable[Any]) -> list[Pair]:
        return sorted({self.pair(one) for one in candidates})

    def depths(self, overlaps: Iterable[Any]) -> dict[Pair, float]:
        found = {}
        for one in overlaps:
            try:
                worker, depth = (one["worker_id"], one["dp_rank"]), one["depth"]
            except KeyError as error:
                raise ValueError(f"no {error}") from error
            self.check_depth(depth)
            found[self.pair(worker)] = depth
        return found

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        with self.lock:
            try:
                identity, isl, hashes, pinned = (request[name] for name in ("id", "isl", "seq_hashes", "pinned"))
            except KeyError as error:
                raise ValueError(f"no {error}") from error
            self.check_id(identity)
            self.check_isl(isl)
            self.check_hashes(hashes)
            depths, workers = self.depths(overlaps), self.listed(candidates)
            self.check_candidates(workers)
            self.check_under_way(identity)
            if pinned is not None:
                chosen = self.pinned(self.pair(pinned), workers)
            else:
                costs = {worker: self.cost(worker, isl, depths.get(worker, 0), hashes) for worker in workers}
                chosen = self.choose(costs)
            self.book(identity, chosen, isl, depths, self.copied(hashes), is_pinned=pinned is not None)
            return list(chosen)

    def check_candidates(self, workers: list[Pair]) -> None:
        if not workers:
            raise ValueError("no candidates")

    def check_under_way(self, identity: str) -> None:
        if identity in self.requests:
            raise ValueError("under way")

    def pinned(self, worker: Pair, workers: list[Pair]) -> Pair:
        if worker not in workers:
            raise ValueError("pinned to no candidate")
        return worker

    # What it costs.

    def uncached(self, isl: int, depth: float) -> float:
        return max(0, isl - depth * self.block_size)

    def queued(self, worker: Pair) -> float:
        return self.workers[worker].tokens if worker in self.workers else 0

    def blocks(self, worker: Pair, hashes: Hashes) -> float:
        there = self.workers[worker].blocks if worker in self.workers else {}
        return len(there) + self.added(there, hashes)

    def added(self, there: Mapping[int, int], hashes: Hashes) -> int:
        return sum(each not in there for each in set(hashes))

    def in_blocks(self, tokens: float) -> float:
        return tokens / self.block_size

    def cost(self, worker: Pair, isl: int, depth: float, hashes: Hashes) -> float:
        tokens = self.queued(worker) + self.uncached(isl, depth)
        return self.overlap_weight * self.in_blocks(tokens) + self.blocks(worker, hashes)

    def choose(self, costs: Mapping[Pair, float]) -> Pair:
        return self.draw(costs) if self.temperature else self.tie(self.lowest(costs))

    def lowest(self, costs: Mapping[Pair, float]) -> list[Pair]:
        low = min(costs.values())
        return [worker for worker, cost in costs.items() if cost == low]

    def tie(self, workers: list[Pair]) -> Pair:
        return self.chance.choice(workers)

    def draw(self, costs: Mapping[Pair, float]) -> Pair:
        low, high = min(costs.values()), max(costs.values())
        if low == high:
            return self.equal(list(costs))
        exponents = [self.exponent(cost, low, high) for cost in costs.values()]
        most = max(exponents)
        return self.chance.choices(list(costs), [math.exp(each - most) for each in exponents])[0]

    def equal(self, workers: list[Pair]) -> Pair:
        return self.chance.choice(workers)

    def exponent(self, cost: float, low: float, high: float) -> float:
        return -cost / (high - low) / self.temperature

    # What is under way.

    def load(self, worker: Pair) -> Load:
        return self.workers.setdefault(worker, Load())

    def tokens_booked(self, worker: Pair, isl: int, depths: Depths) -> float:
        return self.uncached(isl, depths.get(worker, 0))

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
        load = self.load(worker)
        booked = Booked(worker, self.tokens_booked(worker, isl, depths), hashes)
        self.requests[identity] = booked
        load.tokens = load.tokens + booked.tokens
        load.requests += 1
        self.add_blocks(load, hashes)

    def add_blocks(self, load: Load, hashes: Hashes) -> None:
        for each in set(hashes):
            load.blocks[each] += 1

    def take_blocks(self, load: Load, hashes: Hashes) -> None:
        for each in set(hashes):
            load.blocks[each] -= 1
            if not load.blocks[each]:
                del load.blocks[each]

    def prefill_done(self, id: str) -> None:
        with self.lock:
            booked = self.requests.get(id)
            if booked is not None:
                self.end_prefill(booked)

    def end_prefill(self, booked: Booked) -> None:
        if booked.is_prefilling:
            booked.is_prefilling = False
            self.load(booked.worker).tokens -= booked.tokens

    def free(self, id: str) -> None:
        with self.lock:
            booked = self.requests.pop(id, None)
            if booked is None:
                self.free_unknown(id)
                return
            self.end_prefill(booked)
            load = self.load(booked.worker)
            self.take_blocks(load, booked.hashes)
            load.requests -= 1
            if not load.requests:
                del self.workers[booked.worker]

    def free_unknown(self, identity: str) -> None:
        pass

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        with self.lock:
            load = self.workers.get(self.key(*worker)) or Load()
            return {"prefill_tokens": load.tokens, "decode_blocks": len(load.blocks)}

    def remove_worker(self, worker_id: int) -> None:
        with self.lock:
            gone = {worker for worker in self.workers if self.is_removed(worker, worker_id)}
            self.requests = {name: each for name, each in self.requests.items() if each.worker not in gone}
            for worker in gone:
                del self.workers[worker]

    def is_removed(self, worker: Pair, worker_id: int) -> bool:
        return worker[0] == worker_id


def integer(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is no integer")
    if not least <= value <= most:
        raise ValueError(f"{name} is out of range")


def number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is no number")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is out of range")
