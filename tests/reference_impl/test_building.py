"""Grids built from latency curves: the cheapest pool that is fast enough, else the fastest."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.grid_config.model import Band
from trueup_reference.router.building import Profile, build_cells, build_grid, drawn

SIZE, LATENCY = Band("isl", 0, 9000, 3), Band("ttft", 0, 900, 3)
TP1 = Profile("tp1", 1, ((0, 100), (9000, 1000)))
TP2 = Profile("tp2", 2, ((0, 60), (9000, 600)))
TP4 = Profile("tp4", 4, ((0, 40), (9000, 400)))


def test_a_grid_of_three_pools() -> None:
    # At sizes 1,500, 4,500 and 7,500: tp1 250, 550, 850 ms; tp2 150, 330, 510 ms; tp4 100, 220, 340 ms.
    assert build_cells(SIZE, LATENCY, [TP1, TP2, TP4]) == [[0, 0, 0], [2, 0, 0], [2, 1, 0]]
    assert build_cells(SIZE, LATENCY, [TP1, TP2, TP4], strict=True) == [[2, 0, 0], [2, 2, 0], [2, 2, 1]]


def test_the_drawing() -> None:
    lines = drawn(build_grid("prefill", SIZE, LATENCY, [TP1, TP2, TP4])).splitlines()
    assert lines[0] == "prefill: 3 pools, ISL x TTFT ms"
    assert [line.split() for line in lines[-2:]] == [
        ["3000", "-", "6000", "2", "0", "0"],
        [">=", "6000", "2", "1", "0"],
    ]


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, 100), (4500, 550), (9000, 1000), (20_000, 1000)],
    ids=["first", "between", "last", "beyond"],
)
def test_predictions(size: float, expected: float) -> None:
    assert TP1.latency_ms(size) == expected


@pytest.mark.parametrize("points", [(), ((5, 1), (5, 2)), ((9, 1), (5, 2)), ((0, float("nan")),), ((0, -1),)])
def test_points_that_nothing_can_be_predicted_from(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match=r"^x: "):
        Profile("x", 1, points)


def test_a_grid_needs_a_pool() -> None:
    with pytest.raises(ValueError, match="a grid needs a pool"):
        build_cells(SIZE, LATENCY, [])


POINTS = st.dictionaries(st.integers(0, 9000), st.integers(0, 1200), min_size=1, max_size=4).map(
    lambda found: tuple(sorted(found.items()))
)
POOLS = st.lists(st.builds(Profile, st.just("p"), st.integers(0, 5), POINTS), min_size=1, max_size=5)


@given(POOLS, st.booleans())
def test_never_a_dearer_pool_where_a_cheaper_one_meets_the_target(pools: list[Profile], strict: bool) -> None:
    cells = build_cells(SIZE, LATENCY, pools, strict=strict)
    for row, column in itertools.product(range(3), range(3)):
        target_ms = LATENCY.edges()[column + (not strict)]
        predicted_ms = [pool.latency_ms(1500 + 3000 * row) for pool in pools]
        chosen = cells[row][column]
        meeting = [number for number, latency_ms in enumerate(predicted_ms) if latency_ms <= target_ms]
        if meeting:
            assert chosen in meeting
            assert pools[chosen].cost == min(pools[number].cost for number in meeting)
        else:
            assert predicted_ms[chosen] == min(predicted_ms)


@given(POOLS)
def test_a_looser_target_never_costs_more_among_pools_that_meet_it(pools: list[Profile]) -> None:
    for row, cells in enumerate(build_cells(SIZE, LATENCY, pools)):
        middle = 1500 + 3000 * row
        met = [
            cell
            for cell, edge in zip(cells, LATENCY.edges()[1:], strict=True)
            if pools[cell].latency_ms(middle) <= edge
        ]
        costs = [pools[cell].cost for cell in met]
        assert costs == sorted(costs, reverse=True)
