"""The suite's strength: its seeded faults, which `contracts/test_failures.py` judges; nothing correct fails."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.failures import is_steady
from contracts.router.faults import FAULTS
from contracts.router.hooked import Hooked
from contracts.router.others import OTHERS, Original
from contracts.suite_runs import each_test, verdicts
from trueup_contracts.profile import Profile
from trueup_contracts.router import SUITE
from trueup_reference.adapters import router as reference

QUICK = Profile("quick", 20261124)


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    assert all(is_steady(fault) for fault in FAULTS)
    assert len(FAULTS) >= 60
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == [
        "accepts out-of-range"  # of a resolution, and of the rest
    ]
    tested = {one.id for one in SUITE.requirements.values() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUITE)]
    assert sorted(named) == sorted(one.id for one in SUITE.requirements.values() if not one.untestable)


# `make test-slow` and `make faults` try twenty seeds.
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 5 else []) for seed in range(20)]


@pytest.mark.parametrize("seed", SEEDS)
def test_correct_routers_never_fail(seed: int) -> None:
    profile = Profile("quick", seed)
    assert verdicts("router", reference, profile) == {}
    assert verdicts("router", Hooked, profile) == {}


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.__name__)
@pytest.mark.parametrize("seed", SEEDS)
def test_routers_of_other_constructions_meet_every_must(seed: int, other: type[Hooked]) -> None:
    failed = verdicts("router", other, Profile("quick", seed))
    assert {identity: told for identity, told in failed.items() if SUITE.requirements[identity].level == "MUST"} == {}


def test_the_original_meets_every_must_and_lacks_the_hardening() -> None:
    failed = verdicts("router", Original, Profile("default", 1))
    assert {SUITE.requirements[identity].level for identity in failed} == {"SHOULD"}
    assert {"RC-013", "RC-015", "RC-048"} <= set(failed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_reference_passes_the_thorough_profile(seed: int) -> None:
    assert verdicts("router", reference, Profile("thorough", seed)) == {}


CLAIMS = [
    "disagg",
    "agg",
    "disagg agg",
    "agg agg_isl",
    "disagg strict_types config_text deprecated_names threads defaults",
    "agg strict_types config_text deprecated_names threads defaults",
    "disagg priority_overrides priority_retry",
    "agg priority_overrides priority_retry",
    "agg agg_isl strict_types config_text priority_overrides priority_retry",
]


@pytest.mark.parametrize("claims", CLAIMS)
def test_a_correct_router_may_claim_any_part(claims: str) -> None:
    part = type("Part", (Hooked,), {"capabilities": frozenset(claims.split())})
    told = verdicts("router", part, QUICK)
    # It has the third axis without claiming it, which is what RC-022 forbids.
    assert set(told) <= ({"RC-022"} if "agg" in claims.split() and "agg_isl" not in claims else set())
