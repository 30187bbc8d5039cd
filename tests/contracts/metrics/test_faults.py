"""The suite's strength: every seeded fault is found, by the requirement that names it; nothing correct fails."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.metrics.failures import FILE, failure
from contracts.metrics.faults import FAULTS, Fault
from contracts.metrics.faults_of_negotiation import Utf8
from contracts.metrics.hooked import Hooked
from contracts.metrics.running import verdicts
from contracts.suite_runs import each_test
from fix_repository import PROJECT
from trueup.findings import Severity
from trueup.metrics.exposition.rules import RULES
from trueup_contracts.metrics import SUITE, laws
from trueup_contracts.profile import Profile
from trueup_reference import adapters


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    told = failure(fault)
    assert not told.endswith(": nothing"), "it survived"
    hint = "python -m contracts.metrics.failures > failures.txt, and read what has changed"
    assert told in FILE.read_text(encoding="utf-8").splitlines(), hint


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    page = (PROJECT / "docs/contracts/metrics.md").read_text(encoding="utf-8")
    assert f"{len(FAULTS)} exporters with one fault\neach" in page
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {one.id for one in SUITE.requirements.values() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested


def test_the_docs_count_the_requirements() -> None:
    page = (PROJECT / "docs/contracts/metrics.md").read_text(encoding="utf-8")
    levels = [one.level for one in SUITE.requirements.values()]
    told = f"asks {len(levels)}\nrequirements (`trueup contracts list metrics`): {levels.count('MUST')} MUST and "
    assert f"{told}{levels.count('SHOULD')} SHOULD" in page


def test_every_rule_about_what_scrapers_refuse_is_a_law() -> None:
    errors = {one.id.removeprefix("metrics/") for one in RULES if one.severity is Severity.ERROR}
    asked = laws.ERRORS.union(laws.METADATA, laws.REWRITTEN, *laws.POLICY.values())
    # A page without a sample is what remains of a source of which nothing is passed on.
    assert errors - asked == {"no-samples"}
    assert asked <= {one.id.removeprefix("metrics/") for one in RULES}


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUITE)]
    assert sorted(named) == sorted(one.id for one in SUITE.requirements.values() if not one.untestable)


# Threads and pages take their time: `make test-slow` and `make faults` try twenty seeds.
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 3 else []) for seed in range(20)]


@pytest.mark.parametrize("seed", SEEDS)
def test_correct_exporters_never_fail(seed: int) -> None:
    profile = Profile("quick", seed)
    assert verdicts(adapters.metrics, profile, policy_file=None) == {}
    assert verdicts(Hooked, profile) == {}
    assert verdicts(Utf8, profile, only="MX-027") == {}
