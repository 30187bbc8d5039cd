"""Routers with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from contracts.router.hooked import Hooked
from trueup.grid_config.model import Band, Configuration, Grid, OverrideRule


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


def forgiving(requirement: str, *rules: str) -> None:
    """A router that accepts what breaks these rules of the grid check."""
    name = f"accepts {' and '.join(rules)}"
    FAULTS.append(Fault(name, requirement, type("Forgiving", (Hooked,), {"forgives": frozenset(rules)})))


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


@fault("RC-037")
class ExactMidpoint(Hooked):
    """takes half the resolution for the band of an absent target"""

    def choose(self, phase: str, values: list[float | None], priority: int | None) -> int:
        grid = self.grid(phase)
        bands = [
            axis.resolution // 2 if value is None else self.band(value, axis)
            for value, axis in zip(values, grid.axes, strict=True)
        ]
        rule = self.override(grid, priority)
        return self.cell(grid, bands) if rule is None else rule.target_pool


@fault("RC-038")
class MinimumIsTheDefault(Hooked):
    """takes the minimum for an absent target"""

    def absent(self, axis: Band) -> float:
        return axis.low


@fault("RC-038")
class MaximumIsTheDefault(Hooked):
    """takes the maximum for an absent target"""

    def absent(self, axis: Band) -> float:
        return axis.high


@fault("RC-039")
class ZeroRowIsAbsent(Hooked):
    """takes a target of 0 for an absent one, in the first axis of the mode agg alone"""

    def select_agg(
        self,
        ttft_target_ms: float | None = None,
        itl_target_ms: float | None = None,
        priority: int | None = None,
        isl: int | None = None,
    ) -> int:
        return super().select_agg(ttft_target_ms or None, itl_target_ms, priority, isl)


@fault("RC-039")
class ZeroIsAbsent(Hooked):
    """uses `or` instead of `is None` for targets"""

    def target(self, name: str, value: Any) -> float | None:
        return super().target(name, value) or self.defaults.get(f"{name}_target_ms")


@fault("RC-040")
class IgnoresDefaults(Hooked):
    """ignores the default targets"""

    def set(self, configuration: Configuration | None, config: Mapping[str, Any], defaults: Any) -> None:
        super().set(configuration, config, None)


@fault("RC-040")
class DefaultsAlways(Hooked):
    """lets the defaults win over the request's targets"""

    def target(self, name: str, value: Any) -> float | None:
        return self.defaults.get(f"{name}_target_ms", super().target(name, value))


@fault("RC-042")
class ExclusiveMaximum(Hooked):
    """excludes an override's maximum"""

    def matches(self, rule: OverrideRule, priority: int) -> bool:
        return rule.min_priority <= priority < rule.max_priority


@fault("RC-042")
class ExclusiveMinimum(Hooked):
    """excludes an override's minimum"""

    def matches(self, rule: OverrideRule, priority: int) -> bool:
        return rule.min_priority < priority <= rule.max_priority


@fault("RC-043")
class LastMatchWins(Hooked):
    """takes the last override that matches"""

    def override(self, grid: Grid, priority: int | None) -> OverrideRule | None:
        found = [rule for rule in grid.overrides if priority is not None and self.matches(rule, priority)]
        return found[-1] if found else None


@fault("RC-044")
class AbsentPriorityIsZero(Hooked):
    """takes an absent priority for 0"""

    def override(self, grid: Grid, priority: int | None) -> OverrideRule | None:
        return super().override(grid, 0 if priority is None else priority)


@fault("RC-042")
class FalsyPriority(Hooked):
    """takes priority 0 for an absent one"""

    def override(self, grid: Grid, priority: int | None) -> OverrideRule | None:
        return super().override(grid, priority or None)


@fault("RC-045")
class RetriesSlower(Hooked):
    """retries on slower pools too"""

    def faster(self, priorities: tuple[int, ...], other: int, pool: int) -> bool:
        return other != pool


@fault("RC-045")
class RetriesEqual(Hooked):
    """retries on pools of the same priority"""

    def faster(self, priorities: tuple[int, ...], other: int, pool: int) -> bool:
        return other != pool and priorities[other] <= priorities[pool]


