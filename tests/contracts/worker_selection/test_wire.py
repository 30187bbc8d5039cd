"""Over the wire the suite gives every fault, and every correct selector, the verdict that it gives in process.

`make test-slow` asks them all, `make test` a few faults; a whole run over the wire is that of `test_node.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.suite_runs import verdicts, verdicts_over_the_wire
from contracts.worker_selection.over_the_wire import SELECTORS
from trueup_contracts.kv_index.selection import SUITE
from trueup_contracts.profile import Profile

QUICK = Profile("quick", 20261124)
MODULE = "contracts.worker_selection.over_the_wire"
# Of what threads do, the wire shows less: a fault may hide behind the time of a round trip.
LEFT_OUT = {one.id for one in SUITE.requirements.values() if one.needs & {"in_process", "threads"}}
EVERY = 12  # of the faults


def _asked_of(name: str) -> str | None:
    """Of a fault the requirement that names it."""
    return name.partition(": ")[0] if name.startswith("WS-") else None


NAMES = [
    pytest.param(name, marks=[] if number % EVERY == 0 and _asked_of(name) else [pytest.mark.slow])
    for number, name in enumerate(name for name in SELECTORS if _asked_of(name) not in LEFT_OUT)
]


@pytest.mark.parametrize("name", NAMES)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    only = _asked_of(name)
    local = verdicts("worker-selection", SELECTORS[name], QUICK, only)
    found = verdicts_over_the_wire("worker-selection", MODULE, name, QUICK, tmp_path, only)
    assert found.keys() == local.keys() - LEFT_OUT
