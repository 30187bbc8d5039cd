"""A valid configuration as data."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

# Nested once per axis, pools in the innermost lists.
Cells: TypeAlias = "int | list[Cells]"


class Band(NamedTuple):
    """One axis: `resolution` bands of equal width from `low` to `high` (tokens, or milliseconds)."""

    name: str
    low: float
    high: float
    resolution: int

    def edges(self) -> list[float]:
        """The `resolution + 1` edges, in binary64."""
        step = (self.high - self.low) / self.resolution
        return [*(self.low + step * index for index in range(self.resolution)), self.high]


class OverrideRule(NamedTuple):
    """Requests with a priority in `[min_priority, max_priority]` go to `target_pool`."""

    min_priority: int
    max_priority: int
    target_pool: int


class Grid(NamedTuple):
    """The pools of one phase, and which of them a request gets."""

    phase: str
    namespaces: tuple[str, ...]
    axes: tuple[Band, ...]
    cells: Cells
    overrides: tuple[OverrideRule, ...]
    priorities: tuple[int, ...]


class Configuration(NamedTuple):
    """A configuration of mode `disagg` (grids `prefill` and `decode`) or `agg` (grid `agg`)."""

    mode: str
    retries: bool
    grids: dict[str, Grid]