@fault("RC-045")
class FastestFirst(Hooked):
    """tries the fastest pool first"""

    def sorted(self, pools: list[int], priorities: tuple[int, ...]) -> list[int]:
        return sorted(pools, key=lambda pool: priorities[pool])


@fault("RC-045")
class TiesReversed(Hooked):
    """breaks ties against the order of the pools"""

    def sorted(self, pools: list[int], priorities: tuple[int, ...]) -> list[int]:
        return sorted(pools, key=lambda pool: (-priorities[pool], -pool))


@fault("RC-046")
class AlwaysRetries(Hooked):
    """retries although retry is off"""

    def set(self, configuration: Configuration | None, config: Mapping[str, Any], defaults: Any) -> None:
        super().set(configuration, config, defaults)
        self.retries = True


@fault("RC-047")
class AnyPoolHasAnOrder(Hooked):
    """answers for pools that do not exist"""

    def retry_order(self, phase: str, pool: int) -> list[int]:
        try:
            return super().retry_order(phase, pool)
        except ValueError:
            return [pool]


@fault("RC-048")
class BelievesTargets(Hooked):
    """believes every target, NaN and text included"""

    def target(self, name: str, value: Any) -> float | None:
        try:
            return super().target(name, value)
        except (TypeError, ValueError):
            return 0.0


@fault("RC-048")
class ClampsLengths(Hooked):
    """clamps senseless lengths"""

    def length(self, value: Any) -> float:
        try:
            return super().length(value)
        except ValueError:
            return 0.0


@fault("RC-049")
class KeepsTheBadTarget(Hooked):
    """goes on with the default after a refused request"""

    spoilt = False

    def target(self, name: str, value: Any) -> float | None:
        try:
            return 0.0 if self.spoilt else super().target(name, value)
        except (TypeError, ValueError):
            self.spoilt = True
            raise


@fault("RC-050")
class AnyPhase(Hooked):
    """answers a call of the other mode from the first grid that it has"""

    def grid(self, phase: str) -> Grid:
        return self.grids.get(phase) or next(iter(self.grids.values()))


@fault("RC-051")
class RoundRobin(Hooked):
    """remembers the last request"""

    last = 0

    def cell(self, grid: Grid, bands: list[int]) -> int:
        self.last += 1
        return super().cell(grid, bands) if self.last % 30 else 0


@fault("RC-052")
class SharedScratch(Hooked):
    """keeps the request in an attribute while it computes"""

    scratch: list[float | None]

    def choose(self, phase: str, values: list[float | None], priority: int | None) -> int:
        self.scratch = values
        for _ in range(200):  # long enough for another thread to come in between
            found = super().choose(phase, self.scratch, priority)
        return found


@fault("RC-053")
class ClassAttribute(Hooked):
    """keeps the grids in an attribute of the class"""

    shared: ClassVar[dict[str, Grid]] = {}

    def set(self, configuration: Configuration | None, config: Mapping[str, Any], defaults: Any) -> None:
        super().set(configuration, config, defaults)
        ClassAttribute.shared = self.grids

    def grid(self, phase: str) -> Grid:
        self.grids = ClassAttribute.shared
        return super().grid(phase)


@fault("RC-054")
class FillsIn(Hooked):
    """writes the mode into the configuration given"""

    def set(self, configuration: Configuration | None, config: Mapping[str, Any], defaults: Any) -> None:
        super().set(configuration, config, defaults)
        if isinstance(config, dict):
            config.setdefault("mode", "disagg")
            config.setdefault("enable_priority_retry", False)


@fault("RC-055")
class HoldsTheCallersList(Hooked):
    """reads the cells from the caller's own list"""

    def set(self, configuration: Configuration | None, config: Mapping[str, Any], defaults: Any) -> None:
        super().set(configuration, config, defaults)
        for name, grid in self.grids.items():
            if not config:
                continue  # made from a text: there is no list of the caller's
            self.grids[name] = grid._replace(cells=config[f"{name}_pool_selection_strategy"][f"{name}_pool_mapping"])
