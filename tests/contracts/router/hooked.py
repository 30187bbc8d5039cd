"""A router whose every decision is a method, so that a fault is a line."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from trueup.findings import Severity
from trueup.grid_config.file import File
from trueup.grid_config.judge import judge
from trueup.grid_config.model import Band, Configuration, Grid, OverrideRule
from trueup.grid_config.parsing import _node
from trueup.rules import registry
from trueup_contracts.router import SUITE

LATENCIES = ("ttft", "itl")


class Hooked:
    """Correct as it stands. `forgives` are rules of the grid check whose breach is accepted."""

    capabilities = frozenset(SUITE.capabilities)
    forgives: frozenset[str] = frozenset()

    def __init__(self, config: Mapping[str, Any], defaults: Mapping[str, float] | None = None) -> None:
        configuration, faults = judge(_node(config))
        errors = {one.rule.partition("/")[2] for one in faults.found if _is_error(one.rule)}
        if errors - self.forgives:
            raise ValueError(", ".join(sorted(errors)))
        self.set(configuration, config, defaults)

    @classmethod
    def make_from_text(cls, text: bytes) -> Hooked:
        file = File("x.json", text, is_grid=True)
        errors = {one.rule.partition("/")[2] for one in file.findings if one.severity is Severity.ERROR}
        if errors - cls.forgives:
            raise ValueError(", ".join(sorted(errors)))
        made = cls.__new__(cls)
        made.set(file.grids[0].router if file.grids else None, {}, None)
        return made

    def set(
        self, configuration: Configuration | None, config: Mapping[str, Any], defaults: Mapping[str, float] | None
    ) -> None:
        self.retries = configuration is not None and configuration.retries
        self.grids = dict(configuration.grids) if configuration is not None else {}
        self.defaults = dict(defaults or {})

    def grid(self, phase: str) -> Grid:
        if phase not in self.grids:
            raise ValueError(f"no phase {phase}")
        return self.grids[phase]

    def select_prefill(self, isl: int, ttft_target_ms: float | None = None, priority: int | None = None) -> int:
        return self.choose("prefill", [self.length(isl), self.target("ttft", ttft_target_ms)], priority)

    def select_decode(
        self, context_length: int, itl_target_ms: float | None = None, priority: int | None = None
    ) -> int:
        return self.choose("decode", [self.length(context_length), self.target("itl", itl_target_ms)], priority)

    def select_agg(
        self,
        ttft_target_ms: float | None = None,
        itl_target_ms: float | None = None,
        priority: int | None = None,
        isl: int | None = None,
    ) -> int:
        values = [self.target("ttft", ttft_target_ms), self.target("itl", itl_target_ms)]
        if len(self.grid("agg").axes) == 3:
            values.insert(0, self.length(isl))
        return self.choose("agg", values, priority)

    def choose(self, phase: str, values: list[float | None], priority: int | None) -> int:
        grid = self.grid(phase)
        self.check_priority(priority)
        rule = self.override(grid, priority)
        if rule is not None:
            return rule.target_pool
        used = [self.absent(axis) if value is None else value for value, axis in zip(values, grid.axes, strict=True)]
        return self.cell(grid, [self.band(value, axis) for value, axis in zip(used, grid.axes, strict=True)])

    def check_priority(self, priority: Any) -> None:
        if priority is not None and (isinstance(priority, bool) or not isinstance(priority, int)):
            raise TypeError(f"{priority!r} is no priority")

    def cell(self, grid: Grid, bands: list[int]) -> int:
        found: Any = grid.cells
        for band in bands:
            found = found[band]
        return int(found)

    def band(self, value: float, axis: Band) -> int:
        if value < axis.low:
            return 0
        if value >= axis.high:
            return axis.resolution - 1
        return self.clamped(self.index(value, axis), axis)

    def index(self, value: float, axis: Band) -> int:
        return int((value - axis.low) / ((axis.high - axis.low) / axis.resolution))

    def clamped(self, index: int, axis: Band) -> int:
        return max(0, min(index, axis.resolution - 1))

    def absent(self, axis: Band) -> float:
        return (axis.low + axis.high) / 2

    def override(self, grid: Grid, priority: int | None) -> OverrideRule | None:
        if priority is None:
            return None
        return next((rule for rule in grid.overrides if self.matches(rule, priority)), None)

    def matches(self, rule: OverrideRule, priority: int) -> bool:
        return rule.min_priority <= priority <= rule.max_priority

    def target(self, name: str, value: Any) -> float | None:
        if value is None:
            return self.defaults.get(f"{name}_target_ms")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{value!r} is no number")
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"{value!r} is no target")
        return float(value)

    def length(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{value!r} is no length")
        return float(value)

    def retry_order(self, phase: str, pool: int) -> list[int]:
        priorities = self.grid(phase).priorities
        if not 0 <= pool < len(priorities):
            raise ValueError(f"no pool {pool}")
        if not self.retries:
            return [pool]
        return [pool, *self.sorted([p for p in range(len(priorities)) if self.faster(priorities, p, pool)], priorities)]

    def faster(self, priorities: tuple[int, ...], other: int, pool: int) -> bool:
        return priorities[other] < priorities[pool]

    def sorted(self, pools: list[int], priorities: tuple[int, ...]) -> list[int]:
        return sorted(pools, key=lambda pool: -priorities[pool])


def _is_error(rule: str) -> bool:
    return registry()[rule].severity is Severity.ERROR


def round_trip(config: Mapping[str, Any]) -> Any:
    """A deep copy, as JSON makes it."""
    return json.loads(json.dumps(config))
