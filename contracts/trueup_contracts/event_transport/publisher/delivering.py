"""Every batch once and in order, whoever listens and whatever fails: EP-030 to EP-044."""

from __future__ import annotations

import functools
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from trueup_contracts import requirement
from trueup_contracts.event_transport.publisher.batches import batch, mark_of, unencodable
from trueup_contracts.event_transport.publisher.calls import Publisher, check_marks, heard, numbers
from trueup_contracts.event_transport.publisher.peers import Listener, Stalled, Upstream
from trueup_contracts.event_transport.publisher.reading import Heard
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Handle, Subject

ROUND = 400  # batches: below the high-water mark of 1,000 that sockets have by default
LARGE_BYTES, LARGE_ROUND = 1 << 16, 250  # of these: more than a socket's buffers hold
LONG = 5_000
ODD = [b"", b"\x00", b"\x01" + b"t" * 5_000, b"\x02kv", b"\xff" * 9, b"kv", b"\x01\xff\xfe", b"\x00nobody"]


def _complete(found: list[Heard], first: int, count: int) -> None:
    due = list(range(first, first + count))
    assert [one.number for one in found] == due, f"numbers {first} to {due[-1]} are due in order, came {numbers(found)}"
    check_marks(found)


@requirement("EP-030")
def test_every_batch_arrives_once_and_in_order(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        first = publisher.calls
        publisher.many(ROUND)
        _complete(publisher.all_until_now(listener), first, ROUND)


@requirement("EP-031")
def test_every_subscriber_hears_all(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher, ExitStack() as stack:
        listeners = [stack.enter_context(Listener(publisher.endpoint)) for _ in range(3)]
        first = publisher.reach(*listeners) + 1
        for _ in range(100):
            publisher.accepted()
        last = publisher.accepted()
        for listener in listeners:
            _complete(publisher.until(listener, last), first, 101)


@requirement("EP-032")
def test_nobody_needs_to_listen(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        assert publisher.many(ROUND) == list(range(ROUND)), "publish refused a batch, and nothing is full"
        with Listener(publisher.endpoint) as listener:
            publisher.reach(listener)
            number = publisher.accepted()
            check_marks(publisher.until(listener, number))


@requirement("EP-033")
def test_a_stalled_subscriber_stops_nobody(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener), Stalled(publisher.endpoint) as stalled:
        assert stalled.is_let_in(publisher.signal_s), "a second subscriber was not let in"
        publisher.reach(listener)
        for round_begins in range(0, LARGE_ROUND, 50):
            first = publisher.calls
            told = f" of 64 KiB, beside a subscriber that does not read, after {round_begins} others,"
            publisher.many(50, told, size_bytes=LARGE_BYTES)
            _complete(publisher.until(listener, publisher.calls - 1), first, 50)


@requirement("EP-034")
def test_what_cannot_be_encoded_leaves_a_gap(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        before = publisher.accepted()
        publisher.refused(unencodable())
        after = before + 2
        publisher.publish()
        found = publisher.until(listener, after)
        assert [one.number for one in found] == [before, after], (
            f"number {before} was published, then a batch that cannot be encoded (a hash of 65 bits), then one more: "
            f"{before} and {after} are due, came {numbers(found)}"
        )
        check_marks(found)


@requirement("EP-035")
def test_no_number_is_used_twice(trueup_subject: Subject, trueup_profile: Profile) -> None:
    choices = random.Random(trueup_profile.seed)
    with heard(trueup_subject) as (publisher, listener):
        due = []
        for _ in range(trueup_profile.examples):
            if choices.random() < 0.2:
                publisher.refused(unencodable())
            else:
                due.append(publisher.accepted())
        found = publisher.all_until_now(listener)
        assert [one.number for one in found] == due, (
            f"due are the numbers of what can be encoded, came {numbers(found)}"
        )
        check_marks(found)


@requirement("EP-036")
def test_the_counts_add_up(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        for _ in range(20):
            publisher.accepted()
        publisher.refused(unencodable())
        last = publisher.accepted()
        publisher.until(listener, last)
        assert publisher.flush(), "flush ended without success, and nothing is full"
        stats = publisher.stats()
        assert stats["accepted"] == stats["sent"] + stats["queued"] + stats["dropped"], (
            f"accepted is not sent + queued + dropped: {stats}"
        )
        assert stats["accepted"] + stats["refused"] == publisher.calls, (
            f"publish was called {publisher.calls} times: {stats}"
        )
        assert stats["queued"] == 0, f"all was flushed, and something is queued: {stats}"
        assert stats["sent"] == publisher.calls - 1, f"all but one can be sent of {publisher.calls}: {stats}"


@requirement("EP-037")
def test_subscribers_come_and_go(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        first, rounds = publisher.calls, 20
        for _ in range(rounds):
            with Listener(publisher.endpoint) as other:
                assert other.is_let_in(publisher.signal_s), "a subscriber was not let in, after others had gone"
                publisher.accepted()
        _complete(publisher.all_until_now(listener), first, rounds)


@requirement("EP-038")
def test_whatever_subscribers_send_ends_nothing(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener), Upstream(publisher.endpoint) as upstream:
        for message in ODD:
            upstream.send(message)
        upstream.send(b"\x01")  # it subscribes to everything: what it hears shows that the others were read
        heard_back = publisher.signal_s + time.monotonic()
        while upstream.take(0.02) is None:
            assert time.monotonic() < heard_back, f"a peer that sent {ODD[:2]} … and then subscribed hears nothing"
            publisher.accepted()
        first = publisher.calls
        publisher.until(listener, publisher.accepted())
        for _ in range(20):
            publisher.accepted()
        _complete(publisher.all_until_now(listener), first + 1, 20)


@requirement("EP-040")
def test_a_restart_is_heard_by_who_stayed(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        endpoint = publisher.endpoint
        publisher.close(linger_s=1.0)
        while listener.take(0) is not None:
            pass
        with Publisher(trueup_subject, endpoint=endpoint) as again:
            assert again.endpoint == endpoint, f"bound again to {endpoint}, it tells {again.endpoint}"
            again.reach(listener)
            check_marks(again.until(listener, again.accepted()))


@requirement("EP-042")
def test_a_long_burst_arrives_whole(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        first = publisher.calls
        publisher.many(LONG)
        _complete(publisher.all_until_now(listener), first, LONG)


@contextmanager
def often_in_turn() -> Iterator[None]:
    """Threads take turns often, so that what is read and written in two steps shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@requirement("EP-043")
def test_threads_publish_at_once(trueup_subject: Subject) -> None:
    threads, each = 4, 200
    with heard(trueup_subject) as (publisher, listener):
        first, start = publisher.calls, threading.Barrier(threads)

        def work(handle: Handle, thread: int) -> list[int]:
            start.wait()
            return [handle.call("publish", batch=batch(1_000 * (thread + 1) + number)) for number in range(each)]

        with often_in_turn():
            working = [publisher.beside(functools.partial(work, thread=one)) for one in range(threads)]
            answered = [one.answer(publisher.signal_s, f"{each} publishes of a thread") for one in working]
        publisher.calls += threads * each
        found = publisher.all_until_now(listener)
        due = list(range(first, first + threads * each))
        assert [one.number for one in found] == due, (
            f"numbers {due[0]} to {due[-1]} are due in order, came {numbers(found)}"
        )
        for thread, told in enumerate(answered):
            assert told == sorted(told), f"publish answered one thread the numbers {told}"
            marks = {1_000 * (thread + 1) + number: answer for number, answer in enumerate(told)}
            for one in found:
                mark = mark_of(one.payload)
                assert mark not in marks or marks[mark] == one.number, (
                    f"a batch of which publish answered {marks[mark]} has number {one.number}"
                )
