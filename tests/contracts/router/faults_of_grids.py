"""Configurations that are read otherwise, and values that find another cell."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from typing import Any

from contracts.router.hooked import Hooked
from contracts.router.seeding import fault, forgiving
from trueup.grid_config.model import Band, Configuration, Grid

for number, broken in (
    ("RC-002", "missing-field"),
    ("RC-003", "namespace-count"),
    ("RC-004", "out-of-range"),
    ("RC-005", "empty-range"),
    ("RC-006", "mapping-shape"),
    ("RC-007", "unknown-pool"),
    ("RC-008", "empty-override"),
    ("RC-009", "priority-count"),
    ("RC-011", "unknown-mode"),
    ("RC-012", "wrong-type"),
    ("RC-013", "not-finite"),
    ("RC-014", "out-of-range"),
    ("RC-015", "unknown-field"),
    ("RC-016", "other-mode-field"),
    ("RC-017", "blank-namespace"),
    ("RC-017", "duplicate-namespace"),
    ("RC-018", "doubled-bound"),
    ("RC-020", "duplicate-key"),
    ("RC-020", "byte-order-mark"),
    ("RC-021", "not-json"),
):
    forgiving(number, broken)


@fault("RC-001")
class RefusesPlaceholders(Hooked):
    """refuses a namespace with a placeholder"""

    def set(self, configuration: Configuration | None, config: Mapping[str, Any], defaults: Any) -> None:
        super().set(configuration, config, defaults)
        if any("$" in name for grid in self.grids.values() for name in grid.namespaces):
            raise ValueError("a dollar sign")


@fault("RC-010")
class AnyRetry(Hooked):
    """takes any value for enable_priority_retry"""

    def __init__(self, config: Mapping[str, Any], defaults: Any = None) -> None:
        super().__init__({**config, "enable_priority_retry": bool(config.get("enable_priority_retry"))}, defaults)


@fault("RC-019")
class Seconds(Hooked):
    """reads the old names as seconds"""

    def band(self, value: float, axis: Band) -> int:
        return super().band(value / self.scale, axis)

    scale = 1.0

    def __init__(self, config: Mapping[str, Any], defaults: Any = None) -> None:
        super().__init__(config, defaults)
        if any("ttft_min" in part for part in config.values() if isinstance(part, dict)):
            self.scale = 1000.0


@fault("RC-022")
class IgnoresTheThirdAxis(Hooked):
    """reads the layers of a three-dimensional grid as if there were one"""

    def cell(self, grid: Grid, bands: list[int]) -> int:
        return super().cell(grid, [0, *bands[1:]] if len(bands) == 3 else bands)


@fault("RC-033")
class DefaultLength(Hooked):
    """takes an absent input length for 0"""

    def length(self, value: Any) -> float:
        return super().length(0 if value is None else value)


class _Transposed(Hooked):
    phase = ""

    def cell(self, grid: Grid, bands: list[int]) -> int:
        if grid.phase == self.phase and len(bands) == 2:
            first, second = bands
            rows, columns = (axis.resolution for axis in grid.axes)
            return super().cell(grid, [min(second, rows - 1), min(first, columns - 1)])
        return super().cell(grid, bands)


@fault("RC-030")
class TransposedPrefill(_Transposed):
    """swaps rows and columns of the prefill grid"""

    phase = "prefill"


@fault("RC-031")
class TransposedDecode(_Transposed):
    """swaps rows and columns of the decode grid"""

    phase = "decode"


@fault("RC-032")
class TransposedAgg(_Transposed):
    """swaps rows and columns of the aggregated grid"""

    phase = "agg"


@fault("RC-034")
class LowerBandAtAnEdge(Hooked):
    """puts a value on an inner edge into the lower band"""

    def index(self, value: float, axis: Band) -> int:
        return math.ceil((value - axis.low) / ((axis.high - axis.low) / axis.resolution)) - 1


@fault("RC-057")
class AnyPriority(Hooked):
    """compares whatever it is given as a priority"""

    def check_priority(self, priority: Any) -> None:
        if isinstance(priority, str):
            raise TypeError("not comparable")


@fault("RC-023")
class ForgetsTheText(Hooked):
    """makes a router without a grid from a text"""

    @classmethod
    def make_from_text(cls, text: bytes) -> Hooked:
        made = super().make_from_text(text)
        made.grids = {}
        return made


@fault("RC-036")
class NoClampBehindTheDivision(Hooked):
    """trusts the division to stay below the resolution"""

    def clamped(self, index: int, axis: Band) -> int:
        return index


@fault("RC-030")
class Rounds(Hooked):
    """rounds instead of truncating"""

    def index(self, value: float, axis: Band) -> int:
        return round((value - axis.low) / ((axis.high - axis.low) / axis.resolution))


@fault("RC-030")
class OneBandTooMany(Hooked):
    """divides by the resolution minus one"""

    def index(self, value: float, axis: Band) -> int:
        return int((value - axis.low) / ((axis.high - axis.low) / max(1, axis.resolution - 1)))


@fault("RC-030")
class ForgetsTheMinimum(Hooked):
    """leaves the minimum out of the division"""

    def index(self, value: float, axis: Band) -> int:
        return int(value / ((axis.high - axis.low) / axis.resolution))


@fault("RC-030")
class StepFromZero(Hooked):
    """computes the step from the maximum alone"""

    def index(self, value: float, axis: Band) -> int:
        return int((value - axis.low) / (axis.high / axis.resolution))


@fault("RC-030")
class LastBandSwallowed(Hooked):
    """never uses the last band"""

    def clamped(self, index: int, axis: Band) -> int:
        return max(0, min(index, axis.resolution - 2))


@fault("RC-035")
class WrapsBelow(Hooked):
    """does not clamp below the minimum, so that negative numbers index from the end"""

    def band(self, value: float, axis: Band) -> int:
        return -1 if value < axis.low else super().band(value, axis)


@fault("RC-035")
class FailsAbove(Hooked):
    """does not clamp at the maximum"""

    def band(self, value: float, axis: Band) -> int:
        return axis.resolution if value >= axis.high else super().band(value, axis)


@fault("RC-035")
class RefusesAbove(Hooked):
    """refuses requests beyond the maximum"""

    def band(self, value: float, axis: Band) -> int:
        if value > axis.high:
            raise ValueError("too long")
        return super().band(value, axis)


@fault("RC-036")
class MultipliesFirst(Hooked):
    """multiplies by the resolution before it divides"""

    def index(self, value: float, axis: Band) -> int:
        return int((value - axis.low) * axis.resolution / (axis.high - axis.low))


@fault("RC-036")
class PlainEdges(Hooked):
    """looks values up among edges that are low + band * step"""

    def index(self, value: float, axis: Band) -> int:
        step = (axis.high - axis.low) / axis.resolution
        return bisect.bisect_right([axis.low + band * step for band in range(1, axis.resolution)], value)


@fault("RC-044")
class PriorityOfWholeNumbers(Hooked):
    """reads a request with a priority by another way, which knows whole numbers only"""

    def choose(self, phase: str, values: list[float | None], priority: int | None) -> int:
        if priority is not None and any(value is not None and not value.is_integer() for value in values):
            raise TypeError("a whole number is due")
        return super().choose(phase, values, priority)


@fault("RC-036")
class NudgesEdges(Hooked):
    """adds a little before truncating, to mend the edges"""

    def index(self, value: float, axis: Band) -> int:
        return int((value - axis.low) / ((axis.high - axis.low) / axis.resolution) + 1e-9)
