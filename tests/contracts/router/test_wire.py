"""Over the wire the router suite gives every fault, and every correct router, the verdicts that it gives in process.

Each takes seconds: `make test-slow` asks all of them everything, `make test` the correct ones everything and a few
faults the requirement that names them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contracts.router.over_the_wire import ROUTERS
from contracts.suite_runs import verdicts, verdicts_over_the_wire
from trueup_contracts.profile import Profile
from trueup_contracts.router import SUITE

IN_PROCESS_ONLY = {one.id for one in SUITE.requirements.values() if "in_process" in one.needs}
QUICK = Profile("quick", 20261124)


EVERY = 8  # of the faults
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if name.startswith("RC-") else []) for name in ROUTERS]
NAMED = [name for name in ROUTERS if name.startswith("RC-") and name.partition(": ")[0] not in IN_PROCESS_ONLY]


@pytest.mark.parametrize("name", NAMES)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        local = verdicts("router", ROUTERS[name], QUICK)
    finally:
        sys.setswitchinterval(before)
    found = verdicts_over_the_wire("router", "contracts.router.over_the_wire", name, QUICK, tmp_path)
    assert found.keys() == local.keys() - IN_PROCESS_ONLY


@pytest.mark.parametrize("name", NAMED[::EVERY])
def test_a_fault_is_found_over_the_wire(name: str, tmp_path: Path) -> None:
    named = name.partition(": ")[0]
    found = verdicts_over_the_wire("router", "contracts.router.over_the_wire", name, QUICK, tmp_path, named)
    assert found.keys() == {named}
