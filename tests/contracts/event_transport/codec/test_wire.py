"""Over the wire a codec gets the verdicts that it gets in process. `make test-slow` asks every fault, others a few."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event_transport.codec.over_the_wire import CODECS
from contracts.event_transport.codec.running import verdicts, verdicts_over_the_wire
from trueup_contracts.profile import Profile

QUICK = Profile("quick", 20261124)
EVERY = 12  # of the faults
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name != "codec" and number % EVERY else [])
    for number, name in enumerate(CODECS)
]


@pytest.mark.parametrize("name", NAMES)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    suites = ("event-subscriber", "event-publisher") if name == "codec" else (_suite(name),)
    only = None if name == "codec" else name.partition(":")[0]
    for suite in suites:
        local = verdicts(suite, CODECS[name], QUICK, only=only)
        found = verdicts_over_the_wire(suite, name, QUICK, tmp_path, only)
        assert found.keys() == local.keys()


def _suite(name: str) -> str:
    return "event-subscriber" if name.startswith("ES") else "event-publisher"
