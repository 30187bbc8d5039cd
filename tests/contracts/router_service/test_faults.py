"""The suite's strength: every seeded fault is found, by the requirement that names it."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.router_service.failures import expected, judged
from contracts.router_service.faults import FAULTS, Fault
from trueup_contracts.router_service import SUITE

# Each starts a router, which takes a second or more: of all but these `make test-slow` and `make faults` take care.
QUICK = {
    "AlwaysReady",
    "AlwaysLength",
    "EmptyStream",
    "EndsByTheSignal",
    "EventsAreFinal",
    "EveryStatus",
    "FastestFirst",
    "HalfApplied",
    "KeepsStaleWorkers",
    "LeaksAtFailures",
    "NoEndOfTheQueue",
    "NoRetryAfter",
    "OneLatency",
    "RetriesAfterItems",
    "SameAttempt",
    "SameDeadline",
    "SaysNothing",
    "TransferAsText",
}


def _marked(fault: Fault) -> object:
    return pytest.param(fault, id=fault.switch, marks=[] if fault.switch in QUICK else [pytest.mark.slow])


@pytest.mark.parametrize("fault", [_marked(fault) for fault in FAULTS])
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    told = judged(fault)
    assert not told.endswith(": nothing"), "it survived"
    assert told in expected(), "python -m contracts.router_service.failures > failures.txt, and read what has changed"


def test_there_are_many_faults_and_each_has_a_name_of_its_own() -> None:
    assert len(FAULTS) >= 140
    for names in ([fault.name for fault in FAULTS], [fault.switch for fault in FAULTS]):
        assert [name for name, count in Counter(names).items() if count > 1] == []
    assert {fault.switch for fault in FAULTS} >= QUICK
    assert len(expected()) == len(FAULTS)


def test_the_faults_reach_every_requirement() -> None:
    tested = {one.id for one in SUITE.requirements.values() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested
