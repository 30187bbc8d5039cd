"""Targets, priorities and retries that mean something else, and what routers keep between requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from contracts.router.hooked import Hooked
from contracts.router.seeding import fault
from trueup.grid_config.model import Band, Configuration, Grid, OverrideRule


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
