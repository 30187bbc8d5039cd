"""Overrides, retries, senseless requests, and what must not depend on each other: RC-042 to RC-055."""

from __future__ import annotations

import copy
import math
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.pool import Threads
from trueup_contracts.router.model import Axis, agg, disagg
from trueup_contracts.router.selecting import routers
from trueup_contracts.subject import Handle, Subject

_FOUR = (Axis(0, 100, 2), Axis(0, 100, 2))


def _with_overrides(subject: Subject, *rules: tuple[int, int, int]) -> list[tuple[Handle, str, dict[str, Any]]]:
    """A router of every claimed phase with these overrides, its call, and a request whose cell has pool 0."""
    overrides = [dict(zip(("min_priority", "max_priority", "target_pool"), rule, strict=True)) for rule in rules]
    made: list[tuple[Handle, str, dict[str, Any]]] = []
    if "disagg" in subject.capabilities:
        config = disagg(_FOUR, _FOUR)
        for phase in ("prefill", "decode"):
            config[f"{phase}_pool_selection_strategy"]["priority_overrides"] = overrides
        router = subject.open(config=config)
        made.append((router, "select_prefill", {"isl": 0, "ttft_target_ms": 0}))
        made.append((router, "select_decode", {"context_length": 0, "itl_target_ms": 0}))
    if "agg" in subject.capabilities:
        config = agg(*_FOUR)
        config["agg_pool_selection_strategy"]["priority_overrides"] = overrides
        made.append((subject.open(config=config), "select_agg", {"ttft_target_ms": 0, "itl_target_ms": 0}))
    return made


def _priorities(subject: Subject, rules: list[tuple[int, int, int]], expected: dict[int | None, int]) -> None:
    __tracebackhide__ = True
    for router, call, request in _with_overrides(subject, *rules):
        for priority, pool in expected.items():
            args = request if priority is None else {**request, "priority": priority}
            found = router.call(call, **args)
            assert found == pool, f"{call} with priority {priority} under {rules}: pool {found!r}, expected {pool}"


@requirement("RC-042")
def test_both_bounds_of_an_override_are_inclusive(trueup_subject: Subject) -> None:
    _priorities(trueup_subject, [(-3, 5, 2), (7, 7, 3)], {-4: 0, -3: 2, 0: 2, 5: 2, 6: 0, 7: 3, 8: 0})


@requirement("RC-043")
def test_the_first_override_that_matches_wins(trueup_subject: Subject) -> None:
    _priorities(trueup_subject, [(5, 9, 1), (0, 20, 2), (0, 30, 3)], {5: 1, 9: 1, 10: 2, 4: 2, 25: 3, 0: 2})


@requirement("RC-044")
def test_without_a_match_or_a_priority_the_grid_decides(trueup_subject: Subject) -> None:
    _priorities(trueup_subject, [(0, 0, 1), (10, 20, 2)], {None: 0, 0: 1, 5: 0, 21: 0, -1: 0})
    # With targets that have a fraction, and ones that no integer type holds.
    for router, call, request in _with_overrides(trueup_subject, (0, 0, 1), (10, 20, 2)):
        target = next(reversed(request))
        for value, pool in ((49.5, 0), (50.5, 1), (1e17, 1)):
            for priority, expected in ((None, pool), (5, pool), (10, 2)):
                args = {**request, target: value, **({} if priority is None else {"priority": priority})}
                found = router.call(call, **args)
                assert found == expected, f"{call}({args}) answered pool {found!r}, expected {expected}"


@requirement("RC-057")
def test_a_priority_that_is_no_integer_is_refused(trueup_subject: Subject) -> None:
    for router, call, request in _with_overrides(trueup_subject, (1, 5, 2)):
        for priority in (True, 1.5, "1", math.nan):
            _must_refuse(router, call, {**request, "priority": priority})


