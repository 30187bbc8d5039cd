"""The requests of a picture: a JSON object a line, as a client sends it, or with a length in place of the tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from trueup.grid_config.model import Configuration
from trueup.grid_config.selection import midpoint
from trueup_reference.router.selection import PoolRouter

MOST_BYTES = 256 << 20
MOST_REQUESTS = 200_000
# Where the published forms of a request have their targets, the newest first.
_PLACES = ("targets", "router", "extra_args")
_TARGETS = {
    "ttft": ("ttft_target", "ttft_ms", "ttft_target_ms"),
    "itl": ("itl_target", "itl_ms", "itl_target_ms"),
}


class RequestError(ValueError):
    """A request that makes no sense: its line, what is wrong with it, and what would be right."""


class Asked(NamedTuple):
    """What of a request decides its pool. Lengths in tokens, targets in milliseconds."""

    place: str  # file and line
    isl: int
    context_length: int
    ttft_ms: float | None
    itl_ms: float | None
    priority: int | None


class Point(NamedTuple):
    """A request in the grid of one phase: a value for each axis, and the pool that the router chooses."""

    values: tuple[float, ...]
    pool: int
    because: Literal["cell", "no target", "priority"]  # without a target it is drawn at the default, or the midpoint


def read(path: Path) -> list[Asked]:
    """The requests of a file. `RequestError` for the first that is none, `OSError` where it cannot be read."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise RequestError(f"{path} has {size:,} bytes: {MOST_BYTES:,} are the most")
    found: list[Asked] = []
    with path.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                if len(found) == MOST_REQUESTS:
                    raise RequestError(f"{path}:{number}: {MOST_REQUESTS:,} requests are the most")
                try:
                    found.append(_asked(f"{path}:{number}", json.loads(line)))
                except (ValueError, TypeError, RecursionError) as error:
                    raise RequestError(f"{path}:{number}: {error}") from error
        except UnicodeDecodeError as error:
            raise RequestError(f"{path} is no UTF-8: {error}") from error
    return found


def placed(
    configuration: Configuration, router: PoolRouter, asked: Sequence[Asked], defaults: Mapping[str, float]
) -> dict[str, list[Point]]:
    """The points of each phase. `RequestError` names the first request that the router refuses."""
    points: dict[str, list[Point]] = {phase: [] for phase in configuration.grids}
    for one in asked:
        try:
            for phase, point in _points(configuration, router, one, defaults):
                points[phase].append(point)
        except (ValueError, TypeError, OverflowError) as error:
            raise RequestError(f"{one.place}: {error}") from error
    return points


def _points(
    configuration: Configuration, router: PoolRouter, one: Asked, defaults: Mapping[str, float]
) -> Iterator[tuple[str, Point]]:
    given = {
        "isl": one.isl,
        "context_length": one.context_length,
        "ttft": one.ttft_ms if one.ttft_ms is not None else defaults.get("ttft_target_ms"),
        "itl": one.itl_ms if one.itl_ms is not None else defaults.get("itl_target_ms"),
    }
    asked = {"ttft": one.ttft_ms is not None, "itl": one.itl_ms is not None}
    for phase, grid in configuration.grids.items():
        if phase == "prefill":
            pool = router.select_prefill(one.isl, one.ttft_ms, one.priority)
        elif phase == "decode":
            pool = router.select_decode(one.context_length, one.itl_ms, one.priority)
        else:
            isl = one.isl if len(grid.axes) == 3 else None
            pool = router.select_agg(one.ttft_ms, one.itl_ms, one.priority, isl)
        values = tuple(midpoint(axis) if (it := given[axis.name]) is None else float(it) for axis in grid.axes)
        if one.priority is not None and any(
            rule.min_priority <= one.priority <= rule.max_priority for rule in grid.overrides
        ):
            yield phase, Point(values, pool, "priority")
        else:
            is_given = all(asked.get(axis.name, True) for axis in grid.axes)
            yield phase, Point(values, pool, "cell" if is_given else "no target")


def _asked(place: str, told: Any) -> Asked:
    if not isinstance(told, dict):
        raise TypeError(f"a {type(told).__name__} where a JSON object is due")
    isl = told.get("isl")
    if isl is None:
        tokens = told.get("token_ids")
        if not isinstance(tokens, list):
            raise ValueError('a request has "token_ids", a list, or "isl", their number')
        isl = len(tokens)
    priority = told.get("priority")
    if priority is None:
        priority = _object(told, "routing").get("priority")
    context_length = told.get("context_length")
    context_length = isl if context_length is None else context_length
    return Asked(place, isl, context_length, _target(told, "ttft"), _target(told, "itl"), priority)


def _target(told: Mapping[str, Any], axis: str) -> float | None:
    for place in (*(_object(told, name) for name in _PLACES), told):
        for name in _TARGETS[axis]:
            if place.get(name) is not None:
                target: float = place[name]  # the router checks it
                return target
    return None


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise TypeError(f"{name} is {found!r}: a JSON object is due")
    return found
