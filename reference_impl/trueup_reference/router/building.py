"""Builds a grid from what was measured: each pool's latency curve, and what it costs.

Source: the profile-driven planner of ai-dynamo/dynamo. For each cell, latencies are predicted at the middle
of the size band and compared with the *upper* edge of the latency band, so a request with a target in the
lower part of the band may be served late. The strict builder compares with the lower edge instead.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from trueup.grid_config.drawing import draw
from trueup.grid_config.model import Band, Grid


@dataclass(frozen=True)
class Profile:
    """One pool. `points` are measured (size in tokens, latency in ms), in ascending order of size."""

    namespace: str
    cost: float
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Refuses what no prediction can be made from, by `ValueError`."""
        sizes = [size for size, _ in self.points]
        if not sizes or sizes != sorted(set(sizes)):
            raise ValueError(f"{self.namespace}: points are measured at ascending sizes, at least one")
        numbers = [self.cost, *(number for point in self.points for number in point)]
        if not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise ValueError(f"{self.namespace}: costs, sizes and latencies are finite and 0 or more")

    def latency_ms(self, size: float) -> float:
        """The latency predicted: between measured points on the line, outside them that of the nearest one."""
        right = bisect.bisect_left(self.points, (size,))
        if right == 0:
            return self.points[0][1]
        if right == len(self.points):
            return self.points[-1][1]
        (low, below_ms), (high, above_ms) = self.points[right - 1], self.points[right]
        share = (size - low) / (high - low)
        return below_ms * (1 - share) + above_ms * share


def build_cells(size: Band, latency: Band, pools: Sequence[Profile], *, strict: bool = False) -> list[list[int]]:
    """The pool of each cell, a row per size band: the cheapest that meets the target, else the fastest.

    Of equally cheap pools the faster one, of equally fast ones the first. Raises `ValueError` without pools.
    """
    if not pools:
        raise ValueError("a grid needs a pool")
    size_edges, latency_edges = size.edges(), latency.edges()
    rows = []
    for low, high in itertools.pairwise(size_edges):
        predicted_ms = [pool.latency_ms((low + high) / 2) for pool in pools]
        targets_ms = latency_edges[:-1] if strict else latency_edges[1:]
        rows.append([_choose(pools, predicted_ms, target_ms) for target_ms in targets_ms])
    return rows


def build_grid(phase: str, size: Band, latency: Band, pools: Sequence[Profile], *, strict: bool = False) -> Grid:
    """The same as a grid of a phase, pools in the order given, with default priorities."""
    cells = build_cells(size, latency, pools, strict=strict)
    names = tuple(pool.namespace for pool in pools)
    return Grid(phase, names, (size, latency), [list(row) for row in cells], (), tuple(range(len(pools))))


def drawn(grid: Grid) -> str:
    """The grid as a table for a terminal."""
    return draw(grid)


def _choose(pools: Sequence[Profile], predicted_ms: Sequence[float], target_ms: float) -> int:
    meeting = [number for number, latency_ms in enumerate(predicted_ms) if latency_ms <= target_ms]
    if not meeting:
        return min(range(len(pools)), key=lambda number: predicted_ms[number])
    return min(meeting, key=lambda number: (pools[number].cost, predicted_ms[number]))
