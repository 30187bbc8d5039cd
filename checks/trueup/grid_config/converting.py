"""From the router's form of a grid to the endpoint picker's, and back."""

from __future__ import annotations

import re

from trueup.errors import UsageError
from trueup.grid_config.fields import PHASES, RETRY
from trueup.grid_config.model import Band, Configuration, Grid
from trueup.grid_config.picker import LABEL, LABELS, LATENCY, MAPPING, PLUGIN, SIZE

_INNER_LIST = re.compile(r"\[[^\[\]\"{}]*\]")


def to_picker(configuration: Configuration, phase: str, *, pool_label: str, lossy: bool) -> tuple[str, list[str]]:
    """YAML of an EndpointPickerConfig, and what it cannot say and therefore drops; refused unless `lossy`."""
    import yaml

    grid = _grid(configuration, phase)
    dropped = []
    if grid.overrides:
        dropped.append("priority_overrides")
    if grid.priorities != tuple(range(len(grid.namespaces))):
        dropped.append(f"{phase}_pool_priorities")
    if configuration.retries:
        dropped.append(RETRY)
    if len(grid.axes) != 2 or configuration.mode == "agg":
        # Its first axis is a size, and an aggregated grid of two axes has none.
        raise UsageError(f"the picker's form cannot hold a grid of {' x '.join(axis.name for axis in grid.axes)}")
    if dropped and not lossy:
        raise UsageError(
            f"the picker's form cannot say: {', '.join(dropped)}", hint="to drop it all the same: add --lossy"
        )
    size, latency = grid.axes
    parameters = {
        LABEL: pool_label,
        LABELS: list(grid.namespaces),
        **dict(zip((SIZE.low, SIZE.high, SIZE.resolution), _bounds(size), strict=True)),
        **dict(zip((LATENCY.low, LATENCY.high, LATENCY.resolution), _bounds(latency), strict=True)),
        MAPPING: grid.cells,
    }
    document = {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": [{"type": PLUGIN, "parameters": parameters}],
    }
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, allow_unicode=True), dropped


def to_router(grid: Grid, phase: str) -> str:
    """The fields of one phase, as JSON: a configuration needs those of the other phase too."""
    import json

    wanted = next(one for phases in PHASES.values() for one in phases if one.name == phase)
    strategy: dict[str, object] = {}
    for axis, band in zip(wanted.axes, grid.axes, strict=True):
        strategy |= dict(zip((axis.low, axis.high, axis.resolution), _bounds(band), strict=True))
    strategy[wanted.mapping] = grid.cells
    fields = {
        wanted.count: len(grid.namespaces),
        wanted.namespaces: list(grid.namespaces),
        wanted.strategy: strategy,
    }
    text = json.dumps(fields, indent=2, ensure_ascii=False)
    # A row of cells on one line is what people can read.
    return _INNER_LIST.sub(lambda found: " ".join(found[0].split()).replace("[ ", "[").replace(" ]", "]"), text) + "\n"


def _grid(configuration: Configuration, phase: str) -> Grid:
    if phase not in configuration.grids:
        there = ", ".join(configuration.grids)
        raise UsageError(f"the configuration has no grid for {phase}", hint=f"it has: {there}")
    return configuration.grids[phase]


def _bounds(axis: Band) -> tuple[int | float, int | float, int]:
    return _plain(axis.low), _plain(axis.high), axis.resolution


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value
