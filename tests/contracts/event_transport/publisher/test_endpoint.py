"""A publisher that runs already: what needs no control is judged, by its endpoint alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from contracts.event_transport.publisher.faults_of_framing import LittleEndian, TwoDialects
from contracts.event_transport.publisher.faults_of_replays import KeepsMost
from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.running import PROFILE
from contracts.suite_runs import verdicts_of
from fix_repository import PROJECT
from trueup_contracts.declarations import parse
from trueup_contracts.errors import NotRunError, TargetError
from trueup_contracts.event_transport import PUBLISHER
from trueup_contracts.event_transport.publisher.batches import batch
from trueup_contracts.subject import Settings, load

ANYWHERE = "tcp://127.0.0.1:0"
ASKED = {"EP-001", "EP-002", "EP-013", "EP-099"}


@contextmanager
def engine(factory: type[Hooked], every_s: float = 0.005) -> Iterator[str]:
    """A publisher that publishes by itself; its target."""
    publisher = factory(ANYWHERE, "kv", "A", replay_endpoint=ANYWHERE)
    over = threading.Event()

    def publish() -> None:
        number = 0
        while not over.wait(every_s):
            publisher.publish(batch(number))
            number += 1

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield f"{publisher.endpoint}?replay={publisher.replay_endpoint.rpartition(':')[2]}"
    finally:
        over.set()
        thread.join()
        publisher.close(0)


def verdicts(target: str, scale: float = 0.1) -> dict[str, str]:
    [declared] = parse([f"event-publisher = {target}"])
    return verdicts_of(load(declared.target, PUBLISHER, declared.label, Settings(PROJECT, scale)), PROFILE)


def test_what_can_be_heard_is_judged() -> None:
    with engine(Hooked) as target:
        subject = load(target, PUBLISHER, "x", Settings(PROJECT, 0.1))
        asked = {one.id for one in PUBLISHER.requirements.values() if one.needs <= subject.capabilities}
        assert asked - {"EP-011"} == ASKED
        assert verdicts_of(subject, PROFILE) == {}


@pytest.mark.parametrize(
    ("factory", "requirement"), [(LittleEndian, "EP-002"), (TwoDialects, "EP-013"), (KeepsMost, "EP-099")]
)
def test_faults_are_found_from_outside(factory: type[Hooked], requirement: str) -> None:
    with engine(factory) as target:
        assert requirement in verdicts(target)


def test_who_says_nothing_is_not_judged() -> None:
    with engine(Hooked, every_s=60.0) as target, pytest.raises(NotRunError, match="0 messages came from"):
        verdicts(target)


TARGETS: dict[str, Any] = {
    "tcp://127.0.0.1": "is no endpoint that can be listened to",
    "tcp://127.0.0.1:5557?replay=x": "is no endpoint that can be listened to",
    "tcp://127.0.0.1:5557?topic=kv": "is no endpoint that can be listened to",
    "tcp://127.0.0.1:99999": "is no endpoint: Port out of range",
}


@pytest.mark.parametrize("target", TARGETS)
def test_targets_that_cannot_be(target: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse([f"event-publisher = {target}"])
    assert TARGETS[target] in str(caught.value)
    assert "write tcp://HOST:PORT" in str(caught.value)


def test_nobody_there() -> None:
    with engine(Hooked) as target:
        gone = target
    with pytest.raises(TargetError, match="nobody listens there"):
        verdicts(gone)


def test_other_suites_are_not_asked_this_way() -> None:
    with pytest.raises(TargetError, match="the suite router is not asked this way: tcp"):
        parse(["router = tcp://127.0.0.1:5557"])
