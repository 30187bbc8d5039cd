"""One axis of a grid: its bands, and which band a value is in.

Source of the formula: the global router of ai-dynamo/dynamo (#5697). A band is looked up among the values at which
the formula's answer changes. The formula never falls while its value grows, so that gives its answer bit for bit.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Axis:
    """Bounds in tokens or milliseconds. `edges`: the least value of each band but the first."""

    low: float
    high: float
    resolution: int
    edges: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Finds the edges: a few steps from where exact arithmetic has them."""
        step = (self.high - self.low) / self.resolution
        edges = tuple(self._edge(band, self.low + band * step) for band in range(1, self.resolution))
        object.__setattr__(self, "edges", edges)

    def band(self, value: float) -> int:
        """The number of the band; what lies outside the bounds is in the first or the last."""
        return bisect_right(self.edges, value)

    @property
    def midpoint(self) -> float:
        """What an absent target counts as."""
        return (self.low + self.high) / 2

    def _edge(self, band: int, guess: float) -> float:
        while self._formula(guess) < band:
            guess = math.nextafter(guess, math.inf)
        while self._formula(math.nextafter(guess, -math.inf)) >= band:
            guess = math.nextafter(guess, -math.inf)
        return guess

    def _formula(self, value: float) -> int:
        # In this order of operations: another one answers differently at some edges.
        return int((value - self.low) / ((self.high - self.low) / self.resolution))
