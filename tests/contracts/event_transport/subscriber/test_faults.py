"""The suite's strength: every seeded fault is found, by the requirement that names it."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.event_transport.subscriber.failures import FILE, failure
from contracts.event_transport.subscriber.faults import FAULTS, Fault
from contracts.suite_runs import each_test
from fix_repository import PROJECT
from trueup_contracts.event_transport import SUBSCRIBER

OURS = {identity: one for identity, one in SUBSCRIBER.requirements.items() if identity < "ES-100"}
# Nobody can seed these: CURVE itself refuses a publisher with another key, and ES-023 is ES-022 over the wire.
UNSEEDED = {"ES-023", "ES-081"}


# What they leave behind is part of the fault.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    told = failure(fault)
    lines = FILE.read_text(encoding="utf-8").splitlines()
    if told not in lines:  # a machine that is busy may have taken longer than these limits
        told = failure(fault, 5.0)
    assert not told.endswith(": nothing"), "it survived"
    hint = "python -m contracts.event_transport.subscriber.failures > failures.txt, and read what has changed"
    assert told in lines, hint


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    page = (PROJECT / "docs/contracts/event-transport.md").read_text(encoding="utf-8")
    assert f"{len(FAULTS)} subscribers with one fault\neach" in page
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {identity for identity, one in OURS.items() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested - UNSEEDED


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUBSCRIBER)]
    assert sorted(named) == sorted(one.id for one in SUBSCRIBER.requirements.values() if not one.untestable)
