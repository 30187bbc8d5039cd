"""A grid as a table for the terminal."""

from __future__ import annotations

import itertools

from trueup.grid_config.model import Band, Cells, Grid
from trueup.reports.escape import visible

_TITLES = {"isl": "ISL", "context_length": "context length", "ttft": "TTFT ms", "itl": "ITL ms"}


def title(axis: Band) -> str:
    """The axis as a heading."""
    return _TITLES.get(axis.name, axis.name)


def number(value: float) -> str:
    """As short as it is exact: `16000`, `0.5`."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def ranges(axis: Band) -> list[str]:
    """The bands of an axis: `0 - 4000`; the first and last take what lies beyond the bounds too."""
    edges = axis.edges()
    texts = [f"{number(low)} - {number(high)}" for low, high in itertools.pairwise(edges)]
    texts[0] = f"< {number(edges[1])}" if len(texts) > 1 else "any"
    texts[-1] = f">= {number(edges[-2])}" if len(texts) > 1 else "any"
    return texts


def draw(grid: Grid) -> str:
    """Pools, overrides, and one table for each layer of the outermost axis where there are three."""
    lines = [f"{grid.phase}: {len(grid.namespaces)} pools, {' x '.join(title(axis) for axis in grid.axes)}"]
    for pool, name in enumerate(grid.namespaces):
        lines.append(f"  pool {pool}: {visible(name)}, priority {grid.priorities[pool]}")
    for rule in grid.overrides:
        lines.append(f"  priority {rule.min_priority} to {rule.max_priority}: pool {rule.target_pool} in every cell")
    *outer, rows, columns = grid.axes
    if not outer:
        return "\n".join([*lines, "", *_table(grid.cells, rows, columns)])
    assert isinstance(grid.cells, list)
    for text, layer in zip(ranges(outer[0]), grid.cells, strict=True):
        lines += ["", f"  {title(outer[0])} {text}", *_table(layer, rows, columns)]
    return "\n".join(lines)


def _table(cells: Cells, rows: Band, columns: Band) -> list[str]:
    assert isinstance(cells, list)
    head = [f"{title(rows)} \\ {title(columns)}", *ranges(columns)]
    table = [head]
    for text, row in zip(ranges(rows), cells, strict=True):
        assert isinstance(row, list)
        table.append([text, *(str(cell) for cell in row)])
    widths = [max(len(line[column]) for line in table) for column in range(len(head))]
    return [
        "  " + "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table
    ]
