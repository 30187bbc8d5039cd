"""Correct selectors of other construction, and a model of the original one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from contracts.worker_selection.hooked import Hooked, Pair


class Recomputing:
    """Keeps a list of requests, and computes everything anew at each question."""

    capabilities = frozenset({"temperature", "remove_worker", "weighted_overlaps"})

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        Hooked.check_settings(self, block_size, overlap_weight, temperature, seed)  # type: ignore[arg-type]
        self.block_size, self.overlap_weight, self.temperature = block_size, overlap_weight, temperature
        self.random = random.Random(seed)
        self.list: list[tuple[str, Pair, float, frozenset[int]]] = []
        self.checks = Hooked(block_size, overlap_weight, temperature, seed)

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        self.checks.select(request, overlaps, candidates)
        self.checks.free(request["id"])
        if any(name == request["id"] for name, *_ in self.list):
            raise ValueError("under way")
        workers = sorted({tuple(one) for one in candidates})
        hashes = frozenset(request["seq_hashes"])
        depths = {(one["worker_id"], one["dp_rank"]): one["depth"] for one in overlaps}
        left = {one: max(0, request["isl"] - depths.get(one, 0) * self.block_size) for one in workers}
        chosen = tuple(request["pinned"] or self.choose({one: self.cost(one, left[one], hashes) for one in workers}))
        self.list.append((request["id"], chosen, left[chosen], hashes))
        return list(chosen)

    def cost(self, worker: Pair, tokens: float, hashes: frozenset[int]) -> float:
        there = [one for one in self.list if one[1] == worker]
        queued = sum(one[2] for one in there)
        return self.overlap_weight * (queued + tokens) / self.block_size + len(hashes.union(*(one[3] for one in there)))

    def choose(self, costs: dict[Pair, float]) -> Pair:
        low, spread = min(costs.values()), max(costs.values()) - min(costs.values())
        if not self.temperature or not spread:
            return self.random.choice([one for one, cost in costs.items() if cost == low or self.temperature])
        # The race of exponentials: whoever is first is drawn by its weight.
        clocks = {one: (cost - low) / spread / self.temperature for one, cost in costs.items()}
        return min(costs, key=lambda one: np.log(self.random.expovariate(1)) + clocks[one])

    def prefill_done(self, id: str) -> None:
        self.list = [(name, worker, 0 if name == id else left, hashes) for name, worker, left, hashes in self.list]

    def free(self, id: str) -> None:
        self.list = [one for one in self.list if one[0] != id]

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        there = [one for one in self.list if one[1] == tuple(worker)]
        blocks = frozenset[int]().union(*(one[3] for one in there))
        return {"prefill_tokens": sum(one[2] for one in there), "decode_blocks": len(blocks)}

    def remove_worker(self, worker_id: int) -> None:
        self.list = [one for one in self.list if one[1][0] != worker_id]


class Vectorised(Hooked):
    """All costs at once, with NumPy; a draw by Gumbel's trick."""

    capabilities = Hooked.capabilities - {"threads"}

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.numbers = np.random.default_rng(seed % 2**63)

    def choose(self, costs: Mapping[Pair, float]) -> Pair:
        workers, values = list(costs), np.array(list(costs.values()), dtype=np.float64)
        spread = np.ptp(values)
        if not self.temperature or not spread:
            return workers[int(self.numbers.choice(np.flatnonzero(values == values.min())))]
        scores = -(values - values.min()) / spread / self.temperature
        return workers[int(np.argmax(scores + self.numbers.gumbel(size=len(workers))))]


class Original:
    """As Dynamo's scheduler is, from its published behaviour (lib/kv-router/src, 2026): checks little, has no seed."""

    capabilities = frozenset({"temperature", "weighted_overlaps", "remove_worker"})

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        self.block_size, self.weight, self.temperature = block_size, overlap_weight, temperature
        self.random = random.SystemRandom()
        self.where: dict[str, Pair] = {}
        self.prefill: dict[Pair, dict[str, float]] = {}
        self.sequences: dict[Pair, dict[str, list[int]]] = {}

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> Pair:
        workers = [tuple(one) for one in candidates]
        pinned = tuple(request["pinned"]) if request["pinned"] else None
        if not workers or (pinned is not None and pinned not in workers):
            raise ValueError("no endpoints")
        scores = {(one["worker_id"], one["dp_rank"]): one["depth"] for one in overlaps}
        tokens = {one: max(0, request["isl"] - scores.get(one, 0) * self.block_size) for one in workers}
        if pinned is None:
            costs = {}
            for one in workers:
                there = self.unique(one)
                potential = sum(each not in there for each in request["seq_hashes"]) + len(there)
                queued = sum(self.prefill.get(one, {}).values())
                costs[one] = self.weight * ((tokens[one] + queued) / self.block_size) + potential
            chosen = self.sample(costs)
        else:
            chosen = pinned
        if request["id"] in self.where:
            raise ValueError("duplicate request")
        self.where[request["id"]] = chosen
        self.prefill.setdefault(chosen, {})[request["id"]] = tokens[chosen]
        self.sequences.setdefault(chosen, {})[request["id"]] = list(request["seq_hashes"])
        return chosen

    def unique(self, worker: Pair) -> set[int]:
        return {each for hashes in self.sequences.get(worker, {}).values() for each in hashes}

    def sample(self, costs: dict[Pair, float]) -> Pair:
        low, high = min(costs.values()), max(costs.values())
        if self.temperature == 0:
            return self.random.choice([one for one, cost in costs.items() if cost == low])
        if low == high:
            return self.random.choice(list(costs))
        scale = -1 / ((high - low) * self.temperature)
        weights = [np.exp(cost * scale - low * scale) for cost in costs.values()]
        return self.random.choices(list(costs), weights)[0]

    def prefill_done(self, id: str) -> None:
        if id not in self.where:
            raise ValueError("request not found")
        self.prefill[self.where[id]].pop(id, None)

    def free(self, id: str) -> None:
        worker = self.where.pop(id, None)
        if worker is not None:
            self.prefill[worker].pop(id, None)
            del self.sequences[worker][id]

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        one: Pair = (worker[0], worker[1])
        return {"prefill_tokens": sum(self.prefill.get(one, {}).values()), "decode_blocks": len(self.unique(one))}

    def remove_worker(self, worker_id: int) -> None:
        for worker in [one for one in self.sequences if one[0] == worker_id]:
            del self.sequences[worker], self.prefill[worker]
        self.where = {name: one for name, one in self.where.items() if one[0] != worker_id}


OTHERS: list[Any] = [Recomputing, Vectorised]
