"""The suite's strength: every seeded fault is found, by the requirement that names it."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.event_transport.publisher.failures import FILE
from contracts.event_transport.publisher.faults import FAULTS
from contracts.event_transport.publisher.seeding import Fault
from contracts.event_transport.running import judged, judged_at_once, module_of
from contracts.suite_runs import each_test
from fix_repository import PROJECT
from trueup_contracts.event_transport import PUBLISHER

OURS = {identity: one for identity, one in PUBLISHER.requirements.items() if identity < "EP-100"}
UNSEEDED = {"EP-072"}  # a coroutine that waits is ER-026's fault, seeded there
SLOW = "EP-092"


PROGRAM = "contracts.event_transport.publisher.failures"
HINT = f"python -m {PROGRAM} > failures.txt, and read what has changed"


def test_faults_are_found_by_the_requirements_that_name_them() -> None:
    modules = sorted({module_of(fault) for fault in FAULTS})
    found = judged_at_once(PROGRAM, FILE, [["--module", module, "--but", SLOW] for module in modules])
    assert found == ([], []), HINT


@pytest.mark.slow
@pytest.mark.parametrize("fault", [one for one in FAULTS if one.requirement == SLOW], ids=lambda fault: fault.name)
def test_a_fault_that_takes_long_is_found(fault: Fault) -> None:
    assert judged(PROGRAM, FILE, "--name", fault.name) == ([], []), HINT


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    page = (PROJECT / "docs/contracts/event-transport.md").read_text(encoding="utf-8")
    assert f"{len(FAULTS)} publishers with one\nfault each" in page
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {identity for identity, one in OURS.items() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested - UNSEEDED


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(PUBLISHER)]
    assert sorted(named) == sorted(one.id for one in PUBLISHER.requirements.values() if not one.untestable)
