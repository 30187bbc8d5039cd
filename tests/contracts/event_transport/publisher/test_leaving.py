"""Publishers in an interpreter of their own that write a lot, never open, or raise: told by EP-068 and EP-069."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.running import verdicts
from trueup_contracts.event_transport import PUBLISHER
from trueup_contracts.event_transport.publisher import leaving


class Loud(Hooked):
    """What it writes fills every pipe that nobody reads."""

    def publish(self, batch: Any) -> int | None:
        for stream in (sys.stdout, sys.stderr):
            stream.write("published\n" * 2_000)
            stream.flush()
        return super().publish(batch)


class NeverOpen(Hooked):
    """Its constructor waits, and tells why meanwhile."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        if threading.current_thread() is threading.main_thread():
            while not threading.Event().wait(0.05):
                print("waiting for an engine", flush=True)


class Raises(Hooked):
    """Its constructor fails."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        raise OSError("no engine is there")


@pytest.mark.parametrize("named", ["EP-068", "EP-069"])
def test_what_a_publisher_writes_stops_nobody(named: str) -> None:
    assert verdicts(PUBLISHER, Loud, only=named) == {}


def test_one_that_never_opens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "SIGNAL_S", 1.0)
    found = verdicts(PUBLISHER, NeverOpen, only="EP-068")
    assert "a publisher in an interpreter of its own was not open after 1 s" in found["EP-068"]


def test_the_error_comes_first() -> None:
    told = verdicts(PUBLISHER, Raises, only="EP-068")["EP-068"].splitlines()
    assert told[0].endswith("a publisher cannot be opened in an interpreter of its own: OSError: no engine is there")
