"""Everything that is wrong with one configuration, in one pass and without cascades.

A value that is wrong itself is reported once; what would have been computed from it stays silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trueup.grid_config import values
from trueup.grid_config.axes import band, cells_of, counted, no_pool, resolution_of
from trueup.grid_config.doubts import doubts, shadowed
from trueup.grid_config.faults import Faults
from trueup.grid_config.fields import (
    AGG,
    DEPRECATED,
    DISAGG,
    MODE,
    OVERRIDE_FIELDS,
    OVERRIDES,
    PHASES,
    RETRY,
    Axis,
    Phase,
    top_fields,
)
from trueup.grid_config.model import Band, Configuration, Grid, OverrideRule
from trueup.reading.tree import Member, Node, Object, Placeholder, described, pointer
from trueup.rules import nearest_hint


def judge(root: Node) -> tuple[Configuration | None, Faults]:
    """The configuration, where it is valid, and its faults; warnings do not make it invalid."""
    faults = Faults()
    mode = _mode(faults, root)
    if mode is None:
        return None, faults
    other = AGG if mode == DISAGG else DISAGG
    known = top_fields(mode)
    elsewhere = [field for field in top_fields(other) if field not in known]
    found = values.fields(faults, root, "", known, elsewhere, "a configuration (an object)")
    if found is None:
        return None, faults
    retries = _retries(faults, found)
    grids: dict[str, Grid] = {}
    for phase in PHASES[mode]:
        required = (phase.count, phase.namespaces, phase.strategy)
        values.missing(faults, root, "", [name for name in required if name not in found])
        grid = _grid(faults, phase, found, retries=retries is True)
        if grid is not None:
            grids[phase.name] = grid
    if mode == DISAGG:
        _shared_namespaces(faults, found)
    whole = not faults.unknown_values and all(fault.rule in _WARNINGS for fault in faults.found)
    return (Configuration(mode, retries is True, grids) if whole else None), faults


_WARNINGS = frozenset(
    f"grid-config/{name}"
    for name in ("deprecated-name", "shared-namespace", "unreachable-pool", "shadowed-override", "not-monotonic")
)


def _mode(faults: Faults, root: Node) -> str | None:
    if not isinstance(root.value, Object):
        if isinstance(root.value, Placeholder):
            faults.cannot_tell("the configuration", root.value)
        else:
            faults.at("wrong-type", "", root, f"{described(root.value)} where a configuration (an object) belongs")
        return None
    mode = DISAGG
    for member in root.value.members:
        if member.key != MODE:
            continue
        value = member.node.value
        if isinstance(value, Placeholder) or (isinstance(value, str) and "${" in value):
            faults.cannot_tell("/mode", value)
            return None
        if not isinstance(value, str):
            faults.at("wrong-type", "/mode", member.node, f"{described(value)} where 'disagg' or 'agg' belongs")
            return None
        if value not in PHASES:
            hint = nearest_hint(value, list(PHASES))
            faults.at("unknown-mode", "/mode", member.node, f"there is no mode {value[:40]!r} ({hint})")
            return None
        mode = value
    return mode


def _retries(faults: Faults, found: Mapping[str, Member]) -> bool | None:
    member = found.get(RETRY)
    if member is None:
        return False
    value = member.node.value
    if isinstance(value, Placeholder):
        faults.cannot_tell(f"/{RETRY}", value)
        return None
    if not isinstance(value, bool):
        faults.at("wrong-type", f"/{RETRY}", member.node, f"{described(value)} where true or false belongs")
        return None
    return value


def _grid(faults: Faults, phase: Phase, found: Mapping[str, Member], *, retries: bool) -> Grid | None:
    count_member = found.get(phase.count)
    count = None
    if count_member is not None:
        count = values.integer(faults, count_member.node, f"/{phase.count}", least=1)
    namespaces = _namespaces(faults, phase, found.get(phase.namespaces), count)
    priorities = _priorities(faults, phase, found.get(phase.priorities), count)
    strategy_member = found.get(phase.strategy)
    if strategy_member is None:
        return None
    at = f"/{phase.strategy}"
    strategy = values.fields(
        faults, strategy_member.node, at, (*phase.strategy_fields, *_deprecated(phase)), what="a grid (an object)"
    )
    if strategy is None:
        return None
    axes = [axis for axis in phase.axes if not axis.optional or _is_present(faults, axis, strategy, strategy_member)]
    bands = [band(faults, axis, strategy, strategy_member.node, at) for axis in axes]
    mapping = strategy.get(phase.mapping)
    cells = None
    if mapping is None:
        values.missing(faults, strategy_member.node, at, [phase.mapping])
    else:
        sizes = [(axis.resolution, resolution_of(one)) for axis, one in zip(axes, bands, strict=True)]
        cells = cells_of(faults, mapping.node, pointer(at, phase.mapping), sizes, count)
    overrides = _overrides(faults, strategy.get(OVERRIDES), pointer(at, OVERRIDES), count)
    whole = [one for one in bands if isinstance(one, Band)]
    if (
        count is None
        or namespaces is None
        or priorities is None
        or cells is None
        or overrides is None
        or mapping is None
        or len(whole) != len(axes)
    ):
        return None
    grid = Grid(phase.name, namespaces, tuple(whole), cells, overrides, priorities)
    doubts(faults, phase, grid, found, mapping.node, retries=retries)
    return grid


def _deprecated(phase: Phase) -> list[str]:
    latencies = {field for axis in phase.axes if axis.is_latency for field in (axis.low, axis.high)}
    return [old for old, new in DEPRECATED.items() if new in latencies]


def _is_present(faults: Faults, axis: Axis, strategy: Mapping[str, Member], owner: Member) -> bool:
    """Whether an optional axis is there: all of its fields, or none."""
    names = (axis.low, axis.high, axis.resolution)
    there = [name for name in names if name in strategy]
    if there and len(there) < len(names):
        absent = [name for name in names if name not in strategy]
        faults.at(
            "missing-field",
            pointer(f"/{owner.key}", there[0]),
            strategy[there[0]],
            f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing: "
            f"the three {axis.name} fields come together",
        )
    return bool(there)


def _namespaces(faults: Faults, phase: Phase, member: Member | None, count: int | None) -> tuple[str, ...] | None:
    if member is None:
        return None
    at = f"/{phase.namespaces}"
    found = values.items(faults, member.node, at, "a list of namespaces")
    if found is None:
        return None
    names: list[str] = []
    for index, item in enumerate(found):
        here = pointer(at, index)
        value = item.value
        if not isinstance(value, str):
            faults.at("wrong-type", here, item, f"{described(value)} where a namespace (a string) belongs")
        elif value.strip() != value or not value:
            what = "is empty" if not value.strip() else "has white space at an end"
            faults.at("blank-namespace", here, item, f"the namespace {value[:80]!r} {what}", value.strip() or None)
        elif value in names:
            faults.at(
                "duplicate-namespace", here, item, f"{value!r} is the namespace of pool {names.index(value)} already"
            )
        else:
            names.append(value)
    if count is not None and len(found) != count:
        faults.at(
            "namespace-count",
            at,
            member.node,
            f"{counted(len(found), 'namespace')} for {counted(count, 'pool')} ({phase.count} = {count})",
        )
        return None
    return tuple(names) if len(names) == len(found) else None


def _shared_namespaces(faults: Faults, found: Mapping[str, Member]) -> None:
    prefill, decode = (found.get(phase.namespaces) for phase in PHASES[DISAGG])
    if prefill is None or decode is None:
        return
    taken = {value: index for index, value in _names(prefill)}
    for index, value in _names(decode):
        if value in taken:
            assert isinstance(decode.node.value, list)
            faults.at(
                "shared-namespace",
                pointer(f"/{decode.key}", index),
                decode.node.value[index],
                f"{value!r} is the namespace of prefill pool {taken[value]} too",
            )


def _names(member: Member) -> Iterator[tuple[int, str]]:
    value = member.node.value
    return ((i, item.value) for i, item in enumerate(value if isinstance(value, list) else ()) if _is_name(item.value))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _priorities(faults: Faults, phase: Phase, member: Member | None, count: int | None) -> tuple[int, ...] | None:
    if member is None:
        return None if count is None else tuple(range(count))
    at = f"/{phase.priorities}"
    found = values.items(faults, member.node, at, "a list of priorities")
    if found is None:
        return None
    numbers = [values.integer(faults, item, pointer(at, index)) for index, item in enumerate(found)]
    if count is not None and len(found) != count:
        noun = "priority" if len(found) == 1 else "priorities"
        faults.at("priority-count", at, member.node, f"{len(found)} {noun} for {counted(count, 'pool')}")
        return None
    whole = tuple(number for number in numbers if number is not None)
    return whole if len(whole) == len(found) else None


def _overrides(faults: Faults, member: Member | None, at: str, count: int | None) -> tuple[OverrideRule, ...] | None:
    if member is None:
        return ()
    found = values.items(faults, member.node, at, "a list of overrides")
    if found is None:
        return None
    rules: list[OverrideRule] = []
    for index, item in enumerate(found):
        rule = _override(faults, item, pointer(at, index), count)
        if rule is not None:
            shadowed(faults, rules, rule, item, pointer(at, index))
            rules.append(rule)
    return tuple(rules) if len(rules) == len(found) else None


def _override(faults: Faults, item: Node, at: str, count: int | None) -> OverrideRule | None:
    members = values.fields(faults, item, at, OVERRIDE_FIELDS, what="an override (an object)")
    if members is None:
        return None
    values.missing(faults, item, at, [name for name in OVERRIDE_FIELDS if name not in members])
    low, high, pool = (
        values.integer(faults, members[name].node, pointer(at, name)) if name in members else None
        for name in OVERRIDE_FIELDS
    )
    wrong = False
    if pool is not None and count is not None and not 0 <= pool < count:
        where = members["target_pool"].node
        faults.at("unknown-pool", pointer(at, "target_pool"), where, no_pool(pool, count))
        wrong = True
    if low is not None and high is not None and low > high:
        where = members["max_priority"].node
        faults.at(
            "empty-override", pointer(at, "max_priority"), where, f"the minimum {low} is above the maximum {high}"
        )
        wrong = True
    if low is None or high is None or pool is None or wrong:
        return None
    return OverrideRule(low, high, pool)
