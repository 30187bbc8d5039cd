"""Whether the router's form and the picker's form of one grid agree, cell by cell.

They are compared by pool, not by index: the picker's labels stand for the router's namespaces, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trueup.config.model import GridPair
from trueup.grid_config.faults import Fault
from trueup.grid_config.file import File
from trueup.grid_config.model import Cells
from trueup.grid_config.pairing import Pair, pairs
from trueup.grid_config.picker import LATENCY, MAPPING, SIZE
from trueup.reading.tree import Node, Object, pointer

RULE = "grid-config/forms-differ"


def compare(files: list[File], declared: Sequence[GridPair] = ()) -> Iterator[tuple[File, Fault]]:
    """The differences of all pairs, each at its place in the picker's file."""
    for pair in pairs(files, declared):
        for fault in _differences(pair):
            yield pair.picker_file, fault


def _differences(pair: Pair) -> Iterator[Fault]:
    picker, grid = pair.picker.picker, pair.grid
    assert picker is not None
    where = f"{pair.router_file.path} ({grid.phase})"
    root = pair.picker.root
    same_shape = True
    for axis, own, other in zip((SIZE, LATENCY), picker.axes, grid.axes, strict=True):
        for field, value, wanted in (
            (axis.low, own.low, other.low),
            (axis.high, own.high, other.high),
            (axis.resolution, own.resolution, other.resolution),
        ):
            if value != wanted:
                same_shape = same_shape and field != axis.resolution
                node = _member(root, field)
                yield Fault(
                    RULE,
                    f"/{field}",
                    node.start,
                    node.end,
                    f"{value:g} here, {wanted:g} in {where} for {other.name}",
                    f"{wanted:g}",
                )
    if same_shape:
        yield from _cells(_member(root, MAPPING), pair, where)


def _cells(mapping: Node, pair: Pair, where: str) -> Iterator[Fault]:
    picker, grid = pair.picker.picker, pair.grid
    assert picker is not None
    assert isinstance(mapping.value, list)
    for size, row in enumerate(mapping.value):
        assert isinstance(row.value, list)
        for latency, cell in enumerate(row.value):
            own = _pool(picker.cells, size, latency)
            other = pair.namespaces.index(grid.namespaces[_pool(grid.cells, size, latency)])
            if own != other:
                yield Fault(
                    RULE,
                    pointer(pointer(f"/{MAPPING}", size), latency),
                    cell.start,
                    cell.end,
                    f"size band {size}, latency band {latency}: {_named(pair, own)} here, "
                    f"{_named(pair, other)} in {where}",
                    str(other),
                )


def _named(pair: Pair, pool: int) -> str:
    """A pool by the picker's label, and by the router's name where that is another."""
    assert pair.picker.picker is not None
    label, name = pair.picker.picker.namespaces[pool], pair.namespaces[pool]
    return label if label == name else f"{label} ({name})"


def _pool(cells: Cells, size: int, latency: int) -> int:
    assert isinstance(cells, list)
    row = cells[size]
    assert isinstance(row, list)
    pool = row[latency]
    assert isinstance(pool, int)
    return pool


def _member(root: Node, key: str) -> Node:
    assert isinstance(root.value, Object)
    return next(member.node for member in reversed(root.value.members) if member.key == key)
