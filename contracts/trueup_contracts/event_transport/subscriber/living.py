"""Whether a subscriber lives on whatever its publisher does: ES-001 to ES-014."""

from __future__ import annotations

import itertools
import time

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.event_transport.frames import batch, frames_a
from trueup_contracts.event_transport.peers import Peer, PeerProcess
from trueup_contracts.event_transport.relay import Relay
from trueup_contracts.event_transport.subscriber.calls import LONG_MS, Subscriber, subscribed
from trueup_contracts.subject import Subject

NOBODY = "tcp://127.0.0.1:9"  # discard: nobody listens there, and no test takes it by chance
TIMES = 3


@requirement("ES-001")
def test_no_publisher_at_all(trueup_subject: Subject) -> None:
    with Subscriber(trueup_subject, NOBODY) as subscriber:
        for number in range(TIMES):
            subscriber.nothing(f"number {number + 1} without any publisher")


@requirement("ES-002")
def test_a_publisher_that_never_sends(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer) as subscriber,
    ):
        for number in range(TIMES):
            subscriber.nothing(f"number {number + 1} beside a publisher that sends nothing")


@requirement("ES-003")
def test_a_message_after_many_timeouts(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, recv_timeout_ms=5) as subscriber,
    ):
        for sequence in range(2):
            for _ in range(20):
                subscriber.nothing("beside a publisher that sends nothing")
            peer.send(frames_a(sequence))
            found = subscriber.message("20 timeouts, and then a message was sent")
            assert found.sequence == sequence, f"sent was {sequence}, received {found}"


@requirement("ES-004")
def test_a_message_ends_the_wait(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer) as first,
        Subscriber(trueup_subject, peer.endpoint, recv_timeout_ms=LONG_MS) as subscriber,
    ):
        peer.wait(1, first.nothing)
        began = subscriber.begin()
        time.sleep(0.05)  # it shall wait already; where it does not yet, it has less to do
        peer.send(frames_a(0))
        found = subscriber.answer(began, "and a message was sent meanwhile", subscriber.budgets.signal_s)
        assert found is not None, "recv() answered nothing; a message was sent while it waited"


@requirement("ES-005")
def test_zero_polls(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, recv_timeout_ms=0) as subscriber,
    ):
        for _ in range(TIMES):
            subscriber.nothing("beside a publisher that sends nothing")
        peer.send(frames_a(0))
        assert subscriber.message("which polls, and a message was sent").sequence == 0


@requirement("ES-006")
def test_the_timeout_is_the_one_that_was_set(trueup_subject: Subject) -> None:
    for timeout_ms in (10, 250):
        with Subscriber(trueup_subject, NOBODY, recv_timeout_ms=timeout_ms) as subscriber:
            fastest_s = min(_took_s(subscriber) for _ in range(5 if timeout_ms < 100 else 1))
        most_s = 0.1 * trueup_subject.scale + timeout_ms / 1_000
        assert timeout_ms > 100 or fastest_s <= most_s, (
            f"recv() took {fastest_s * 1_000:.0f} ms or more each time, with recv_timeout_ms={timeout_ms}"
        )