def _retrying(subject: Subject, priorities: list[int], *, on: bool) -> list[tuple[Handle, str]]:
    made = []
    if "disagg" in subject.capabilities:
        config = disagg(_FOUR, _FOUR, enable_priority_retry=on)
        config |= {"prefill_pool_priorities": priorities, "decode_pool_priorities": priorities}
        router = subject.open(config=config)
        made += [(router, "prefill"), (router, "decode")]
    if "agg" in subject.capabilities:
        config = agg(*_FOUR, enable_priority_retry=on, agg_pool_priorities=priorities)
        made.append((subject.open(config=config), "agg"))
    return made


@requirement("RC-045")
def test_retries_go_to_faster_pools_the_slowest_first(trueup_subject: Subject) -> None:
    for priorities, orders in (
        ([0, 1, 2, 3], [[0], [1, 0], [2, 1, 0], [3, 2, 1, 0]]),
        ([3, 0, 2, 1], [[0, 2, 3, 1], [1], [2, 3, 1], [3, 1]]),
        ([5, 1, 1, 5], [[0, 1, 2], [1], [2], [3, 1, 2]]),
        ([-1, 0, -1, 7], [[0], [1, 0, 2], [2], [3, 1, 0, 2]]),
    ):
        for router, phase in _retrying(trueup_subject, priorities, on=True):
            for pool, expected in enumerate(orders):
                found = list(router.call("retry_order", phase=phase, pool=pool))
                assert found == expected, f"{phase} pool {pool}, priorities {priorities}: {found}, expected {expected}"


@requirement("RC-046")
def test_without_retry_the_order_is_the_pool_alone(trueup_subject: Subject) -> None:
    for router, phase in _retrying(trueup_subject, [3, 2, 1, 0], on=False):
        for pool in range(4):
            found = list(router.call("retry_order", phase=phase, pool=pool))
            assert found == [pool], f"{phase} pool {pool} with retry off: {found}, expected {[pool]}"


@requirement("RC-047")
def test_unknown_pools_and_phases_have_no_retry_order(trueup_subject: Subject) -> None:
    for router, phase in _retrying(trueup_subject, [0, 1, 2, 3], on=True):
        other = "prefill" if phase == "agg" else "agg"
        for args in ({"phase": phase, "pool": 4}, {"phase": phase, "pool": -1}, {"phase": other, "pool": 0}):
            _must_refuse(router, "retry_order", args)


def _must_refuse(router: Handle, call: str, args: dict[str, Any], or_by: str = "invalid") -> None:
    __tracebackhide__ = True
    try:
        found = router.call(call, **args)
    except Refusal as refusal:
        assert refusal.code in ("invalid", or_by), f"{call}({args}) was refused as {refusal.code!r}, not as 'invalid'"
    else:
        raise AssertionError(f"{call}({args}) answered {found!r}; it must be refused")


_BAD_TARGETS: tuple[Any, ...] = (-1, -0.5, math.nan, math.inf, -math.inf, True, "100", [])
_BAD_LENGTHS: tuple[Any, ...] = (-1, 1.5, math.nan, True, "100", None)


def _bad_requests(call: str, one: str, other: str) -> list[dict[str, Any]]:
    first = _BAD_TARGETS if call == "select_agg" else _BAD_LENGTHS
    return [{one: value, other: 0} for value in first] + [{one: 0, other: value} for value in _BAD_TARGETS]


@requirement("RC-048")
def test_senseless_requests_are_refused(trueup_subject: Subject) -> None:
    for router, call, one, other in routers(trueup_subject, *_FOUR):
        for args in _bad_requests(call, one, other):
            _must_refuse(router, call, args)


@requirement("RC-049")
def test_a_refused_request_changes_nothing(trueup_subject: Subject) -> None:
    for router, call, one, other in routers(trueup_subject, *_FOUR):
        for args in _bad_requests(call, one, other):
            try:
                router.call(call, **args)
            except Refusal:
                found = [router.call(call, **{one: 60, other: 10}), router.call(call, **{one: 10, other: 60})]
                assert found == [2, 1], f"after {call}({args}) was refused, good requests got {found}, expected [2, 1]"


