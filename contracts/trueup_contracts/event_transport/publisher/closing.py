"""How a publisher ends: EP-060 to EP-071."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.event_transport.publisher.calls import Publisher, eventually, heard, numbers
from trueup_contracts.event_transport.publisher.peers import Stalled
from trueup_contracts.subject import Subject

LARGE_BYTES, LARGE_ROUND = 1 << 16, 250  # of these: more than a socket's buffers hold
CYCLES = 25


@requirement("EP-060")
def test_close_ends_in_time(trueup_subject: Subject) -> None:
    for linger_s in (0.0, 0.3):
        with Publisher(trueup_subject) as publisher:
            for _ in range(50):
                publisher.publish()
            publisher.close(linger_s)


@requirement("EP-061")
def test_close_ends_in_time_beside_a_stalled_subscriber(trueup_subject: Subject) -> None:
    for linger_s in (0.0, 0.3):
        with Publisher(trueup_subject) as publisher, Stalled(publisher.endpoint) as stalled:
            assert stalled.is_let_in(publisher.signal_s), "a subscriber was not let in"
            publisher.within(
                publisher.signal_s,
                lambda publisher=publisher: [publisher.publish(size_bytes=LARGE_BYTES) for _ in range(LARGE_ROUND)],
                f"{LARGE_ROUND} publishes of 64 KiB, beside a subscriber that does not read,",
            )
            publisher.close(linger_s)


@requirement("EP-062")
def test_close_twice(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        publisher.publish()
        publisher.close()
        publisher.close()


@requirement("EP-063")
def test_calls_after_close_are_refused(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        publisher.publish()
        publisher.close()
        calls: dict[str, Callable[[], object]] = {
            "publish": publisher.publish,
            "flush": lambda: publisher.flush(0.1),
        }
        for name, call in calls.items():
            try:
                answered = publisher.within(publisher.margin_s, call, f"{name}, after close,")
            except Refusal as error:
                assert error.code == "closed", f"{name} after close was refused as {error}; closed is due"
            else:
                raise AssertionError(f"{name} after close answered {answered!r}; the error closed is due")


@requirement("EP-064")
def test_close_sends_what_was_accepted(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        numbers_due = [publisher.accepted() for _ in range(300)]
        publisher.close(publisher.signal_s)
        found = publisher.until(listener, numbers_due[-1])
        assert [one.number for one in found] == numbers_due, (
            f"{numbers_due[0]} to {numbers_due[-1]} were accepted before close, came {numbers(found)}"
        )


@requirement("EP-065")
def test_no_thread_is_left(trueup_subject: Subject) -> None:
    # Those of a context that all publishers of a process share stay, and are no leak.
    _cycle(trueup_subject, 2)
    _check_growth("threads", lambda: len(os.listdir("/proc/self/task")), trueup_subject)


@requirement("EP-066")
def test_no_descriptor_is_left(trueup_subject: Subject) -> None:
    _cycle(trueup_subject, 2)
    _check_growth("descriptors", lambda: len(os.listdir("/proc/self/fd")), trueup_subject)


@requirement("EP-067")
def test_its_port_is_free_after_close(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        endpoint = publisher.endpoint
        publisher.close()
    for _ in range(3):
        with Publisher(trueup_subject, endpoint=endpoint) as again:
            assert again.endpoint == endpoint


@requirement("EP-071")
def test_a_linger_that_cannot_be_is_refused(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        try:
            publisher.handle.call("close", linger_ms=-1)
        except Refusal as error:
            assert error.code == "invalid", f"linger_ms=-1 was refused as {error}; invalid is due"
        else:
            raise AssertionError("linger_ms=-1 was taken: to ZeroMQ it means for ever")


def _cycle(subject: Subject, times: int) -> None:
    for _ in range(times):
        with Publisher(subject) as publisher:
            publisher.publish()


def _check_growth(what: str, count: Callable[[], int], subject: Subject) -> None:
    """Opening and closing many times leaves nothing behind."""
    gc.collect()
    before = count()
    _cycle(subject, CYCLES)

    def is_gone() -> bool:
        gc.collect()
        return count() < before + CYCLES // 2

    is_flat = eventually(is_gone, 5.0 * subject.scale)
    assert is_flat, f"{CYCLES} publishers were opened and closed: {before} {what} before, {count()} after"

