"""Over the wire the suite gives every fault, and every correct subscriber, the verdict that it gives in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event_transport.subscriber.over_the_wire import SUBSCRIBERS
from contracts.event_transport.subscriber.running import PROFILE, limits
from contracts.suite_runs import verdicts_over_the_wire
from trueup_contracts.event_transport import SUBSCRIBER

MODULE = "contracts.event_transport.subscriber.over_the_wire"
# One of each kind in each run, all of them in `make test-slow`: a process each.
QUICK = {
    "ES-001: receives without a timeout (RCVTIMEO -1)",
    "ES-001: raises EAGAIN when nothing came",
    "ES-020: looks again and again until its timeout is over",
    "ES-021: leaves a descriptor open at each timeout",
    "ES-032: raises at a malformed message",
    "ES-054: tells one more missed than there are",
    "ES-071: asks without the delimiter",
    "ES-082: takes keys and does not use them",
}
# Told by the kit's own server: a handle that was closed is closed, whatever the subscriber says.
NOT_SEEN = {"ES-024: answers nothing received when it is closed", "ES-025: fails when it is closed twice"}
IN_PROCESS = {one.id for one in SUBSCRIBER.requirements.values() if "in_process" in one.needs}
NAMES = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in SUBSCRIBERS
    if name not in NOT_SEEN and name.partition(":")[0] not in IN_PROCESS
]


@pytest.mark.parametrize("name", NAMES)
def test_the_wire_changes_no_verdict(name: str, tmp_path: Path) -> None:
    named = name.partition(":")[0] if ":" in name else None
    with limits(3.0, 1.0) if named else limits(15.0, 2.0):
        failed = verdicts_over_the_wire("event-subscriber", MODULE, name, PROFILE, tmp_path, only=named)
    assert failed.keys() == ({named} if named is not None else set()), failed


def test_close_ends_a_wait_over_the_wire_too(tmp_path: Path) -> None:
    """ES-022 is asked in process; over the wire it is ES-023."""
    name = "ES-022: closes when a receive that is under way has ended"
    with limits(3.0, 1.0):
        failed = verdicts_over_the_wire("event-subscriber", MODULE, name, PROFILE, tmp_path, only="ES-023")
    assert failed.keys() == {"ES-023"}


def test_the_names_of_the_quick_ones_exist() -> None:
    assert SUBSCRIBERS.keys() >= QUICK | NOT_SEEN
