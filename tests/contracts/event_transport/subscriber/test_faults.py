"""The suite's strength: every seeded fault is found, by the requirement that names it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

from contracts.event_transport.subscriber.failures import FILE
from contracts.event_transport.subscriber.faults import FAULTS, MODULES
from contracts.suite_runs import each_test
from fix_repository import PROJECT
from trueup_contracts.event_transport import SUBSCRIBER

OURS = {identity: one for identity, one in SUBSCRIBER.requirements.items() if identity < "ES-100"}
# Nobody can seed these: CURVE itself refuses a publisher with another key, and ES-023 is ES-022 over the wire.
UNSEEDED = {"ES-023", "ES-081"}


def _told(*words: str) -> list[str]:
    """In a process of its own: what faults leave behind, threads that hang among it, is part of them."""
    argv = [sys.executable, "-W", "ignore", "-m", "contracts.event_transport.subscriber.failures", *words]
    done = subprocess.run(argv, cwd=PROJECT / "tests", capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_faults_are_found_by_the_requirements_that_name_them() -> None:
    with ThreadPoolExecutor() as pool:  # each spends its time waiting
        judged = list(pool.map(_judged, MODULES))
    assert [line for survived, _ in judged for line in survived] == []
    hint = "python -m contracts.event_transport.subscriber.failures > failures.txt, and read what has changed"
    assert [line for _, changed in judged for line in changed] == [], hint


def _judged(module: ModuleType) -> tuple[list[str], list[str]]:
    """Of the faults of a module those that survived, and what is said otherwise than in the file."""
    expected = FILE.read_text(encoding="utf-8").splitlines()
    told = _told("--module", module.__name__.rpartition(".")[2])
    assert len(told) == sum(fault.factory.__module__ == module.__name__ for fault in FAULTS)
    # A machine that is busy may have taken longer than these short limits: once more, with longer ones.
    others = [line.partition(" ")[2].partition(": ")[0] for line in told if line not in expected]
    again = _told("--signal-s", "5", *(word for name in others for word in ("--name", name))) if others else []
    survived = [line for line in again if line.endswith(": nothing")]
    return survived, [line for line in again if line not in expected and line not in survived]


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    page = (PROJECT / "docs/contracts/event-transport.md").read_text(encoding="utf-8")
    assert f"{len(FAULTS)} subscribers with one fault\neach" in page
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {identity for identity, one in OURS.items() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested - UNSEEDED


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUBSCRIBER)]
    assert sorted(named) == sorted(one.id for one in SUBSCRIBER.requirements.values() if not one.untestable)
