"""The second form of a grid: the plugin `pool-selector` of an endpoint picker's configuration.

Source: ai-dynamo/dynamo #9921. It has one grid, no modes, overrides, priorities or third axis.
"""

from __future__ import annotations

from collections.abc import Mapping

from trueup.grid_config import values
from trueup.grid_config.axes import band, cells_of, counted, resolution_of
from trueup.grid_config.faults import Faults
from trueup.grid_config.fields import Axis
from trueup.grid_config.model import Band, Grid
from trueup.reading.tree import Member, Node, described, pointer

PLUGIN = "pool-selector"
LABEL, LABELS, MAPPING = "poolLabel", "poolLabels", "mapping"
SIZE = Axis("size", False, "sizeMin", "sizeMax", "sizeResolution")
LATENCY = Axis("latency", True, "latencyMinMs", "latencyMaxMs", "latencyResolution")
_AXES = (SIZE, LATENCY)
FIELDS = (LABEL, LABELS, *(field for axis in _AXES for field in (axis.low, axis.high, axis.resolution)), MAPPING)


def judge_picker(root: Node) -> tuple[Grid | None, Faults]:
    """The grid of the plugin's `parameters`, where it is valid, and its faults."""
    faults = Faults()
    found = values.fields(faults, root, "", FIELDS, what="the plugin's parameters (an object)")
    if found is None:
        return None, faults
    values.missing(faults, root, "", [name for name in (LABELS, MAPPING) if name not in found])
    labels = _labels(faults, found)
    if (member := found.get(LABEL)) is not None:
        _label(faults, member.node, f"/{LABEL}")
    bands = [band(faults, axis, found, root, "") for axis in _AXES]
    sizes = [(axis.resolution, resolution_of(one)) for axis, one in zip(_AXES, bands, strict=True)]
    mapping = found.get(MAPPING)
    count = None if labels is None else len(labels)
    cells = None if mapping is None else cells_of(faults, mapping.node, f"/{MAPPING}", sizes, count)
    whole = tuple(one for one in bands if isinstance(one, Band))
    if faults.found or faults.unknown_values or labels is None or cells is None or len(whole) != len(_AXES):
        return None, faults
    grid = Grid("picker", labels, whole, cells, (), tuple(range(len(labels))))
    return grid, faults


def _labels(faults: Faults, found: Mapping[str, Member]) -> tuple[str, ...] | None:
    member = found.get(LABELS)
    if member is None:
        return None
    items = values.items(faults, member.node, f"/{LABELS}", "a list of pools' labels")
    if items is None:
        return None
    if not items:
        faults.at("namespace-count", f"/{LABELS}", member.node, f"{counted(0, 'label')}: a grid needs a pool")
        return None
    names: list[str] = []
    for index, item in enumerate(items):
        here = pointer(f"/{LABELS}", index)
        name = _label(faults, item, here)
        if name in names:
            faults.at("duplicate-namespace", here, item, f"{name!r} is the label of pool {names.index(name)} already")
        elif name is not None:
            names.append(name)
    return tuple(names) if len(names) == len(items) else None


def _label(faults: Faults, node: Node, at: str) -> str | None:
    value = node.value
    if not isinstance(value, str):
        faults.at("wrong-type", at, node, f"{described(value)} where a label (a string) belongs")
        return None
    if not value.strip() or value.strip() != value:
        what = "is empty" if not value.strip() else "has white space at an end"
        faults.at("blank-namespace", at, node, f"the label {value[:80]!r} {what}", value.strip() or None)
        return None
    return value
