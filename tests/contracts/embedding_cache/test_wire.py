"""Over the wire the suite gives every fault, and every correct cache, the verdict that it gives in process.

Every process imports torch: `make test-slow` asks them all, `make test` a few.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.embedding_cache.over_the_wire import CACHES
from contracts.suite_runs import verdicts, verdicts_over_the_wire
from trueup_contracts.embedding_cache import SUITE
from trueup_contracts.profile import Profile

QUICK = Profile("quick", 20261124)
FEW = {"reference", "OnCachetools"}
EVERY = 12  # of the faults


def _asked_of(name: str) -> str | None:
    """Of a fault the requirement that names it."""
    return name.partition(": ")[0] if name.startswith("EC-") else None


def _names() -> list[object]:
    over_the_wire = {one.id for one in SUITE.requirements.values() if not one.needs & {"in_process", "threads"}}
    names = [name for name in CACHES if _asked_of(name) in (None, *over_the_wire)]
    return [
        pytest.param(name, marks=[] if name in FEW or number % EVERY == 0 else [pytest.mark.slow])
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize("name", _names())
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    only = _asked_of(name)
    # What is correct in process is told by `test_faults.py`, of every requirement.
    local = verdicts("embedding-cache", CACHES[name], QUICK, only) if only is not None else {}
    # Threads reach an adapter that cannot take calls at once one after the other: they are not claimed over the wire.
    left_out = {one.id for one in SUITE.requirements.values() if one.needs & {"in_process", "threads"}}
    module = "contracts.embedding_cache.over_the_wire"
    found = verdicts_over_the_wire("embedding-cache", module, name, QUICK, tmp_path, only)
    assert found.keys() == local.keys() - left_out
    assert (found == {}) == (only is None)
