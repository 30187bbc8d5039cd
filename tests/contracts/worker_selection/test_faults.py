"""The suite's strength: every seeded fault is found, by the requirement that names it; nothing correct fails.

Those of which the same is said in each run are judged by `contracts/test_failures.py`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from contracts.failures import is_steady
from contracts.suite_runs import each_test, verdicts, verdicts_of
from contracts.worker_selection.faults import FAULTS, Fault
from contracts.worker_selection.hooked import Hooked
from contracts.worker_selection.others import OTHERS, Original
from fix_repository import PROJECT
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.kv_index.selection import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters

QUICK = Profile("quick", 20261124)


@pytest.mark.parametrize("fault", [one for one in FAULTS if not is_steady(one)], ids=lambda fault: fault.name)
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns often, so that a race shows
    try:
        # Whether threads meet is chance, whatever is done for it: some tries more.
        seeds = range(QUICK.seed, QUICK.seed + 4)
        tries = (Profile("quick", one) for one in seeds)
        found = any(verdicts("worker-selection", fault.factory, one, only=fault.requirement) for one in tries)
    finally:
        sys.setswitchinterval(before)
    assert found


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    assert len(FAULTS) >= 90
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {one.id for one in SUITE.requirements.values() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested


def test_the_page_says_how_many_there_are() -> None:
    page = (PROJECT / "docs/contracts/worker-selection.md").read_text(encoding="utf-8")
    levels = Counter(one.level for one in SUITE.requirements.values())
    number = sum(levels.values())
    assert f"{number} requirements (`trueup contracts list worker-selection`): {levels['MUST']} MUST and" in page
    assert f"{len(FAULTS)} selectors with one fault each" in page


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUITE)]
    assert sorted(named) == sorted(one.id for one in SUITE.requirements.values() if not one.untestable)


# A run takes seconds: `make test-slow` and `make faults` try twenty seeds.
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 1 else []) for seed in range(20)]
CORRECT: dict[str, Callable[..., Any]] = {"reference": adapters.worker_selection}
CORRECT |= {one.__name__: one for one in (Hooked, *OTHERS)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CORRECT)
def test_correct_selectors_never_fail(name: str, seed: int) -> None:
    assert verdicts("worker-selection", CORRECT[name], Profile("quick", seed)) == {}


def test_the_original_meets_every_must_and_lacks_the_hardening() -> None:
    failed = verdicts("worker-selection", Original, QUICK)
    assert set(failed) == {"WS-013", "WS-050", "WS-051", "WS-052"}
    assert {SUITE.requirements[identity].level for identity in failed} == {"SHOULD"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_reference_passes_the_thorough_profile(seed: int) -> None:
    assert verdicts("worker-selection", adapters.worker_selection, Profile("thorough", seed)) == {}


@pytest.mark.parametrize("claims", ["", "temperature", "weighted_overlaps remove_worker"])
def test_a_correct_selector_may_claim_any_part(claims: str) -> None:
    part = type("Part", (Hooked,), {"capabilities": frozenset(claims.split())})
    subject = LocalSubject(SUITE, "part", "tests:part", part)
    assert verdicts_of(subject, QUICK, but={"WS-012", "WS-014", "WS-061"}) == {}
