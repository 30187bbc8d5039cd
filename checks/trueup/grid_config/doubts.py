"""What is allowed and hardly meant: pools that get nothing, overrides that never match, cells against the order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from trueup.grid_config.faults import Faults
from trueup.grid_config.fields import Phase
from trueup.grid_config.model import Cells, Grid, OverrideRule
from trueup.reading.tree import Member, Node, pointer


def doubts(
    faults: Faults, phase: Phase, grid: Grid, found: Mapping[str, Member], mapping: Node, *, retries: bool
) -> None:
    """Adds the warnings about a grid that is valid."""
    _unreachable(faults, phase, grid, found, retries=retries)
    if phase.priorities in found:
        _not_monotonic(faults, grid, mapping, pointer(f"/{phase.strategy}", phase.mapping))


def shadowed(faults: Faults, earlier: Sequence[OverrideRule], rule: OverrideRule, item: Node, at: str) -> None:
    """Adds a warning where earlier overrides take every priority of this one."""
    position = rule.min_priority
    for other in sorted(earlier):
        if other.min_priority <= position <= other.max_priority:
            position = other.max_priority + 1
    if position > rule.max_priority:
        faults.at(
            "shadowed-override",
            at,
            item,
            f"priorities {rule.min_priority} to {rule.max_priority} are all taken by earlier overrides",
        )


def _unreachable(faults: Faults, phase: Phase, grid: Grid, found: Mapping[str, Member], *, retries: bool) -> None:
    reached = set(_pools(grid.cells)) | {rule.target_pool for rule in grid.overrides}
    if retries:  # a failed request goes to faster pools
        slowest = max(grid.priorities[pool] for pool in reached)
        reached |= {pool for pool, priority in enumerate(grid.priorities) if priority < slowest}
    namespaces = found[phase.namespaces].node.value
    assert isinstance(namespaces, list)
    for pool, name in enumerate(grid.namespaces):
        if pool not in reached:
            faults.at(
                "unreachable-pool",
                pointer(f"/{phase.namespaces}", pool),
                namespaces[pool],
                f"no cell and no override of {phase.name} leads to pool {pool} ({name})",
            )


def _pools(cells: Cells) -> Iterator[int]:
    if isinstance(cells, int):
        yield cells
    else:
        for part in cells:
            yield from _pools(part)


def _not_monotonic(faults: Faults, grid: Grid, mapping: Node, at: str) -> None:
    """Along each latency axis a looser target may get a slower pool, never a faster one."""
    for depth, axis in enumerate(grid.axes):
        if not axis.name.endswith(("ttft", "itl")):
            continue
        for tighter, looser, node, here in _neighbours(mapping, at, depth):
            fast, slow = grid.priorities[tighter], grid.priorities[looser]
            if slow < fast:
                faults.at(
                    "not-monotonic",
                    here,
                    node,
                    f"a looser {axis.name} target gets pool {looser} (priority {slow}), "
                    f"a tighter one the slower pool {tighter} (priority {fast})",
                )


def _neighbours(node: Node, at: str, depth: int) -> Iterator[tuple[int, int, Node, str]]:
    """Cells that differ by one step at this depth: the pools, and the second cell with its pointer."""
    assert isinstance(node.value, list)
    if depth > 0:
        for index, part in enumerate(node.value):
            yield from _neighbours(part, pointer(at, index), depth - 1)
        return
    for index in range(1, len(node.value)):
        yield from _pairs(node.value[index - 1], node.value[index], pointer(at, index))


def _pairs(tighter: Node, looser: Node, at: str) -> Iterator[tuple[int, int, Node, str]]:
    if isinstance(tighter.value, int) and isinstance(looser.value, int):
        yield tighter.value, looser.value, looser, at
    elif isinstance(tighter.value, list) and isinstance(looser.value, list):
        for index, (one, other) in enumerate(zip(tighter.value, looser.value, strict=True)):
            yield from _pairs(one, other, pointer(at, index))
