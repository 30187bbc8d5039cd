"""The suite's strength: every seeded fault is found, by the requirement that names it."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.event_transport.publisher.failures import FILE, UNSTEADY
from contracts.event_transport.publisher.faults import FAULTS
from contracts.event_transport.publisher.seeding import Fault
from contracts.event_transport.running import IN_TIME, failure
from contracts.suite_runs import each_test
from fix_repository import PROJECT
from trueup_contracts.event_transport import PUBLISHER

OURS = {identity: one for identity, one in PUBLISHER.requirements.items() if identity < "EP-100"}
UNSEEDED = {"EP-072"}  # a coroutine that waits is ER-026's fault, seeded there
SLOW = {"EP-092"}


# What they leave behind is part of the fault.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    "fault",
    [pytest.param(one, marks=[pytest.mark.slow] if one.requirement in SLOW else []) for one in FAULTS],
    ids=lambda fault: fault.name,
)
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    told = failure(PUBLISHER, fault, unsteady=UNSTEADY)
    if told not in lines:  # a machine that is busy may have taken longer than these limits
        told = failure(PUBLISHER, fault, IN_TIME, unsteady=UNSTEADY)
    assert not told.endswith(": nothing"), "it survived"
    hint = "python -m contracts.event_transport.publisher.failures > failures.txt, and read what has changed"
    assert told in lines, hint


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    page = (PROJECT / "docs/contracts/event-transport.md").read_text(encoding="utf-8")
    assert f"{len(FAULTS)} publishers with one\nfault each" in page
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {identity for identity, one in OURS.items() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested - UNSEEDED


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(PUBLISHER)]
    assert sorted(named) == sorted(one.id for one in PUBLISHER.requirements.values() if not one.untestable)
