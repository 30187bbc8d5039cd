"""Over the wire the suite gives faults the verdict that it gives in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event_transport.replay.over_the_wire import CLIENTS
from contracts.event_transport.running import PROFILE
from contracts.suite_runs import verdicts_over_the_wire
from trueup_contracts.event_transport import REPLAY

MODULE = "contracts.event_transport.replay.over_the_wire"
# One of each kind in each run, all of them in `make test-slow`: a process each.
QUICK = {
    "ER-001: a request without a delimiter",
    "ER-009: numbers are read as signed ones",
    "ER-010: what came is thrown away",
    "ER-010: gives up when nothing has come for a moment",
}
IN_PROCESS = {one.id for one in REPLAY.requirements.values() if "in_process" in one.needs}
NAMES = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in CLIENTS
    if name != "Hooked" and name.partition(":")[0] not in IN_PROCESS
]


@pytest.mark.parametrize("name", NAMES)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    named = name.partition(":")[0]
    failed = verdicts_over_the_wire("event-replay", MODULE, name, PROFILE, tmp_path, only=named)
    assert failed.keys() == {named}


def test_the_names_of_the_quick_ones_exist() -> None:
    assert CLIENTS.keys() >= QUICK
