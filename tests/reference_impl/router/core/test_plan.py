"""A grid as the service uses it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reference_impl.router.core.rig import agg, disagg, plan, request
from trueup.grid_config.parsing import InvalidConfiguration
from trueup_reference.router.plan import Plan
from trueup_reference.router.protocol import RouterError


def with_isl(grid: dict[str, Any]) -> dict[str, Any]:
    """The third axis: short inputs to pool 0, long ones to pool 1."""
    strategy = grid["agg_pool_selection_strategy"]
    strategy |= {"isl_min": 0, "isl_max": 10, "isl_resolution": 2}
    strategy["agg_pool_mapping"] = [[[0], [0]], [[1], [1]]]
    return grid


def test_targets_and_lengths_choose_the_pools() -> None:
    made = plan(disagg(("p0", "p1"), ("d0", "d1")))
    assert made.phases == ("prefill", "decode")
    one = request(ttft_target_ms=150.0, itl_target_ms=50.0)
    assert made.choose("prefill", one) == (("p1",), "grid")
    assert made.choose("decode", one) == (("d0",), "grid")
    assert made.pools() == {
        "p0": frozenset({"prefill"}),
        "p1": frozenset({"prefill"}),
        "d0": frozenset({"decode"}),
        "d1": frozenset({"decode"}),
    }


def test_the_length_of_the_input_is_asked_for_where_the_grid_has_it() -> None:
    made = plan(with_isl(agg("a0", "a1")))
    assert made.choose("agg", request(token_ids=(1,) * 9)) == (("a1",), "grid")
    assert made.choose("agg", request(token_ids=(1,))) == (("a0",), "grid")


def test_absent_targets_have_the_defaults() -> None:
    grid = json.dumps(agg("a0", "a1")).encode()
    one = request(ttft_target_ms=None, itl_target_ms=None)
    assert Plan.read(grid).choose("agg", one).namespaces == ("a1",)  # the middle belongs to the upper half
    assert Plan.read(grid, {"ttft_target_ms": 10.0}).choose("agg", one).namespaces == ("a0",)


def test_the_reason_is_told() -> None:
    grid = agg("a0", "a1")
    grid["agg_pool_selection_strategy"]["priority_overrides"] = [
        {"min_priority": 5, "max_priority": 9, "target_pool": 1}
    ]
    made = plan(grid)
    assert made.choose("agg", request(priority=7)) == (("a1",), "priority_override")
    assert made.choose("agg", request(priority=4)) == (("a0",), "grid")


def test_pools_for_retries_follow_where_they_are_switched_on() -> None:
    priorities = {"agg_pool_priorities": [1, 3, 2, 2]}
    names = ("a0", "a1", "a2", "a3")
    one = request(ttft_target_ms=150.0)
    assert plan(agg(*names, **priorities)).choose("agg", one).namespaces == ("a1",)
    made = plan(agg(*names, **priorities, enable_priority_retry=True))
    assert made.choose("agg", one).namespaces == ("a1", "a2", "a3", "a0")


@pytest.mark.parametrize("more", [{"ttft_target_ms": -1.0}, {"itl_target_ms": float("inf")}, {"priority": True}])
def test_senseless_requests_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(RouterError) as refused:
        plan(agg("a0")).choose("agg", request(**more))
    assert refused.value.code == "invalid_request"


def test_a_phase_that_the_grid_lacks_is_refused() -> None:
    with pytest.raises(RouterError, match="this router has no phase decode: agg"):
        plan(agg("a0")).phases_of(request(phases=("decode",)))


def test_a_wrong_grid_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="agg_pool_mapping"):
        plan(agg("a0") | {"agg_pool_selection_strategy": {}})
