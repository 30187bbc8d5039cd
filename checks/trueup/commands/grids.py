"""`trueup grid-config show`, `explain` and `convert`: one file's grids, drawn, asked, or written in the other form."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING

from trueup.errors import UsageError

if TYPE_CHECKING:
    from trueup.grid_config.file import File, Judged
    from trueup.grid_config.model import Grid

_LARGEST_BYTES = 4 << 20
# What each axis is called on the command line.
_OPTIONS = {"isl": "isl", "context_length": "context_length", "ttft": "ttft_ms", "itl": "itl_ms"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of the command that was typed."""
    parser.add_argument("file", metavar="FILE", help="a router's configuration, or a manifest that holds one")
    verb = parser.get_default("verb")
    if verb == "explain":
        parser.add_argument("--isl", type=_length, metavar="TOKENS", help="input length: asks the prefill grid")
        parser.add_argument("--context-length", type=_length, metavar="TOKENS", help="asks the decode grid")
        parser.add_argument("--ttft-ms", type=_target, metavar="MS", help="the request's TTFT target")
        parser.add_argument("--itl-ms", type=_target, metavar="MS", help="the request's ITL target")
        parser.add_argument("--priority", type=int, metavar="N", help="the request's priority")
    elif verb == "convert":
        parser.add_argument("--to", choices=("picker", "router"), required=True, help="the form to write")
        parser.add_argument("--phase", choices=("prefill", "decode"), default="prefill", help="default: prefill")
        parser.add_argument("--pool-label", default="nvidia.com/dynamo-pool", metavar="KEY", help="the picker's label")
        parser.add_argument("--lossy", action="store_true", help="drop what the other form cannot say")


def run(args: argparse.Namespace) -> int:
    """Prints what was asked for."""
    file = _read(args.file)
    text = {"show": _show, "explain": _explain, "convert": _convert}[args.verb](file, args)
    sys.stdout.write(text)
    return 0


def _show(file: File, args: argparse.Namespace) -> str:
    from trueup.grid_config.drawing import draw

    return "\n\n".join(draw(grid) for judged in file.grids for grid in _grids(judged)) + "\n"


def _explain(file: File, args: argparse.Namespace) -> str:
    lines: list[str] = []
    for judged in file.grids:
        for grid in _grids(judged):
            given = [getattr(args, _OPTIONS.get(axis.name, ""), None) for axis in grid.axes]
            if grid.phase in ("prefill", "decode", "picker") and given[0] is None:
                continue
            lines += _answer(grid, given, args.priority)
    if not lines:
        raise UsageError(
            "nothing was asked of this file's grids",
            hint="give --isl for the prefill grid, --context-length for the decode grid",
        )
    return "\n".join(lines) + "\n"


def _answer(grid: Grid, given: list[float | None], priority: int | None) -> list[str]:
    from trueup.grid_config.drawing import number, ranges, title
    from trueup.grid_config.selection import select
    from trueup.reports.escape import visible

    if any(value is None and axis.name == "isl" for value, axis in zip(given, grid.axes, strict=True)):
        raise UsageError("this grid has an axis of input lengths", hint="give --isl")
    choice = select(grid, given, priority)
    lines = [f"{grid.phase}: pool {choice.pool} ({visible(grid.namespaces[choice.pool])})"]
    for axis, value, used, band in zip(grid.axes, given, choice.values, choice.bands, strict=True):
        absent = " (no target given: the midpoint of the bounds)" if value is None else ""
        outside = " (outside the bounds)" if not axis.low <= used < axis.high else ""
        lines.append(
            f"  {title(axis)} {number(used)}{absent}{outside}: band {band} of {axis.resolution} ({ranges(axis)[band]})"
        )
    if choice.override is not None:
        rule = choice.override
        lines.append(f"  priority {priority}: the override for {rule.min_priority} to {rule.max_priority} wins")
    elif priority is not None:
        lines.append(f"  priority {priority}: no override matches it")
    return lines


def _convert(file: File, args: argparse.Namespace) -> str:
    from trueup.grid_config.converting import to_picker, to_router

    if args.to == "router":
        pickers = [judged.picker for judged in file.grids if judged.picker is not None]
        if len(pickers) != 1:
            raise UsageError(f"{args.file} holds {len(pickers)} grids in the picker's form", hint="one is converted")
        print(f"trueup: only the {args.phase} half of a configuration", file=sys.stderr)
        return to_router(pickers[0], args.phase)
    routers = [judged.router for judged in file.grids if judged.router is not None]
    if len(routers) != 1:
        raise UsageError(f"{args.file} holds {len(routers)} grids in the router's form", hint="one is converted")
    text, dropped = to_picker(routers[0], args.phase, pool_label=args.pool_label, lossy=args.lossy)
    if dropped:
        print(f"trueup: dropped: {', '.join(dropped)}", file=sys.stderr)
    return text


def _grids(judged: Judged) -> list[Grid]:
    if judged.picker is not None:
        return [judged.picker]
    return list(judged.router.grids.values()) if judged.router is not None else []


def _read(name: str) -> File:
    """The file, all of whose grids are valid."""
    from trueup.findings import Severity
    from trueup.grid_config.file import File

    try:
        with open(name, "rb") as stream:
            data = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST_BYTES:
        raise UsageError(f"{name} is larger than {_LARGEST_BYTES} bytes")
    file = File(name, data, is_grid=name.lower().endswith(".json"))
    errors = [finding for finding in file.findings if finding.severity is Severity.ERROR]
    if errors:
        told = "\n".join(f"{name}:{one.line}:{one.column}: {one.message} [{one.rule}]" for one in errors)
        raise UsageError(told, hint=f"mend it first: trueup grid-config {name}")
    if not any(_grids(judged) for judged in file.grids):
        raise UsageError("\n".join(file.notes) or f"{name} holds no grid")
    return file


def _length(text: str) -> float:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of tokens")
    return float(value)


def _target(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of milliseconds")
    return value
