"""The suite's strength: every seeded fault is found, by the requirement that names it; nothing correct fails."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from contracts.failures import UNSTEADY, expected, failure
from contracts.flakes import busy
from contracts.logging_setup.faults import FAULTS, Fault
from contracts.logging_setup.others import OTHERS
from contracts.logging_setup.packages import QUICK, Package
from contracts.suite_runs import each_test, verdicts_of
from fix_repository import PROJECT
from trueup_contracts.declarations import REFERENCE
from trueup_contracts.logging_setup import SUITE
from trueup_contracts.subject import Settings, load

_PLACE = "; in its place"  # what Python raises: in other words from version to version


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    told = failure("logging-setup", fault)
    assert not told.endswith(": nothing"), "it survived"
    hint = "python -m contracts.failures logging-setup > failures.txt, and read what has changed"
    lines = [line.partition(_PLACE)[0] for line in expected("logging-setup")]
    assert fault.requirement in UNSTEADY or told.partition(_PLACE)[0] in lines, hint


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    assert len(FAULTS) >= 75
    names = Counter((fault.name, bool(fault.package.logs)) for fault in FAULTS)
    assert [name for name, count in names.items() if count > 1] == []
    tested = {one.id for one in SUITE.requirements.values() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUITE)]
    assert sorted(named) == sorted(one.id for one in SUITE.requirements.values() if not one.untestable)


def test_the_docs_count_the_requirements_and_the_faults() -> None:
    page = (PROJECT / "docs/contracts/logging-setup.md").read_text(encoding="utf-8")
    levels = [one.level for one in SUITE.requirements.values()]
    assert f"{len(levels)} requirements" in page
    assert f"{levels.count('MUST')} MUST and {levels.count('SHOULD')} SHOULD" in page
    assert f"{len(FAULTS)} packages with one fault each" in page


@pytest.mark.parametrize("package", OTHERS.values(), ids=OTHERS)
def test_correct_packages_fail_nothing(package: Package, tmp_path: Path) -> None:
    assert package.verdicts(tmp_path / "one") == {}


OURS = ["import:trueup", "import:trueup_contracts", "import:trueup_reference", REFERENCE["logging-setup"]]


@pytest.mark.parametrize("target", OURS)
def test_our_own_packages_fail_nothing(target: str) -> None:
    assert verdicts_of(load(target, SUITE, "ours", Settings(PROJECT)), QUICK) == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_correct_packages_fail_nothing_on_a_busy_machine(tmp_path: Path) -> None:
    """Nothing here is drawn by a seed: what differs from run to run is what a busy machine does to processes."""
    with busy():
        for number in range(3):
            for index, package in enumerate(OTHERS.values()):
                assert package.verdicts(tmp_path / f"{number}-{index}") == {}
            assert verdicts_of(load(REFERENCE["logging-setup"], SUITE, "ours", Settings(PROJECT)), QUICK) == {}
