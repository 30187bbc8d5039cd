"""Whether the router's form and the picker's form of one grid agree, cell by cell.

They are compared by pool, not by index: the picker's labels are the router's namespaces, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trueup.grid_config.faults import Fault
from trueup.grid_config.file import File, Judged
from trueup.grid_config.model import Cells, Grid
from trueup.grid_config.picker import LATENCY, MAPPING, SIZE
from trueup.reading.tree import Node, Object, pointer

RULE = "grid-config/forms-differ"


class _Pair(NamedTuple):
    picker_file: File
    picker: Judged
    router_file: File
    grid: Grid


def compare(files: list[File]) -> Iterator[tuple[File, Fault]]:
    """The differences of all pairs, each at its place in the picker's file."""
    for pair in _pairs(files):
        for fault in _differences(pair):
            yield pair.picker_file, fault


def _pairs(files: list[File]) -> Iterator[_Pair]:
    for file in files:
        for judged in file.grids:
            if judged.picker is None:
                continue
            partners = list(_partners(files, set(judged.picker.namespaces)))
            folder = file.path.rpartition("/")[0]
            near = [one for one in partners if one[0].path.rpartition("/")[0] == folder]
            # Examples repeat names: among several grids, only the one that lies beside it is surely meant.
            chosen = partners if len(partners) == 1 else near
            if len(chosen) == 1:
                yield _Pair(file, judged, *chosen[0])
            elif partners:
                file.notes.append(f"not compared: {len(partners)} router grids have pools of the same names")


def _partners(files: list[File], names: set[str]) -> Iterator[tuple[File, Grid]]:
    for file in files:
        for judged in file.grids:
            for grid in judged.router.grids.values() if judged.router is not None else ():
                if set(grid.namespaces) == names and len(grid.axes) == 2:
                    yield file, grid


def _differences(pair: _Pair) -> Iterator[Fault]:
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
        yield from _cells(_member(root, MAPPING), picker, grid, where)


def _cells(mapping: Node, picker: Grid, grid: Grid, where: str) -> Iterator[Fault]:
    assert isinstance(mapping.value, list)
    for size, row in enumerate(mapping.value):
        assert isinstance(row.value, list)
        for latency, cell in enumerate(row.value):
            own = picker.namespaces[_pool(picker.cells, size, latency)]
            other = grid.namespaces[_pool(grid.cells, size, latency)]
            if own != other:
                yield Fault(
                    RULE,
                    pointer(pointer(f"/{MAPPING}", size), latency),
                    cell.start,
                    cell.end,
                    f"size band {size}, latency band {latency}: {own} here, {other} in {where}",
                    str(picker.namespaces.index(other)),
                )


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