@requirement("RC-050")
def test_a_call_of_the_other_mode_is_refused(trueup_subject: Subject) -> None:
    if "disagg" in trueup_subject.capabilities:
        router = trueup_subject.open(config=disagg())
        _must_refuse(router, "select_agg", {"ttft_target_ms": 0, "itl_target_ms": 0}, "unsupported")
    if "agg" in trueup_subject.capabilities:
        router = trueup_subject.open(config=agg(*_FOUR))
        _must_refuse(router, "select_prefill", {"isl": 0, "ttft_target_ms": 0}, "unsupported")
        _must_refuse(router, "select_decode", {"context_length": 0, "itl_target_ms": 0}, "unsupported")


_REQUESTS = [(first, second) for first in (0, 49, 50, 99, 500) for second in (0, 49.9, 50, 99, 500)]


def _all_answers(router: Handle, call: str, one: str, other: str) -> list[Any]:
    return [router.call(call, **{one: first, other: second}) for first, second in _REQUESTS]


@requirement("RC-051")
def test_the_same_request_gets_the_same_pool(trueup_subject: Subject) -> None:
    for router, call, one, other in routers(trueup_subject, *_FOUR):
        before = _all_answers(router, call, one, other)
        for first, second in reversed(_REQUESTS):
            router.call(call, **{one: first, other: second})
        after = _all_answers(router, call, one, other)
        assert before == after, f"{call}: the same requests got {before}, then {after}"


@requirement("RC-052")
def test_threads_get_the_answers_that_they_get_alone(trueup_subject: Subject) -> None:
    for router, call, one, other in routers(trueup_subject, *_FOUR):
        alone = _all_answers(router, call, one, other)
        with Threads() as pool:
            started = [pool.submit(_all_answers, router, call, one, other) for _ in range(64)]
            together = [future.result() for future in started]
        assert all(answers == alone for answers in together), f"{call}: threads got other pools than one thread alone"


@requirement("RC-053")
def test_routers_do_not_share_anything(trueup_subject: Subject) -> None:
    coarse = routers(trueup_subject, Axis(0, 100, 1), Axis(0, 100, 2))
    fine = routers(trueup_subject, Axis(0, 100, 2), Axis(0, 50, 5))
    for (first, call, one, other), (second, *_) in zip(coarse, fine, strict=True):
        args = {one: 60, other: 45}
        found = [router.call(call, **args) for router in (first, second, first)]
        assert found == [0, 9, 0], f"{call}({args}) of two routers in turn: {found}, expected [0, 9, 0]"


def _configurations(subject: Subject) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    found: list[tuple[dict[str, Any], str, dict[str, Any]]] = []
    if "disagg" in subject.capabilities:
        found.append((disagg(_FOUR, _FOUR), "select_prefill", {"isl": 60, "ttft_target_ms": 10}))
    if "agg" in subject.capabilities:
        found.append((agg(*_FOUR), "select_agg", {"ttft_target_ms": 60, "itl_target_ms": 10}))
    return found


@requirement("RC-054")
def test_the_configuration_given_is_not_changed(trueup_subject: Subject) -> None:
    for config, call, args in _configurations(trueup_subject):
        before = copy.deepcopy(config)
        trueup_subject.open(config=config).call(call, **args)
        assert config == before, f"the configuration was {before} and is {config} now"


@requirement("RC-055")
def test_changing_the_configuration_afterwards_changes_nothing(trueup_subject: Subject) -> None:
    for config, call, args in _configurations(trueup_subject):
        router = trueup_subject.open(config=config)
        phase = "agg" if "num_agg_pools" in config else "prefill"
        strategy = config[f"{phase}_pool_selection_strategy"]
        strategy[f"{phase}_pool_mapping"][1][0] = 0
        strategy["ttft_max_ms"] = 10
        found = router.call(call, **args)
        assert found == 2, f"{call}({args}) after the caller changed its mapping: pool {found!r}, expected 2"
