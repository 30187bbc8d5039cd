"""Which pool a request goes to, judged by whose worker is asked: RS-010 to RS-017."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.profile import Profile
from trueup_contracts.router import model
from trueup_contracts.router.model import Axis
from trueup_contracts.router_service import grids
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.grids import ONE, Grid
from trueup_contracts.subject import Subject

SIZE, TTFT, ITL = Axis(0, 40, 4), Axis(0, 2_000, 2), Axis(0, 100, 2)
# Below, inside, on an inner edge, at the maximum and beyond: of a size in tokens, a TTFT and an ITL target in ms.
SIZES = (1, 9, 10, 25, 39, 40, 77)
TTFTS = (0, 0.5, 999.5, 1_000, 1_999, 2_000, 60_000)
ITLS = (0, 12, 49.5, 50, 99, 100, 5_000)
MORE = {"quick": 8, "default": 40, "thorough": 400}


def _table(profile: Profile) -> list[tuple[int, float, float]]:
    """Each value of each axis once at least, then combinations that the seed chooses."""
    choices = random.Random(profile.seed)
    rows = list(zip(SIZES, TTFTS, choices.sample(ITLS, len(ITLS)), strict=True))
    return [
        *rows,
        *((choices.choice(SIZES), choices.choice(TTFTS), choices.choice(ITLS)) for _ in range(MORE[profile.name])),
    ]


def _check(served: Fleet, what: str, expected: Mapping[str, set[int]], **fields: Any) -> None:
    """A request that is answered; whose worker was asked for each phase: of one of these pools."""
    __tracebackhide__ = True
    request = served.request(max_tokens=1, **fields)
    served.router.generate(request).finished()
    for phase, pools in expected.items():
        asked = [served.worker_of(one).namespace for one in served.asked(request["request_id"], phase)]
        names = served.grid.pools(phase)
        due = [names[pool] for pool in sorted(pools)]
        assert len(asked) == 1, f"{what}: {phase} workers were asked {len(asked)} times: {', '.join(asked) or 'none'}"
        assert asked[0] in due, f"{what}: a worker of {asked[0]} was asked; {' or '.join(due)} is due"


def _targets(ttft: float, itl: float, size: int = 4) -> dict[str, Any]:
    return {"token_ids": list(range(1, size + 1)), "targets": {"ttft_ms": ttft, "itl_ms": itl}}


@requirement("RS-010")
def test_prefill_and_decode_pools_are_the_grids(trueup_subject: Subject, trueup_profile: Profile) -> None:
    grid = Grid(model.disagg((SIZE, TTFT), (SIZE, ITL)))
    with fleet(trueup_subject, grid) as served:
        for size, ttft, itl in _table(trueup_profile):
            what = f"{size} tokens, TTFT target {ttft:g} ms, ITL target {itl:g} ms"
            rows = SIZE.allowed(size)
            due = {"prefill": _cells(rows, TTFT, ttft), "decode": _cells(rows, ITL, itl)}
            _check(served, what, due, **_targets(ttft, itl, size))


def _cells(rows: set[int], columns: Axis, value: float, layer: int = 0) -> set[int]:
    return {layer + row * columns.resolution + column for row in rows for column in columns.allowed(value)}


@requirement("RS-011")
def test_aggregated_pools_are_the_grids(trueup_subject: Subject, trueup_profile: Profile) -> None:
    with fleet(trueup_subject, Grid(model.agg(TTFT, ITL))) as served:
        for size, ttft, itl in _table(trueup_profile):
            what = f"{size} tokens, TTFT target {ttft:g} ms, ITL target {itl:g} ms"
            _check(served, what, {"agg": _cells(TTFT.allowed(ttft), ITL, itl)}, **_targets(ttft, itl, size))


@requirement("RS-012")
def test_layers_of_a_third_axis_are_input_lengths(trueup_subject: Subject, trueup_profile: Profile) -> None:
    with fleet(trueup_subject, Grid(model.agg(TTFT, ITL, SIZE))) as served:
        for size, ttft, itl in _table(trueup_profile):
            what = f"{size} tokens, TTFT target {ttft:g} ms, ITL target {itl:g} ms"
            layers = [layer * TTFT.resolution * ITL.resolution for layer in SIZE.allowed(size)]
            due = {pool for layer in layers for pool in _cells(TTFT.allowed(ttft), ITL, itl, layer)}
            _check(served, what, {"agg": due}, **_targets(ttft, itl, size))


THREE_TTFT, THREE_ITL = Axis(0, 3_000, 3), Axis(0, 300, 3)  # so that the midpoint is in the middle of a band


def _both(subject: Subject) -> Grid:
    """Pools by both targets, in either mode."""
    if grids.is_agg(subject):
        return Grid(model.agg(THREE_TTFT, THREE_ITL))
    return Grid(model.disagg((ONE, THREE_TTFT), (ONE, THREE_ITL)))


def _check_both(served: Fleet, what: str, ttft_band: int, itl_band: int, **fields: Any) -> None:
    __tracebackhide__ = True
    by_phase = {"prefill": {ttft_band}, "decode": {itl_band}}
    _check(served, what, {"agg": {ttft_band * 3 + itl_band}} if served.grid.is_agg else by_phase, **fields)


@requirement("RS-013")
def test_targets_count_wherever_they_are_published(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, _both(trueup_subject)) as served:
        for ttft, itl in ((2_500, 250), (2_500, 50), (500, 250), (500, 50)):
            for place, fields in _places(ttft, itl).items():
                what = f"TTFT target {ttft} ms and ITL target {itl} ms in {place}"
                _check_both(served, what, int(ttft / 1_000), int(itl / 100), **fields)


def _places(ttft: float, itl: float) -> Mapping[str, Mapping[str, Any]]:
    published = {"ttft_target": ttft, "itl_target": itl}
    return {
        "targets": {"targets": {"ttft_ms": ttft, "itl_ms": itl}},
        "router": {"router": published},
        "extra_args": {"extra_args": published},
    }


@requirement("RS-014")
def test_an_absent_target_counts_as_the_midpoint(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, _both(trueup_subject)) as served:
        _check_both(served, "no target", 1, 1)
        _check_both(served, "a TTFT target of 2,900 ms alone", 2, 1, targets={"ttft_ms": 2_900})
        _check_both(served, "an ITL target of 10 ms alone", 1, 0, targets={"itl_ms": 10})


@requirement("RS-015")
def test_a_target_of_0_is_a_value(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, _both(trueup_subject)) as served:
        _check_both(served, "targets of 0 ms", 0, 0, targets={"ttft_ms": 0, "itl_ms": 0})


@requirement("RS-016")
def test_overrides_win_by_priority(trueup_subject: Subject) -> None:
    grid = grids.by_target(trueup_subject, 3)
    strategy = f"{grid.phases[0]}_pool_selection_strategy"
    rules = [
        {"min_priority": 10, "max_priority": 20, "target_pool": 2},
        {"min_priority": 15, "max_priority": 30, "target_pool": 1},
    ]
    config = {**grid.config, strategy: {**grid.config[strategy], "priority_overrides": rules}}
    expected = {None: 0, 9: 0, 10: 2, 15: 2, 20: 2, 21: 1, 30: 1, 31: 0, -15: 0, 0: 0}
    with fleet(trueup_subject, Grid(config)) as served:
        targets = {"ttft_ms": grids.ttft_of(0)}
        for priority, pool in expected.items():
            places: Mapping[str, Mapping[str, Any]] = {
                "priority": {"priority": priority},
                "routing.priority": {"routing": {"priority": priority}},
            }
            for place, fields in (places if priority is not None else {"no field": {}}).items():
                what, due = f"priority {priority} in {place}", {grid.phases[0]: {pool}}
                _check(served, what, due, targets=targets, **fields)
