"""The suite's strength: every seeded fault is found, by the requirement that names it."""

from __future__ import annotations

from collections import Counter

from contracts.event_transport.replay.failures import FILE
from contracts.event_transport.replay.faults import FAULTS
from contracts.event_transport.running import judged_at_once
from contracts.suite_runs import each_test
from fix_repository import PROJECT
from trueup_contracts.event_transport import REPLAY

PROGRAM = "contracts.event_transport.replay.failures"
PARTS = 4  # processes


def test_faults_are_found_by_the_requirements_that_name_them() -> None:
    parts = [FAULTS[part::PARTS] for part in range(PARTS)]
    choices = [[word for fault in part for word in ("--name", fault.name)] for part in parts]
    found = judged_at_once(PROGRAM, FILE, choices)
    assert found == ([], []), f"python -m {PROGRAM} > failures.txt, and read what has changed"


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    page = (PROJECT / "docs/contracts/event-transport.md").read_text(encoding="utf-8")
    assert f"{len(FAULTS)} clients of\nreplays with one fault each" in page
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    assert {fault.requirement for fault in FAULTS} == set(REPLAY.requirements)


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(REPLAY)]
    assert sorted(named) == sorted(one.id for one in REPLAY.requirements.values() if not one.untestable)
