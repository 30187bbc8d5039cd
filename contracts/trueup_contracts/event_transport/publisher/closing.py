"""How a publisher ends: EP-060 to EP-071."""

from __future__ import annotations

import gc
from collections.abc import Callable

from trueup_contracts import requirement
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.event_transport.publisher.calls import Publisher, eventually, heard, numbers
from trueup_contracts.event_transport.publisher.peers import Stalled
from trueup_contracts.event_transport.publisher.reading import Heard
from trueup_contracts.resident import collecting_what_is_new
from trueup_contracts.subject import Subject
from trueup_contracts.usage import usage

LARGE_BYTES, LARGE_ROUND = 1 << 16, 250  # of these: more than a socket's buffers hold
LAST_ROUND = 800
CYCLES = 25


@requirement("EP-060")
def test_close_ends_in_time(trueup_subject: Subject) -> None:
    for linger_s in (0.0, 0.3):
        with Publisher(trueup_subject) as publisher:
            publisher.many(50)
            publisher.close(linger_s)


@requirement("EP-061")
def test_close_ends_in_time_beside_a_stalled_subscriber(trueup_subject: Subject) -> None:
    for linger_s in (0.0, 0.3):
        with Publisher(trueup_subject) as publisher, Stalled(publisher.endpoint) as stalled:
            assert stalled.is_let_in(publisher.signal_s), "a subscriber was not let in"
            publisher.many(LARGE_ROUND, " of 64 KiB, beside a subscriber that does not read,", size_bytes=LARGE_BYTES)
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
        calls: dict[str, Callable[[], object]] = {"publish": publisher.publish, "flush": lambda: publisher.flush(0.1)}
        for name, call in calls.items():
            try:
                answered = call()
            except Refusal as error:
                assert error.code == "closed", f"{name} after close was refused as {error}; closed is due"
            else:
                raise AssertionError(f"{name} after close answered {answered!r}; the error closed is due")


@requirement("EP-064")
def test_close_sends_what_was_accepted(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        due = [one for one in publisher.many(LAST_ROUND) if one is not None]
        publisher.close(publisher.signal_s)
        _check_last(publisher.until(listener, due[-1]), due, "a subscriber")
    with Publisher(trueup_subject) as publisher, Stalled(publisher.endpoint) as late:
        publisher.reach(late)
        due = [one for one in publisher.many(LARGE_ROUND, size_bytes=LARGE_BYTES) if one is not None]
        closing = publisher.closing(publisher.signal_s)
        closing.is_waiting(publisher.silence_s)  # it need not wait: what counts is what comes
        _check_last(publisher.until(late, due[-1]), due, "a subscriber that reads late")
        closing.answer(publisher.signal_s, "close, when all had been read,")


def _check_last(found: list[Heard], due: list[int], who: str) -> None:
    told = f"{due[0]} to {due[-1]} were accepted before close; {who} heard {numbers(found)}"
    assert [one.number for one in found] == due, told


@requirement("EP-065")
def test_no_thread_is_left(trueup_subject: Subject) -> None:
    _check_growth("threads", lambda: usage(trueup_subject.process_ids).threads, trueup_subject)


@requirement("EP-066")
def test_no_descriptor_is_left(trueup_subject: Subject) -> None:
    _check_growth("descriptors", lambda: usage(trueup_subject.process_ids).descriptors, trueup_subject)


@requirement("EP-067")
def test_its_port_is_free_after_close(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        endpoint = publisher.endpoint
        publisher.close()
    for _ in range(3):
        try:
            with Publisher(trueup_subject, endpoint=endpoint) as again:
                assert again.endpoint == endpoint, f"bound again to {endpoint}, it tells {again.endpoint}"
        except AdapterError as error:
            raise AssertionError(f"{endpoint} cannot be bound again after close: {error}") from None


@requirement("EP-071")
def test_a_linger_that_cannot_be_is_refused(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        try:
            publisher.ask("close", linger_ms=-1)
        except Refusal as error:
            assert error.code == "invalid", f"linger_ms=-1 was refused as {error}; invalid is due"
        else:
            raise AssertionError("linger_ms=-1 was taken: to ZeroMQ it means for ever")


def _cycle(subject: Subject, times: int) -> None:
    for _ in range(times):
        with Publisher(subject) as publisher:
            publisher.publish()


@collecting_what_is_new()
def _check_growth(what: str, count: Callable[[], int], subject: Subject) -> None:
    """Opening and closing many times leaves nothing behind, but for what all publishers of a process share."""
    _cycle(subject, 2)
    gc.collect()
    before = count()
    _cycle(subject, CYCLES)

    def is_gone() -> bool:
        gc.collect()
        return count() < before + CYCLES // 2

    is_flat = eventually(is_gone, 5.0 * subject.scale)
    assert is_flat, f"{CYCLES} publishers were opened and closed: {before} {what} before, {count()} after"
