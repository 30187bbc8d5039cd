"""The axes of a grid and its cells."""

from __future__ import annotations

from collections.abc import Mapping

from trueup.grid_config import values
from trueup.grid_config.faults import Faults
from trueup.grid_config.fields import DEPRECATED, Axis
from trueup.grid_config.model import Band, Cells
from trueup.reading.tree import Member, Node, pointer


def resolution_of(band: Band | int | None) -> int | None:
    """The resolution of what `band` answered."""
    return band.resolution if isinstance(band, Band) else band


def band(faults: Faults, axis: Axis, strategy: Mapping[str, Member], owner: Node, at: str) -> Band | int | None:
    """The axis; only its resolution where a bound is wrong; `None` where that is wrong too."""
    low, _ = _bound(faults, axis, axis.low, strategy, owner, at)
    high, high_member = _bound(faults, axis, axis.high, strategy, owner, at)
    resolution = None
    member = strategy.get(axis.resolution)
    if member is not None:
        resolution = values.integer(faults, member.node, pointer(at, axis.resolution), least=1)
    elif not axis.optional:
        values.missing(faults, owner, at, [axis.resolution])
    if low is None or high is None or high_member is None:
        return resolution
    here = pointer(at, high_member.key)
    if not low < high:
        faults.at("empty-range", here, high_member.node, f"the minimum {low:g} is not below the maximum {high:g}")
        return resolution
    if resolution is None:
        return None
    if (high - low) / resolution == 0 or low + (high - low) / resolution == low:
        faults.at(
            "empty-range", here, high_member.node, f"{resolution} bands between {low!r} and {high!r} have no width"
        )
        return resolution
    return Band(axis.name, low, high, resolution)


def _bound(
    faults: Faults, axis: Axis, name: str, strategy: Mapping[str, Member], owner: Node, at: str
) -> tuple[float | None, Member | None]:
    member = strategy.get(name)
    old = next((old for old, new in DEPRECATED.items() if new == name), None)
    written_old = strategy.get(old) if old is not None else None
    if written_old is not None and member is not None:
        faults.at(
            "doubled-bound",
            pointer(at, written_old.key),
            written_old,
            f"{written_old.key!r}, a deprecated name, stands beside {name!r}: one of them is silently ignored",
            f"remove {written_old.key}",
        )
    elif written_old is not None:
        faults.at(
            "deprecated-name",
            pointer(at, written_old.key),
            written_old,
            f"{written_old.key!r} is written {name!r} today, with its unit",
            name,
            f'"{name}"',
        )
        member = written_old
    if member is None:
        if not axis.optional:
            values.missing(faults, owner, at, [name])
        return None, None
    here = pointer(at, member.key)
    if axis.is_latency:
        return values.latency_ms(faults, member.node, here), member
    length = values.integer(faults, member.node, here, least=0)
    return (None if length is None else float(length)), member


def cells_of(
    faults: Faults, node: Node, at: str, sizes: list[tuple[str, int | None]], count: int | None
) -> Cells | None:
    """The cells, nested as `sizes` (field and resolution per axis) says; `None` where any is wrong."""
    if not sizes:
        pool = values.integer(faults, node, at)
        if pool is not None and count is not None and not 0 <= pool < count:
            faults.at("unknown-pool", at, node, no_pool(pool, count))
            return None
        return pool
    (name, size), *inner = sizes
    found = values.items(faults, node, at, "a list" if inner else "a list of pools")
    if found is None:
        return None
    right = size is None or len(found) == size
    if not right:
        what = "row" if inner else "column"
        faults.at(
            "mapping-shape", at, node, f"{counted(len(found), what)} for a resolution of {size} ({name} = {size})"
        )
    parts = [cells_of(faults, item, pointer(at, index), inner, count) for index, item in enumerate(found)]
    whole: list[Cells] = [part for part in parts if part is not None]
    return whole if right and len(whole) == len(parts) else None


def no_pool(pool: int, count: int) -> str:
    """What to say of a pool that does not exist."""
    return f"there is no pool {pool}: {counted(count, 'pool')}, numbered from 0 to {count - 1}"


def counted(number: int, noun: str) -> str:
    """`1 pool`, `2 pools`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
