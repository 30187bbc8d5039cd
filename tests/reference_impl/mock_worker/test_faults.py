"""Rules of faults as they are written, and which requests they meet."""

from __future__ import annotations

import pytest

from trueup_reference.mock_worker.faults import Fault, FaultPlan, parse, parse_fail

RULES = {
    "refuse": Fault(kind="refuse"),
    "error=0.25": Fault(kind="error", share=0.25),
    "cut@3": Fault(kind="cut", after_items=3),
    "stall=0.5@2x7": Fault(kind="stall", share=0.5, after_items=2, times=7),
}


@pytest.mark.parametrize("text", RULES)
def test_rules_are_read(text: str) -> None:
    assert parse(text) == RULES[text]


@pytest.mark.parametrize("text", ["", "melt", "cut=", "cut=2", "cut=1.2.3", "cut@-1", "cutx0", "refuse=0.5x"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|share|never"):
        parse(text)


def test_rules_go_one_after_the_other() -> None:
    plan = FaultPlan([parse("errorx2"), parse("cut@1x1")])
    assert [fault and fault.kind for fault in (plan.take() for _ in range(5))] == ["error", "error", "cut", None, None]
    assert plan.faults == []


def test_a_share_is_of_the_seed() -> None:
    plans = [FaultPlan([parse("refuse=0.3")], seed) for seed in (1, 1, 2)]
    taken = [[plan.take() is not None for _ in range(1_000)] for plan in plans]
    assert taken[0] == taken[1] != taken[2]
    assert 200 < sum(taken[0]) < 400


FAILS = {
    "before-first": Fault(kind="cut"),
    "after:3x2": Fault(kind="cut", after_items=3, times=2),
    "hang": Fault(kind="stall"),
    "hang:4=0.5": Fault(kind="stall", after_items=4, share=0.5),
    "refuse": Fault(kind="refuse"),
    "busy=0.1": Fault(kind="busy", share=0.1),
    "tell:1": Fault(kind="tell", after_items=1),
    "end": Fault(kind="end"),
    "crash:7x1": Fault(kind="crash", after_items=7, times=1),
}


@pytest.mark.parametrize("text", FAILS)
def test_failures_are_read(text: str) -> None:
    assert parse_fail(text) == FAILS[text]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no failure"),
        ("after", "after how many items"),
        ("refuse:2", "refuse comes before any item"),
        ("before-first:2", "before-first comes before any item"),
        ("melt:1", "is no failure: NAME.*, of the names before-first, after, hang"),
        ("hang=2", "the share is 2"),
        ("hangx0", "never"),
    ],
)
def test_what_is_no_failure_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_fail(text)
