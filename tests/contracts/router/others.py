"""Correct routers of other construction, and a model of the original one."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from contracts.router.hooked import Hooked
from trueup.grid_config.model import Band


class Looping(Hooked):
    """Walks along the edges. Where decimal edges round it may differ from the formula, as the contract allows."""

    def index(self, value: float, axis: Band) -> int:
        step = Fraction(axis.high - axis.low) / axis.resolution
        index = 0
        while index + 1 < axis.resolution and Fraction(value) >= Fraction(axis.low) + (index + 1) * step:
            index += 1
        return index


class Bisecting(Hooked):
    """Looks the value up among the edges, which are made once."""

    def index(self, value: float, axis: Band) -> int:
        width = Fraction(axis.high) - Fraction(axis.low)
        edges = [Fraction(axis.low) + width * number / axis.resolution for number in range(1, axis.resolution)]
        return bisect.bisect_right(edges, Fraction(value))


class Vectorised(Hooked):
    """All edges at once, with NumPy."""

    def index(self, value: float, axis: Band) -> int:
        step = (np.float64(axis.high) - axis.low) / axis.resolution
        edges = axis.low + np.arange(1, axis.resolution, dtype=np.float64) * step
        return int(np.searchsorted(edges, value, side="right"))


class Original:
    """As the first release was: validates less, clamps what it should refuse. From its published behaviour."""

    capabilities = frozenset({"disagg", "agg", "priority_overrides", "priority_retry", "deprecated_names", "defaults"})

    def __init__(self, config: Mapping[str, Any], defaults: Mapping[str, float] | None = None) -> None:
        mode = config.get("mode", "disagg")
        if mode not in ("disagg", "agg"):
            raise ValueError(f"unknown mode {mode}")
        self.retry = config.get("enable_priority_retry", False)
        if not isinstance(self.retry, bool):
            raise ValueError("enable_priority_retry must be a boolean")
        self.defaults = defaults or {}
        self.phases = {}
        for phase in ("prefill", "decode") if mode == "disagg" else ("agg",):
            self.phases[phase] = self._phase(config, phase)

    def _phase(self, config: Mapping[str, Any], phase: str) -> dict[str, Any]:
        try:
            count = config[f"num_{phase}_pools"]
            namespaces = config[f"{phase}_pool_dynamo_namespaces"]
            strategy = dict(config[f"{phase}_pool_selection_strategy"])
            mapping = [list(row) for row in strategy[f"{phase}_pool_mapping"]]
            names = {"prefill": ("isl", "ttft"), "decode": ("context_length", "itl"), "agg": ("ttft", "itl")}[phase]
            axes = [self._axis(strategy, name) for name in names]
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error
        if len(namespaces) != count:
            raise ValueError("wrong number of namespaces")
        if len(mapping) != axes[0][2] or any(len(row) != axes[1][2] for row in mapping):
            raise ValueError("wrong shape")
        overrides = [dict(rule) for rule in strategy.get("priority_overrides") or []]
        for rule in overrides:
            if not {"min_priority", "max_priority", "target_pool"} <= rule.keys():
                raise ValueError("incomplete override")
            if rule["min_priority"] > rule["max_priority"] or not 0 <= rule["target_pool"] < count:
                raise ValueError("wrong override")
        if any(not 0 <= pool < count for row in mapping for pool in row):
            raise ValueError("no such pool")
        priorities = list(config.get(f"{phase}_pool_priorities", range(count)))
        if len(priorities) != count or any(isinstance(p, bool) or not isinstance(p, int) for p in priorities):
            raise ValueError("wrong priorities")
        return {"axes": axes, "mapping": mapping, "overrides": overrides, "priorities": priorities}

    @staticmethod
    def _axis(strategy: Mapping[str, Any], name: str) -> tuple[float, float, int]:
        unit = "_ms" if name in ("ttft", "itl") else ""
        low, high = (
            strategy[f"{name}_{end}{unit}"] if f"{name}_{end}{unit}" in strategy else strategy[f"{name}_{end}"]
            for end in ("min", "max")
        )
        resolution = strategy[f"{name}_resolution"]
        if resolution <= 0 or low >= high:
            raise ValueError(f"wrong {name}")
        return low, high, resolution

    def _select(self, phase: str, values: tuple[Any, Any], priority: int | None) -> int:
        if phase not in self.phases:
            raise ValueError(f"no {phase} pools in this mode")
        found = self.phases[phase]
        for rule in found["overrides"]:
            if priority is not None and rule["min_priority"] <= priority <= rule["max_priority"]:
                return int(rule["target_pool"])
        row, column = (self._index(value, axis) for value, axis in zip(values, found["axes"], strict=True))
        return int(found["mapping"][row][column])

    @staticmethod
    def _index(value: Any, axis: tuple[float, float, int]) -> int:
        low, high, resolution = axis
        value = (low + high) / 2 if value is None else value
        return max(0, min(int((value - low) / ((high - low) / resolution)), resolution - 1))

    def select_prefill(self, isl: Any, ttft_target_ms: Any = None, priority: int | None = None) -> int:
        return self._select("prefill", (isl, self._target("ttft", ttft_target_ms)), priority)

    def select_decode(self, context_length: Any, itl_target_ms: Any = None, priority: int | None = None) -> int:
        return self._select("decode", (context_length, self._target("itl", itl_target_ms)), priority)

    def select_agg(self, ttft_target_ms: Any = None, itl_target_ms: Any = None, priority: int | None = None) -> int:
        values = (self._target("ttft", ttft_target_ms), self._target("itl", itl_target_ms))
        return self._select("agg", values, priority)

    def _target(self, name: str, value: Any) -> Any:
        return self.defaults.get(f"{name}_target_ms") if value is None else value

    def retry_order(self, phase: str, pool: int) -> list[int]:
        if phase not in self.phases or not 0 <= pool < len(self.phases[phase]["priorities"]):
            raise ValueError(f"no pool {pool} of {phase}")
        priorities = self.phases[phase]["priorities"]
        faster = [other for other in range(len(priorities)) if priorities[other] < priorities[pool]]
        return [pool, *sorted(faster, key=lambda other: -priorities[other])] if self.retry else [pool]


OTHERS = [Looping, Bisecting, Vectorised]
