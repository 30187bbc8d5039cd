"""Which cell a request falls into, and which pool it gets.

The formula is the original's, in binary64 and in this order of operations, so that every program that
follows it gives the same answer at every edge: `trunc((v - low) / ((high - low) / n))`, after the
comparison with the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trueup.grid_config.model import Band, Cells, Grid, OverrideRule


class Choice(NamedTuple):
    """The pool, the values used (an absent latency target is the midpoint), their bands, and the override that won."""

    pool: int
    values: tuple[float, ...]
    bands: tuple[int, ...]
    override: OverrideRule | None


def band_of(value: float, axis: Band) -> int:
    """The number of the band: below the minimum the first, from the maximum on the last."""
    if value < axis.low:
        return 0
    if value >= axis.high:
        return axis.resolution - 1
    step = (axis.high - axis.low) / axis.resolution
    return min(int((value - axis.low) / step), axis.resolution - 1)


def midpoint(axis: Band) -> float:
    """What an absent target counts as."""
    return (axis.low + axis.high) / 2


def select(grid: Grid, values: Sequence[float | None], priority: int | None = None) -> Choice:
    """The choice for one value per axis, in the grid's order; `None` is an absent target."""
    used = tuple(midpoint(axis) if value is None else value for value, axis in zip(values, grid.axes, strict=True))
    bands = tuple(band_of(value, axis) for value, axis in zip(used, grid.axes, strict=True))
    cell: Cells = grid.cells
    for index in bands:
        assert isinstance(cell, list)
        cell = cell[index]
    assert isinstance(cell, int)
    for rule in grid.overrides if priority is not None else ():
        if priority is not None and rule.min_priority <= priority <= rule.max_priority:
            return Choice(rule.target_pool, used, bands, rule)
    return Choice(cell, used, bands, None)
