"""Over the wire the suite gives every fault, and every correct index, the verdict that it gives in process.

Every fault has a process of its own: `make test-slow` asks them all, `make test` a few.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.kv_index.others import LACKS
from contracts.kv_index.over_the_wire import INDEXES
from contracts.suite_runs import verdicts, verdicts_over_the_wire
from trueup_contracts.kv_index import SUITE
from trueup_contracts.kv_index.codec import Sent, to_wire
from trueup_contracts.profile import Profile
from trueup_contracts.wire.values import decoded, encoded

QUICK = Profile("quick", 20261124)
FEW = {"Prefixes"}
EVERY = 16  # of the faults
# What is timed, and what shows only in threads or in this process's memory.
LEFT_OUT = {"KX-127"} | {one.id for one in SUITE.requirements.values() if "threads" in one.needs}


def _asked_of(name: str) -> str | None:
    """Of a fault the requirement that names it."""
    return name.partition(": ")[0] if name.startswith("KX-") else None


def _names() -> list[object]:
    over_the_wire = {one.id for one in SUITE.requirements.values() if "in_process" not in one.needs} - LEFT_OUT
    names = [name for name in INDEXES if _asked_of(name) in (None, *over_the_wire)]
    return [
        pytest.param(name, marks=[] if name in FEW or number % EVERY == 0 else [pytest.mark.slow])
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize("name", _names())
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    only = _asked_of(name)
    expected = LACKS.get(name, set()) if only is None else set(verdicts("kv-index", INDEXES[name], QUICK, only))
    module = "contracts.kv_index.over_the_wire"
    found = verdicts_over_the_wire("kv-index", module, name, QUICK, tmp_path, only)
    assert found.keys() == expected
    assert (found == {}) == (only is None and name not in LACKS)


def test_hashes_and_worker_ids_are_tagged_however_small() -> None:
    event = {
        "worker_id": 7,
        "event": {
            "event_id": 12,
            "dp_rank": 0,
            "data": {"stored": {"parent_hash": None, "blocks": [{"block_hash": 1, "tokens_hash": 1 << 63}]}},
        },
    }
    sent = Sent("event", event).to_wire()
    assert sent == {
        "worker_id": {"int": "7"},
        "event": {
            "event_id": 12,
            "dp_rank": 0,
            "data": {
                "stored": {
                    "parent_hash": None,
                    "blocks": [{"block_hash": {"int": "1"}, "tokens_hash": {"int": "9223372036854775808"}}],
                }
            },
        },
    }
    assert decoded(sent) == event
    assert Sent("local_hashes", [3, True, "x", 1.5]).to_wire() == [{"int": "3"}, True, "x", 1.5]
    assert encoded(to_wire({(7, 1): 3})) == [{"worker_id": {"int": "7"}, "dp_rank": 1, "depth": 3}]
    assert encoded(to_wire({})) == []
    assert encoded(to_wire([event])) == [sent]
    assert encoded(to_wire({"unknown_parents": 2})) == {"unknown_parents": 2}


def test_long_lists_are_cut_in_what_is_shown() -> None:
    assert repr(Sent("local_hashes", [1 << 40, 2])) == "[0x10000000000, 2]"
    assert repr(Sent("local_hashes", list(range(100)))).endswith("10, 11, ...  # and 88 more\n]")