@requirement("ES-007")
def test_a_publisher_that_is_killed(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with PeerProcess(budgets) as peer, subscribed(trueup_subject, peer) as subscriber:
        peer.send(frames_a(0))
        assert subscriber.message("of a publisher in a process of its own").sequence == 0
        peer.kill()
        for _ in range(TIMES):
            subscriber.nothing("after its publisher was ended by SIGKILL")


@requirement("ES-008")
def test_a_publisher_that_is_stopped(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with PeerProcess(budgets) as peer, subscribed(trueup_subject, peer) as subscriber:
        peer.send(frames_a(0))
        assert subscriber.message("of a publisher in a process of its own").sequence == 0
        peer.stop()
        for _ in range(TIMES):
            subscriber.nothing("after its publisher was stopped by SIGSTOP")
        peer.go_on()
        _arrives(subscriber, peer, "after its publisher was stopped and went on")


@requirement("ES-009")
def test_a_publisher_that_comes_back(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with Peer(budgets) as peer, subscribed(trueup_subject, peer) as subscriber:
        peer.send(frames_a(0))
        subscriber.message()
        endpoint = peer.endpoint
        peer.close()
        subscriber.nothing("after its publisher has ended")
        with Peer(budgets, endpoint) as another:
            another.wait(1, subscriber.nothing)
            another.send(frames_a(0), frames_a(1))
            found = [subscriber.message("of a publisher that came back to its endpoint").sequence for _ in range(2)]
            assert found == [0, 1], f"the publisher came back and sent 0 and 1; received were {found}"


@requirement("ES-010")
def test_a_connection_that_is_reset(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with (
        Peer(budgets) as peer,
        Relay(peer.endpoint) as relay,
        subscribed(trueup_subject, peer, via=relay.endpoint) as subscriber,
    ):
        peer.send(frames_a(0))
        subscriber.message()
        relay.drop()
        for _ in range(TIMES):
            subscriber.nothing("after its connection was reset, and is at every attempt")
        relay.mend()
        peer.wait(1, subscriber.nothing)
        peer.send(frames_a(1))
        assert subscriber.message("after the network was mended").sequence == 1


@requirement("ES-011")
def test_a_network_that_stands_still(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with (
        Peer(budgets) as peer,
        Relay(peer.endpoint) as relay,
        subscribed(trueup_subject, peer, via=relay.endpoint) as subscriber,
    ):
        relay.stall()
        peer.send(frames_a(0))
        for _ in range(TIMES):
            subscriber.nothing("with a network in which nothing passes")
        relay.mend()
        _arrives(subscriber, peer, "after the network was mended")


@requirement("ES-012")
def test_a_connection_that_is_cut_in_a_message(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with (
        Peer(budgets) as peer,
        Relay(peer.endpoint) as relay,
        subscribed(trueup_subject, peer, via=relay.endpoint) as subscriber,
    ):
        peer.send(frames_a(0))
        subscriber.message()
        relay.cut_after(10_000)
        peer.send(frames_a(1, batch(1, tokens=30_000)))
        peer.wait(1, subscriber.nothing)
        assert relay.cuts == 1, "the kit's relay has cut nothing"
        peer.send(frames_a(2))
        found = subscriber.message("after its connection was cut in the middle of a message")
        assert (found.sequence, found.payload) == (2, batch(2)), (
            f"message 1 was cut in the middle of a frame, and 2 was sent whole; received was {found.sequence} with "
            f"{len(found.payload):,} bytes"
        )


@requirement("ES-013")
def test_no_timeout_below_zero(trueup_subject: Subject) -> None:
    for timeout_ms in (-1, -1_000):
        _must_be_refused(trueup_subject, timeout_ms)


@requirement("ES-014")
def test_no_timeout_that_is_no_time(trueup_subject: Subject) -> None:
    for timeout_ms in (2**31, 2**63, 1e300, float("inf"), float("nan"), 0.5, True, "100", "forever"):
        _must_be_refused(trueup_subject, timeout_ms)


def _arrives(subscriber: Subscriber, peer: Peer | PeerProcess, after: str) -> None:
    """One of many messages; one that watches its connection by heartbeats has left it, and comes back in its time."""
    __tracebackhide__ = True
    sequences = itertools.count(1)

    def look() -> bool:
        peer.send(frames_a(next(sequences)))
        return subscriber.recv(after) is not None

    subscriber.budgets.until(look, f"no message was received {after}")


def _must_be_refused(subject: Subject, timeout_ms: object) -> None:
    __tracebackhide__ = True
    try:
        with Subscriber(subject, NOBODY, recv_timeout_ms=timeout_ms):  # type: ignore[arg-type]
            pass
    except Refusal as refusal:
        assert refusal.code == "invalid", f"recv_timeout_ms={timeout_ms!r}: refused as {refusal}; invalid is due"
    except AdapterError as error:
        raise AssertionError(f"recv_timeout_ms={timeout_ms!r}: {error}; a refusal as invalid is due") from None
    else:
        raise AssertionError(f"recv_timeout_ms={timeout_ms!r} was taken: no such time to wait")


def _took_s(subscriber: Subscriber) -> float:
    started = time.monotonic()
    subscriber.nothing("without any publisher")
    return time.monotonic() - started
