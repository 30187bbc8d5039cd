"""The fields of a global router's configuration: one table for validation, deprecated names and the drawing.

Source: the global router of ai-dynamo/dynamo, as first released (#5697) and with the third axis (#11835).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

DISAGG, AGG = "disagg", "agg"


class Axis(NamedTuple):
    """One axis of a grid, and its fields. Latencies are milliseconds; lengths are tokens, whole numbers."""

    name: str
    is_latency: bool
    low: str
    high: str
    resolution: str
    optional: bool = False


def _length(name: str, *, optional: bool = False) -> Axis:
    return Axis(name, False, f"{name}_min", f"{name}_max", f"{name}_resolution", optional)


def _latency(name: str) -> Axis:
    return Axis(name, True, f"{name}_min_ms", f"{name}_max_ms", f"{name}_resolution")


@dataclass(frozen=True)
class Phase:
    """One set of pools with its grid: prefill and decode, or agg."""

    name: str
    axes: tuple[Axis, ...]  # outermost first, as the mapping is nested

    @property
    def count(self) -> str:
        """The field of the number of pools."""
        return f"num_{self.name}_pools"

    @property
    def namespaces(self) -> str:
        """The field of the pools' namespaces."""
        return f"{self.name}_pool_dynamo_namespaces"

    @property
    def priorities(self) -> str:
        """The field of the pools' priorities."""
        return f"{self.name}_pool_priorities"

    @property
    def strategy(self) -> str:
        """The field of the grid."""
        return f"{self.name}_pool_selection_strategy"

    @property
    def mapping(self) -> str:
        """The field of the cells, inside the grid."""
        return f"{self.name}_pool_mapping"

    @property
    def fields(self) -> tuple[str, ...]:
        """The phase's fields at the top."""
        return (self.count, self.namespaces, self.strategy, self.priorities)

    @property
    def strategy_fields(self) -> tuple[str, ...]:
        """The fields of the grid, deprecated ones left out."""
        axes = [field for axis in self.axes for field in (axis.low, axis.high, axis.resolution)]
        return (*axes, self.mapping, OVERRIDES)


OVERRIDES = "priority_overrides"
OVERRIDE_FIELDS = ("min_priority", "max_priority", "target_pool")
RETRY = "enable_priority_retry"
MODE = "mode"

PREFILL = Phase("prefill", (_length("isl"), _latency("ttft")))
DECODE = Phase("decode", (_length("context_length"), _latency("itl")))
AGGREGATED = Phase("agg", (_length("isl", optional=True), _latency("ttft"), _latency("itl")))
PHASES = {DISAGG: (PREFILL, DECODE), AGG: (AGGREGATED,)}

STRATEGIES = frozenset(phase.strategy for phases in PHASES.values() for phase in phases)

# The first release wrote latency bounds without their unit.
DEPRECATED = {
    f"{name}_{end}": f"{name}_{end}_ms" for name in ("ttft", "itl") for end in ("min", "max")
}  # fmt: skip


def top_fields(mode: str) -> tuple[str, ...]:
    """The fields of a configuration of this mode."""
    return (MODE, RETRY, *(field for phase in PHASES[mode] for field in phase.fields))
