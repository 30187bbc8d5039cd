"""A picture of a grid: which pool each cell has, and where requests fall. Needs matplotlib, the extra `plots`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trueup.grid_config.drawing import ranges, title
from trueup.grid_config.model import Band, Cells, Grid
from trueup.grid_config.parsing import InvalidConfiguration, from_text
from trueup.grid_config.selection import band_of
from trueup.reports.escape import visible
from trueup_reference.extras import require
from trueup_reference.router import plot_requests
from trueup_reference.router.plot_requests import Point
from trueup_reference.router.selection import PoolRouter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
MOST_PANELS = 24  # layers of a grid with an axis of input lengths
_PANEL_INCHES = (5.6, 4.4)
_BEYOND = 0.04  # of an axis: how far what lies outside the bounds is drawn outside them
_MARKERS = {"cell": "o", "no target": "D", "priority": "s"}
_MEANINGS = {"no target": "no target given", "priority": "by its priority"}
_NAMED_CELLS = 200  # in a grid of more, the cells' numbers would only hide it


def main(argv: Sequence[str]) -> int:
    """`trueup-router plot`: draws, and prints what each pool gets; 2, and what is wrong, for what cannot be drawn."""
    parser = argparse.ArgumentParser(
        prog="trueup-router plot",
        description="Draws a grid: latency targets to the right, lengths upwards, the pool of each cell, and requests "
        "as points in the colour of the pool that they get.",
    )
    parser.add_argument("grid", type=Path, metavar="GRID", help="a configuration")
    parser.add_argument("--requests", type=Path, metavar="FILE", help="JSON lines, a request each: as points")
    parser.add_argument("--out", type=Path, required=True, metavar="PNG", help=f"a file: {', '.join(FORMATS)}")
    for name, axis in (("--default-ttft-target", "first token"), ("--default-itl-target", "time between tokens")):
        parser.add_argument(name, type=float, metavar="MS", help=f"{axis}, of requests that have no target")
    args = parser.parse_args(argv)
    targets = {"ttft_target_ms": args.default_ttft_target, "itl_target_ms": args.default_itl_target}
    given = {name: value for name, value in targets.items() if value is not None}
    try:
        counted = plot(args.grid, args.out, args.requests, given)
    except InvalidConfiguration as error:
        return _refused([f"{args.grid}: {line}" for line in str(error).splitlines()])
    except OSError as error:
        return _refused([f"{error.filename}: {error.strerror}" if error.filename is not None else str(error)])
    except (ValueError, TypeError, ModuleNotFoundError) as error:
        return _refused([str(error)])
    print(f"{visible(str(args.out))} is drawn")
    if args.requests is not None:
        for phase, pools in counted.items():
            print(f"  {phase}: " + ", ".join(f"{visible(name)} {count:,}" for name, count in pools.items()))
    return 0


def _refused(lines: Sequence[str]) -> int:
    sys.stderr.writelines(f"trueup-router plot: {visible(line)}\n" for line in lines)
    return 2


def plot(
    grid: Path, out: Path, requests: Path | None = None, defaults: Mapping[str, float] | None = None
) -> dict[str, dict[str, int]]:
    """Draws a configuration into a file, and the requests' points on it; how many of them each pool gets, by phase.

    `defaults`: `ttft_target_ms` and `itl_target_ms` of requests without a target. Raises `ValueError` for a
    configuration or a request that makes no sense, `OSError` for files, `ModuleNotFoundError` without matplotlib.
    """
    require("plots", "matplotlib")
    if out.suffix not in FORMATS:
        raise ValueError(f"{out} should end with {', '.join(FORMATS)}: it tells the format")
    data = grid.read_bytes()
    configuration = from_text(data)
    given = dict(defaults or {})
    router = PoolRouter.make_from_text(data, given)
    asked = [] if requests is None else plot_requests.read(requests)
    points = plot_requests.placed(configuration, router, asked, given)
    figure = _figure(list(configuration.grids.values()), points, grid.name)
    metadata = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[out.suffix]
    figure.savefig(out, metadata=metadata, dpi=110)
    return {name: _counted(one, points[name]) for name, one in configuration.grids.items()}


def _counted(grid: Grid, points: Sequence[Point]) -> dict[str, int]:
    met = Counter(point.pool for point in points)
    return {namespace: met[pool] for pool, namespace in enumerate(grid.namespaces)}


def _figure(grids: Sequence[Grid], points: Mapping[str, list[Point]], name: str) -> Figure:
    from matplotlib.figure import Figure

    panels = [panel for grid in grids for panel in _panels(grid, points[grid.phase])]
    if len(panels) > MOST_PANELS:
        raise ValueError(f"{name} has {len(panels)} layers of input lengths: a picture shows {MOST_PANELS}")
    columns = min(len(panels), 4)
    rows = -(-len(panels) // columns)
    width, height = _PANEL_INCHES
    # No pyplot: it would keep the figure, and change what the calling program has set.
    figure = Figure(figsize=(columns * width, rows * height + 0.5), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).flat
    for place, (grid, layer, cells, inside, bounds) in zip(places, panels, strict=False):
        _draw(place, grid, cells, bounds, inside, layer)
    for place in list(figure.axes)[len(panels) :]:
        place.remove()
    figure.suptitle(name, parse_math=False)
    return figure


def _panels(grid: Grid, points: Sequence[Point]) -> list[tuple[Grid, str, Cells, list[Point], tuple[Band, Band]]]:
    """One for two axes; for three one per layer, with the points of its lengths."""
    *outer, rows, columns = grid.axes
    if not outer:
        return [(grid, "", grid.cells, list(points), (rows, columns))]
    assert isinstance(grid.cells, list)
    inside: list[list[Point]] = [[] for _ in grid.cells]
    for point in points:
        inside[band_of(point.values[0], outer[0])].append(point._replace(values=point.values[1:]))
    texts = [f"{title(outer[0])} {text}" for text in ranges(outer[0])]
    return [
        (grid, text, layer, some, (rows, columns)) for text, layer, some in zip(texts, grid.cells, inside, strict=True)
    ]


def _draw(axes: Axes, grid: Grid, cells: Cells, bounds: tuple[Band, Band], points: Sequence[Point], layer: str) -> None:
    """Latency targets to the right, lengths (or TTFT targets) upwards."""
    from matplotlib import colormaps
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    rows, columns = bounds
    count = len(grid.namespaces)
    palette = colormaps["tab10" if count <= 10 else "tab20" if count <= 20 else "turbo"]
    colours = [palette(pool / max(1, count - 1)) if count > 20 else palette(pool) for pool in range(count)]
    norm = BoundaryNorm([number - 0.5 for number in range(count + 1)], count)
    axes.pcolormesh(
        _edges(columns), _edges(rows), cells, cmap=ListedColormap(colours), norm=norm, alpha=0.35, edgecolors="white"
    )
    _name_cells(axes, cells, rows, columns)
    met = Counter(point.pool for point in points)
    for pool, colour in enumerate(colours):
        for because, marker in _MARKERS.items():
            some = [point for point in points if (point.pool, point.because) == (pool, because)]
            axes.scatter(
                [_inside(point.values[1], columns) for point in some],
                [_inside(point.values[0], rows) for point in some],
                s=14,
                marker=marker,
                color=colour,
                edgecolors="black",
                linewidths=0.4,
                alpha=0.8,
                clip_on=False,
                zorder=3,
            )
    axes.set_xlim(*_limits(columns))
    axes.set_ylim(*_limits(rows))
    axes.set_xlabel(_label(columns))
    axes.set_ylabel(_label(rows))
    axes.set_title(f"{grid.phase}, {layer}" if layer else grid.phase)
    handles: list[Any] = [Patch(facecolor=colour, edgecolor="black", linewidth=0.4) for colour in colours]
    total = len(points)
    texts = [
        f"{pool}: {namespace}" + (f"  {met[pool]:,} ({met[pool] / total:.0%})" if total else "")
        for pool, namespace in enumerate(grid.namespaces)
    ]
    for because, meaning in _MEANINGS.items():
        if any(point.because == because for point in points):
            marker = _MARKERS[because]
            handles.append(Line2D([], [], marker=marker, color="none", markerfacecolor="grey", markeredgecolor="black"))
            texts.append(meaning)
    legend = axes.legend(handles, texts, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=8)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a namespace is a name, with a dollar too


def _name_cells(axes: Axes, cells: Cells, rows: Band, columns: Band) -> None:
    assert isinstance(cells, list)
    if rows.resolution * columns.resolution > _NAMED_CELLS:
        return
    across, up = columns.edges(), rows.edges()
    for row, line in enumerate(cells):
        assert isinstance(line, list)
        for column, pool in enumerate(line):
            middle = (across[column] + across[column + 1]) / 2, (up[row] + up[row + 1]) / 2
            axes.text(*middle, str(pool), ha="center", va="center", fontsize=11, alpha=0.6)


def _edges(axis: Band) -> list[float]:
    """The cells' edges: the outermost cells take what lies beyond the bounds, and are drawn so."""
    low, *inner, high = axis.edges()
    beyond = (axis.high - axis.low) * _BEYOND
    return [low - beyond, *inner, high + beyond]


def _limits(axis: Band) -> tuple[float, float]:
    edges = _edges(axis)
    return edges[0], edges[-1]


def _inside(value: float, axis: Band) -> float:
    """Where a value is drawn: what lies beyond the picture is at its edge."""
    low, high = _limits(axis)
    return min(max(value, low), high)


def _label(axis: Band) -> str:
    text = title(axis)
    return {"ISL": "ISL, tokens", "context length": "context length, tokens"}.get(
        text, text.replace(" ms", " target, ms")
    )
