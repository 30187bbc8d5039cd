"""What the event suites ask in other ways than most: of the factory itself, and in an event loop."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path

import pytest

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.others import Asyncio, connect_asyncio
from contracts.event_transport.subscriber.running import subject_of
from contracts.suite_runs import verdicts_of
from trueup_contracts.errors import LateError, Refusal
from trueup_contracts.event_transport import SUBSCRIBER
from trueup_contracts.event_transport.looping import InLoop, in_loop
from trueup_contracts.event_transport.values import to_wire, told
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject

TESTS = Path(__file__).parents[3]
NOBODY = "tcp://127.0.0.1:9"
CODE = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), None, '__main__')"
ARGV = [sys.executable, "-c", CODE, str(TESTS), "contracts.event_transport.subscriber.over_the_wire", "Hooked"]


def test_a_factory_is_asked_in_process() -> None:
    subject = subject_of(Hooked)
    assert subject.call("timeout_env") == "HOOKED_RECV_TIMEOUT_MS"
    assert subject.snippet().splitlines()[-1] == "subject.timeout_env()"
    with pytest.raises(Refusal, match="unsupported"):
        subject.call("decode", frames=[], format="A")
    subject.end()


def test_a_factory_is_asked_over_the_wire(tmp_path: Path) -> None:
    subject = WireSubject(SUBSCRIBER, "wire", shlex.join(ARGV), Settings(tmp_path))
    try:
        assert subject.call("timeout_env") == "HOOKED_RECV_TIMEOUT_MS"
        assert '"op":"timeout_env","args":{}' in subject.snippet().replace(" ", "")
        with pytest.raises(Refusal, match="unsupported"):
            subject.call("decode", frames=[b"kv"], format="A")
        handle = subject.open(endpoints=[NOBODY], topic="kv", recv_timeout_ms=0, format="A")
        handle.call("close")
        with pytest.raises(Refusal, match="closed"):
            handle.call("close")
        del handle  # and is not closed once more
        subject.open(endpoints=[NOBODY], topic="kv", recv_timeout_ms=0, format="A")
        assert subject.process_ids != []
    finally:
        subject.end()


def test_an_adapter_that_is_given_up_is_ended_and_started_again(tmp_path: Path) -> None:
    import threading

    from trueup_contracts.apart import Apart

    subject = WireSubject(SUBSCRIBER, "wire", shlex.join(ARGV), Settings(tmp_path))
    try:
        subject.begin("one")
        handle = subject.open(endpoints=[NOBODY], topic="kv", recv_timeout_ms=60_000, format="A")
        before = subject.process_ids
        with pytest.raises(LateError):
            Apart(subject).run(lambda: handle.call("recv"), 0.05)
        subject.begin("another")
        subject.open(endpoints=[NOBODY], topic="kv", recv_timeout_ms=0, format="A")
        assert set(subject.process_ids) & set(before) == set()
    finally:
        subject.end()
    assert threading.active_count() < 20


def test_what_the_suite_needs_itself_is_needed_for_every_way() -> None:
    info = dataclasses.replace(SUBSCRIBER, kit_modules={"no_such_module": "zmq"}, modules={"neither_this": "torch"})
    assert info.missing_module(in_process=False) == "no_such_module is not installed: pip install 'trueup[zmq]'"
    info = dataclasses.replace(SUBSCRIBER, modules={"neither_this": "torch"})
    assert info.missing_module(in_process=False) is None
    assert info.missing_module(in_process=True) == "neither_this is not installed: pip install 'trueup[torch]'"


def test_coroutines_run_in_a_loop_of_their_own() -> None:
    plain = Hooked([NOBODY], "kv", "A", recv_timeout_ms=0)
    assert in_loop(plain) is plain
    plain.close()
    args = {"endpoints": [NOBODY], "topic": "kv", "format": "A"}
    made = in_loop(connect_asyncio(**args, recv_timeout_ms=10))
    assert isinstance(made, InLoop)
    assert isinstance(made.object, Asyncio)
    assert made.timeout_s == 0.01
    assert made.recv() is None
    made.close()
    with pytest.raises(ValueError, match="recv_timeout_ms -1"):
        in_loop(connect_asyncio(**args, recv_timeout_ms=-1))
    subject = subject_of(connect_asyncio)
    with pytest.raises(Refusal, match="invalid: recv_timeout_ms -1"):
        subject.open(**args, recv_timeout_ms=-1)
    subject.end()


def test_messages_may_be_objects_or_mappings() -> None:
    from contracts.event_transport.subscriber.parts import Message

    message = Message("e", "kv", 1, None, b"x")
    due = {"endpoint": "e", "topic": "kv", "sequence": 1, "publisher_id": None, "payload": b"x"}
    assert told(message) == to_wire(message) == {**due, "before": None, "replayed": False}
    assert told(due) == due
    assert to_wire(None) is None
    assert to_wire({"received": 1}) == {"received": 1}


class _Stubborn:
    """Its `recv` never comes back, and neither does what it is made of."""

    def __init__(self, endpoints: list[str], topic: str, recv_timeout_ms: int, format: str) -> None:
        pass

    def recv(self) -> None:
        import threading

        threading.Event().wait(5)


def test_the_run_goes_on_when_a_call_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    from trueup_contracts import budgets

    monkeypatch.setattr(budgets, "MARGIN_S", 0.2)
    failed = verdicts_of(subject_of(_Stubborn), Profile("quick", 0), "ES-001")
    assert "recv() was still waiting 0.24 s after its call" in failed["ES-001"]


def test_what_the_publisher_sent_is_shown_among_the_calls() -> None:
    from trueup_contracts.budgets import Budgets
    from trueup_contracts.event_transport.peers import Peer
    from trueup_contracts.event_transport.subscriber.calls import subscribed

    subject = subject_of(Hooked)
    with Peer(Budgets()) as peer, subscribed(subject, peer) as subscriber:
        peer.send([b"kv", b"7"], [b"kv"])
        subscriber.nothing()
        peer.send(*([b"kv", bytes([number])] for number in range(50)))
        subscriber.nothing()
        shown = subject.snippet().splitlines()
    assert shown[-4:] == [
        "# the publisher sends [6b76, 37], then [6b76]",
        "subject.recv()",
        "# the publisher sends 47 messages, then [6b76, 2f], then [6b76, 30], then [6b76, 31]",
        "subject.recv()",
    ]
    subject.end()
