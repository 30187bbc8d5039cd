"""Rules of faults as they are written, and which requests they meet."""

from __future__ import annotations

import pytest

from trueup_reference.mock_worker.faults import Fault, FaultPlan, parse

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
