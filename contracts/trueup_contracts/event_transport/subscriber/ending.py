"""What a subscriber takes while it waits, and what is left of it: ES-020 to ES-029."""

from __future__ import annotations

import signal
import time
from concurrent.futures import Future
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.event_transport.frames import frames_a
from trueup_contracts.event_transport.peers import Peer
from trueup_contracts.event_transport.subscriber.calls import LONG_MS, Subscriber, subscribed
from trueup_contracts.event_transport.subscriber.living import NOBODY
from trueup_contracts.event_transport.subscriber.program import Program
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject
from trueup_contracts.usage import Usage, usage

MIB = 1 << 20
WAIT_MS = 100
MOST_CPU_S = 0.005  # for such a wait
GROWTH_BYTES = 6 * MIB
ROUNDS = {"quick": 30, "default": 100, "thorough": 1_000}


@requirement("ES-020")
def test_waiting_takes_no_time_of_the_processor(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, recv_timeout_ms=WAIT_MS) as subscriber,
    ):
        subscriber.nothing()
        taken = []
        for _ in range(3):
            before = usage(trueup_subject.process_ids).cpu_s
            subscriber.nothing("beside a publisher that sends nothing")
            taken.append(usage(trueup_subject.process_ids).cpu_s - before)
        least_s = min(taken)
        assert least_s <= MOST_CPU_S, (
            f"a recv() that waited for {WAIT_MS} ms took {least_s * 1_000:.1f} ms of the processor, the least of 3: "
            "it looks again and again in place of waiting"
        )


@requirement("ES-021")
def test_timeouts_leave_nothing_behind(trueup_subject: Subject) -> None:
    rounds = 250
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, recv_timeout_ms=1) as subscriber,
    ):
        for _ in range(rounds):
            subscriber.nothing()
        before = usage(trueup_subject.process_ids)
        for _ in range(rounds):
            subscriber.nothing()
        _must_be_flat(before, usage(trueup_subject.process_ids), f"{rounds} timeouts")


@requirement("ES-022")
def test_close_ends_a_wait(trueup_subject: Subject) -> None:
    _close_ends_a_wait(trueup_subject)


@requirement("ES-023")
def test_close_ends_a_wait_over_the_wire(trueup_subject: Subject) -> None:
    _close_ends_a_wait(trueup_subject)


def _close_ends_a_wait(subject: Subject) -> None:
    __tracebackhide__ = True
    budgets = Budgets(subject.scale)
    with Peer(budgets) as peer, Subscriber(subject, peer.endpoint, recv_timeout_ms=LONG_MS) as subscriber:
        peer.wait()
        began = subscriber.begin()
        time.sleep(0.1)  # it shall wait already; where it does not yet, recv is called after close
        started = time.monotonic()
        subscriber.close_from_elsewhere()
        found = _ended(began, subscriber, budgets.margin_s)
        took_s = time.monotonic() - started
        assert found is None, f"recv() answered {found} when it was closed; nothing was sent"
        assert took_s <= budgets.margin_s, f"close() took {took_s:.1f} s while recv() waited in another thread"


def _ended(began: Future[Any], subscriber: Subscriber, limit_s: float) -> Any:
    __tracebackhide__ = True
    try:
        return subscriber.answer(began, "and close() in another thread", limit_s)
    except (Refusal, AdapterError):
        return None  # it may raise, too


@requirement("ES-024")
def test_what_is_closed_receives_no_more(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer) as subscriber,
    ):
        peer.send(frames_a(0))
        subscriber.message()
        peer.send(frames_a(1))
        subscriber.close()
        try:
            found = subscriber.recv("after close()")
        except Refusal as refusal:
            assert trueup_subject.in_process or refusal.code == "closed", f"recv() after close(): {refusal}"
        except AdapterError:
            assert trueup_subject.in_process, "recv() after close() must be refused as closed"
        else:
            raise AssertionError(f"recv() after close() answered {found}; an error is due, closed over the wire")


@requirement("ES-025")
def test_close_may_come_twice(trueup_subject: Subject) -> None:
    with Subscriber(trueup_subject, NOBODY) as subscriber:
        subscriber.nothing()
        subscriber.close()
        try:
            subscriber.close()
        except (Refusal, AdapterError) as error:
            # Over the wire the handle is gone: an adapter may know it no more.
            is_gone = isinstance(error, Refusal) and error.code == "closed" and not trueup_subject.in_process
            assert is_gone, f"a second close(): {error}"


@requirement("ES-026")
def test_close_comes_back(trueup_subject: Subject) -> None:
    with Subscriber(trueup_subject, NOBODY) as subscriber:  # a connection that is still being tried
        subscriber.close()
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer) as subscriber,
    ):
        peer.send(*(frames_a(sequence) for sequence in range(200)))
        subscriber.message()
        subscriber.close()  # with messages that nobody wants


@requirement("ES-027")
def test_many_subscribers_leave_nothing_behind(trueup_subject: Subject, trueup_profile: Profile) -> None:
    rounds = ROUNDS[trueup_profile.name]
    budgets = Budgets(trueup_subject.scale)
    with Peer(budgets) as peer:

        def one() -> None:
            with subscribed(trueup_subject, peer, recv_timeout_ms=0) as subscriber:
                subscriber.recv()

        for _ in range(3):
            one()
        before = usage(trueup_subject.process_ids)
        for _ in range(rounds):
            one()

        def look() -> bool:  # threads of an event loop or a library end a moment later
            return not _more(before, usage(trueup_subject.process_ids), rounds)

        try:
            budgets.until(look, "")
        except AssertionError:
            more = _more(before, usage(trueup_subject.process_ids), rounds)
            raise AssertionError(f"{rounds} subscribers were opened and closed: {more} are left") from None


@requirement("ES-028")
def test_the_interpreter_ends_with_an_open_subscriber(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with Peer(budgets) as peer, Program(trueup_subject, peer.endpoint, "once") as program:
        peer.wait()
        peer.send(frames_a(0))
        program.has_received(budgets)
        program.ends(budgets, "a program that received once and ended with its subscriber open")


@requirement("ES-029")
def test_an_interrupt_ends_a_wait(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with Peer(budgets) as peer, Program(trueup_subject, peer.endpoint, "for ever") as program:
        peer.wait()
        peer.send(frames_a(0))
        program.has_received(budgets)
        time.sleep(0.1)  # it shall wait in recv again; where it does not yet, it is interrupted before
        program.send_signal(signal.SIGINT)
        if not program.is_gone_within(1.0 * trueup_subject.scale):
            # It may have come just before a call waited, or in a place where Python drops it: users press it again.
            program.send_signal(signal.SIGINT)
        program.ends(budgets, "a program that got SIGINT (Ctrl-C) while recv() waited", may_fail=True)


def _must_be_flat(before: Usage, after: Usage, what: str) -> None:
    __tracebackhide__ = True
    more = _more(before, after, 20)
    assert not more, f"{what}: {more} are left"
    grown = after.resident_bytes - before.resident_bytes
    assert grown <= GROWTH_BYTES, f"{what}: {grown / MIB:.1f} MiB of memory are left"


def _more(before: Usage, after: Usage, rounds: int) -> str:
    """Descriptors and threads that are left, where they are many."""
    descriptors, threads = after.descriptors - before.descriptors, after.threads - before.threads
    told = [f"{descriptors} descriptors"] if descriptors > rounds // 4 else []
    return " and ".join([*told, f"{threads} threads"] if threads > rounds // 4 else told)
