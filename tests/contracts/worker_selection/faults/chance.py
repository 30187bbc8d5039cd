"""What is left to chance: WS-011 to WS-016, and WS-018."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.worker_selection.faults.registry import fault
from contracts.worker_selection.hooked import Hooked, Pair


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
