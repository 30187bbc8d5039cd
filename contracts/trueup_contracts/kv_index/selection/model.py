"""A plain list of requests: what is active where, and what a request would cost there, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from trueup_contracts.kv_index.selection.calls import Ask, Pair

NEAR = Fraction(1, 10**9)  # of a cost: what binary64 may make of it


@dataclass
class Booked:
    """A request under way."""

    worker: Pair
    tokens: Fraction  # of its prompt that are still to be computed
    hashes: frozenset[int]


@dataclass
class Model:
    """A selector that computes everything anew at each question."""

    block_size: int = 16
    overlap_weight: float = 1.0
    requests: dict[str, Booked] = field(default_factory=dict)

    def tokens(self, ask: Ask, worker: Pair) -> Fraction:
        """Of the request's prompt, those that the worker does not hold."""
        return max(Fraction(0), ask.isl - Fraction(ask.overlaps.get(worker, 0)) * self.block_size)

    def cost(self, ask: Ask, worker: Pair) -> Fraction:
        """What the request would cost there."""
        there = [each for each in self.requests.values() if each.worker == worker]
        tokens = sum((each.tokens for each in there), self.tokens(ask, worker))
        blocks = frozenset(ask.hashes).union(*(each.hashes for each in there))
        return Fraction(self.overlap_weight) * tokens / self.block_size + len(blocks)

    def best(self, ask: Ask, candidates: Iterable[Pair]) -> list[Pair]:
        """The candidates of the lowest cost, with those that rounding cannot tell from them."""
        costs = {worker: self.cost(ask, worker) for worker in candidates}
        limit = min(costs.values()) * (1 + NEAR)
        return [worker for worker, cost in costs.items() if cost <= limit]

    def judge(self, ask: Ask, candidates: Sequence[Pair], chosen: Pair) -> None:
        """The chosen one costs least."""
        __tracebackhide__ = True
        if chosen in self.best(ask, candidates):
            return
        rows = [
            f"  {list(worker)}: {float(self.cost(ask, worker)):g} = {self._terms(ask, worker)}"
            + ("  <- chosen" if worker == chosen else "")
            for worker in candidates
        ]
        due = " or ".join(str(list(worker)) for worker in self.best(ask, candidates))
        cost, least = (float(self.cost(ask, worker)) for worker in (chosen, self.best(ask, candidates)[0]))
        raise AssertionError(
            f"select({ask.id!r}) chose {list(chosen)} at a cost of {cost:g}, expected {due} at {least:g}\n"
            + "\n".join(rows)
        )

    def book(self, ask: Ask, worker: Pair) -> None:
        """The request goes there."""
        self.requests[ask.id] = Booked(worker, self.tokens(ask, worker), frozenset(ask.hashes))

    def prefill_done(self, identity: str) -> None:
        """Its prompt has been computed."""
        if identity in self.requests:
            self.requests[identity].tokens = Fraction(0)

    def free(self, identity: str) -> None:
        """It has ended."""
        self.requests.pop(identity, None)

    def remove_worker(self, worker_id: int) -> None:
        """Every request of it has ended."""
        self.requests = {name: each for name, each in self.requests.items() if each.worker[0] != worker_id}

    def loads(self, workers: Iterable[Pair]) -> Mapping[Pair, tuple[float, float]]:
        """What `active` should answer."""
        return {worker: self._load(worker) for worker in workers}

    def _load(self, worker: Pair) -> tuple[float, float]:
        there = [each for each in self.requests.values() if each.worker == worker]
        blocks: frozenset[int] = frozenset().union(*(each.hashes for each in there))
        return float(sum(each.tokens for each in there)), float(len(blocks))

    def _terms(self, ask: Ask, worker: Pair) -> str:
        queued, blocks = self._load(worker)
        depth: Any = ask.overlaps.get(worker, 0)
        new = float(self.cost(ask, worker)) - blocks
        prefill = self.overlap_weight * (queued + float(self.tokens(ask, worker))) / self.block_size
        own = "0" if self.tokens(ask, worker) == 0 else f"{ask.isl} - {depth:g} × {self.block_size}"
        return f"{self.overlap_weight:g} × ({queued:g} + {own}) / {self.block_size} + {blocks:g} + {new - prefill:g}"
