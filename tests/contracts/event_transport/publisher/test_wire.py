"""Over the wire the suite gives faults, and a correct publisher, the verdict that it gives in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event_transport.publisher.over_the_wire import PUBLISHERS
from contracts.event_transport.running import PROFILE
from contracts.suite_runs import verdicts_over_the_wire
from trueup_contracts.event_transport import PUBLISHER

MODULE = "contracts.event_transport.publisher.over_the_wire"
# One of each kind in each run, all of them in `make test-slow`: a process each.
QUICK = {
    "EP-002: numbers little-endian",
    "EP-005: the time is cut to whole seconds",
    "EP-016: an empty list of keys allows everybody",
    "EP-022: an id of 63 bits",
    "EP-034: the number is taken after the batch is encoded: no gap",
    "EP-053: refused batches are counted as dropped",
    "EP-080: off by one: the batch that was asked for is left out",
}
# Told by the kit's own server: a handle that was closed is closed, whatever the publisher says.
NOT_SEEN = {
    "EP-063: publish after close goes nowhere, in silence",
    "EP-063: flush after close waits for the thread that is gone",
    "EP-009: an unknown format is taken for A",  # the wire's schema has no other
}
IN_PROCESS = {one.id for one in PUBLISHER.requirements.values() if "in_process" in one.needs}
NAMES = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in PUBLISHERS
    if name != "Hooked" and name not in NOT_SEEN and name.partition(":")[0] not in IN_PROCESS
]


@pytest.mark.parametrize("name", NAMES)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    named = name.partition(":")[0]
    failed = verdicts_over_the_wire("event-publisher", MODULE, name, PROFILE, tmp_path, only=named)
    assert failed.keys() == {named}


@pytest.mark.parametrize("named", ["EP-030", "EP-034", "EP-050", "EP-054", "EP-064", "EP-081", "EP-092", "EP-098"])
def test_a_correct_one_meets_them_over_the_wire(named: str, tmp_path: Path) -> None:
    assert verdicts_over_the_wire("event-publisher", MODULE, "Hooked", PROFILE, tmp_path, only=named) == {}


def test_the_names_of_the_quick_ones_exist() -> None:
    assert PUBLISHERS.keys() >= QUICK | NOT_SEEN
