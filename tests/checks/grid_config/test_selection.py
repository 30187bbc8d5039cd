"""The formula, in binary64 and in its order of operations."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.grid_config.model import Band, Grid, OverrideRule
from trueup.grid_config.selection import band_of, midpoint, select

EDGES = [
    # low, high, resolution, value, band
    (0, 16000, 4, -1, 0),
    (0, 16000, 4, 0, 0),
    (0, 16000, 4, 3999, 0),
    (0, 16000, 4, 4000, 1),
    (0, 16000, 4, 12000, 3),
    (0, 16000, 4, 16000, 3),
    (0, 16000, 4, 1e308, 3),
    (10, 3000, 2, 1505, 1),
    (0, 7, 48, 4.375, 29),  # exact arithmetic says 30: the division is rounded
    (8, 598, 56, 303, 27),  # the midpoint of an even resolution, where exact arithmetic says 28
]


@pytest.mark.parametrize(("low", "high", "resolution", "value", "expected"), EDGES)
def test_bands(low: float, high: float, resolution: int, value: float, expected: int) -> None:
    assert band_of(value, Band("ttft", low, high, resolution)) == expected


LENGTHS = st.integers(0, 2**53 - 1)


@given(LENGTHS, LENGTHS, st.integers(1, 1000), LENGTHS)
def test_the_exact_answer_or_a_neighbour_at_an_edge(one: int, other: int, resolution: int, value: int) -> None:
    low, high = sorted((one, other))
    if low == high:
        high += 1
    axis = Band("isl", float(low), float(high), resolution)
    exact = max(0, min(int(Fraction(value - low) * resolution / (high - low)), resolution - 1))
    found = band_of(float(value), axis)
    assert 0 <= found < resolution
    assert abs(found - exact) <= 1
    if found != exact:
        edge = Fraction(low) + Fraction(max(found, exact)) * (high - low) / resolution
        assert abs(value - edge) <= Fraction(4, 2**52) * max(value, high)


@given(st.floats(0, 1e300), st.floats(0, 1e300), st.integers(1, 50), st.floats(0, 1e300), st.floats(0, 1e300))
def test_a_larger_value_never_gets_a_lower_band(low: float, high: float, n: int, one: float, other: float) -> None:
    if not low < high or (high - low) / n == 0:
        return
    axis = Band("ttft", low, high, n)
    assert band_of(min(one, other), axis) <= band_of(max(one, other), axis)


GRID = Grid(
    "prefill",
    ("a", "b", "c"),
    (Band("isl", 0, 10, 2), Band("ttft", 0, 100, 2)),
    [[0, 1], [1, 1]],
    (OverrideRule(1, 5, 2), OverrideRule(5, 9, 0)),
    (0, 1, 2),
)
CHOICES = [
    # values, priority, pool
    ((0.0, 0.0), None, 0),
    ((0.0, None), None, 1),  # the midpoint is an inner edge
    ((5.0, 0.0), None, 1),
    ((0.0, 0.0), 0, 0),
    ((0.0, 0.0), 1, 2),
    ((0.0, 0.0), 5, 2),  # the first match wins
    ((9.0, 0.0), 6, 0),
    ((0.0, 0.0), 10, 0),
]


@pytest.mark.parametrize(("values", "priority", "pool"), CHOICES)
def test_choices(values: tuple[float | None, ...], priority: int | None, pool: int) -> None:
    assert select(GRID, values, priority).pool == pool


def test_an_absent_target_is_the_midpoint_and_zero_is_a_value() -> None:
    assert midpoint(GRID.axes[1]) == 50
    assert select(GRID, (0, None)).values == (0, 50)
    assert select(GRID, (0, 0)).bands == (0, 0)
