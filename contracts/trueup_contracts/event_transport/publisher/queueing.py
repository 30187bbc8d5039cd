"""The publisher's own queue, when it is full: EP-050 to EP-059."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.event_transport.publisher.batches import batch
from trueup_contracts.event_transport.publisher.calls import Publisher, check_marks, heard, numbers
from trueup_contracts.event_transport.publisher.peers import Listener
from trueup_contracts.event_transport.publisher.reading import Heard
from trueup_contracts.subject import Handle, Subject

QUEUE, BURST = 8, 400  # batches
BLOCK_S = 0.2
EARLY_S = 0.01  # that clocks may differ
IN_HAND = 1  # batches that may have left the queue before it was held


def _settings(policy: str, block_s: float = BLOCK_S) -> dict[str, Any]:
    """The keywords of a small queue."""
    block = {"block_timeout_ms": round(block_s * 1000)} if policy == "block" else {}
    return {"queue_batches": QUEUE, "full_policy": policy, **block}


@contextmanager
def _full(subject: Subject, policy: str) -> Iterator[tuple[Publisher, Listener, list[int]]]:
    """A publisher that is held, with a full queue and a subscriber, and the numbers that it has accepted since."""
    with heard(subject, **_settings(policy)) as (publisher, listener):
        assert publisher.flush(), "flush ended without success, and nothing is full"
        publisher.ask("hold")
        accepted = []
        if policy != "drop_newest":
            # One that blocks is not asked for more: how long it takes then is a requirement of its own.
            fill = QUEUE + IN_HAND if policy == "drop_oldest" else QUEUE
            accepted = [publisher.accepted() for _ in range(fill)]
        else:
            while (number := _published(publisher)) is not None:
                accepted.append(number)
                assert len(accepted) <= QUEUE + IN_HAND, f"a queue of {QUEUE} batches that is held took {len(accepted)}"
        yield publisher, listener, accepted
        if not publisher.is_closed:  # to close a full queue is a requirement of its own
            publisher.ask("release")
            publisher.flush()


def _published(publisher: Publisher) -> int | None:
    """One more, within the time that a full queue may take."""
    [number] = publisher.many(1, f", with a full queue of {QUEUE} batches,", limit_s=BLOCK_S + publisher.margin_s)
    return number


def _policies(subject: Subject) -> list[str]:
    return [one for one in ("block", "drop_newest", "drop_oldest") if f"policy_{one}" in subject.capabilities]


@requirement("EP-050")
def test_what_is_missing_after_a_burst_was_counted(trueup_subject: Subject) -> None:
    for policy in _policies(trueup_subject):
        with heard(trueup_subject, **_settings(policy)) as (publisher, listener):
            first = publisher.calls
            told = publisher.many(BURST)
            assert publisher.flush(), "flush ended without success"
            stats = publisher.stats()
            found = publisher.all_until_now(listener)
            check_marks(found)
            came = [one.number for one in found]
            accepted = [number for number in told if number is not None]
            assert came == sorted(set(came)), f"numbers came twice or out of order: {numbers(found)}"
            if policy == "drop_oldest":
                assert accepted == list(range(first, first + BURST)), f"{policy} refuses nothing"
                missing = len(accepted) - len(came)
                assert stats["dropped"] >= missing, f"{missing} batches did not arrive, {stats['dropped']} were counted"
            else:
                assert came == accepted, (
                    f"{policy}: of {BURST} batches {len(accepted)} were accepted; the subscriber heard {numbers(found)}"
                )
                assert stats["refused"] >= BURST - len(accepted), (
                    f"{BURST - len(accepted)} batches were refused, {stats['refused']} are counted"
                )
            assert stats["accepted"] == stats["sent"] + stats["queued"] + stats["dropped"], (
                f"they do not add up: {stats}"
            )


@requirement("EP-051")
def test_a_full_queue_blocks_for_its_time_and_no_longer(trueup_subject: Subject) -> None:
    with _full(trueup_subject, "block") as (publisher, listener, accepted):
        for _ in range(IN_HAND + 1):
            begun = time.monotonic()
            number = _published(publisher)
            took_s = time.monotonic() - begun
            if number is None:
                break
            accepted.append(number)
        assert number is None, f"a queue of {QUEUE} batches that is held took {len(accepted)}"
        assert took_s >= BLOCK_S - EARLY_S, (
            f"publish gave up after {took_s:.3f} s, block_timeout_ms is {BLOCK_S * 1000:.0f}"
        )
        publisher.ask("release")
        _check_held(publisher, listener, accepted)


@requirement("EP-052")
def test_room_that_comes_in_time_is_taken(trueup_subject: Subject) -> None:
    long_s = 20 * trueup_subject.scale
    with heard(trueup_subject, **_settings("block", long_s)) as (publisher, listener):
        publisher.ask("hold")
        accepted = [publisher.accepted() for _ in range(QUEUE)]
        more = [batch(publisher.calls + one) for one in range(IN_HAND + 1)]
        publisher.calls += len(more)
        waiting = publisher.beside(lambda handle: [handle.call("publish", batch=one) for one in more])
        assert waiting.is_waiting(publisher.silence_s), "publish did not wait for room in a full queue"
        publisher.ask("release")
        told = waiting.answer(publisher.signal_s, "publish, for which there was room again,")
        assert None not in told, "publish waited for room in the queue, there was some, and it refused the batch"
        _check_held(publisher, listener, [*accepted, *(one for one in told if one is not None)])


@requirement("EP-053")
def test_drop_newest_refuses_at_once(trueup_subject: Subject) -> None:
    with _full(trueup_subject, "drop_newest") as (publisher, listener, accepted):
        refused = publisher.stats()["refused"]
        for _ in range(5):
            assert _published(publisher) is None, "a full queue took another batch"
        counted = publisher.stats()["refused"] - refused
        assert counted == 5, f"5 batches were refused, {counted} are counted"
        publisher.ask("release")
        _check_held(publisher, listener, accepted)


@requirement("EP-054")
def test_drop_oldest_gives_up_the_oldest(trueup_subject: Subject) -> None:
    with _full(trueup_subject, "drop_oldest") as (publisher, listener, accepted):
        dropped = publisher.stats()["dropped"]
        accepted += [publisher.accepted() for _ in range(5)]
        stats = publisher.stats()
        assert stats["dropped"] == dropped + 5, (
            f"5 batches more than fit were accepted: {stats}, before {dropped} dropped"
        )
        assert stats["accepted"] == stats["sent"] + stats["queued"] + stats["dropped"], f"they do not add up: {stats}"
        publisher.ask("release")
        assert publisher.flush(), "flush ended without success, and nothing is held any more"
        found = [one.number for one in publisher.all_until_now(listener) if one.number >= accepted[0]]
        kept = found[-QUEUE:]
        assert kept == accepted[-QUEUE:], f"of {accepted[0]} to {accepted[-1]} the last {QUEUE} are due, came {found}"
        assert len(found) <= QUEUE + IN_HAND, f"a queue of {QUEUE} batches that was held kept {len(found)}"


@requirement("EP-055")
def test_a_queue_holds_what_it_was_told(trueup_subject: Subject) -> None:
    for policy in _policies(trueup_subject):
        with _full(trueup_subject, policy) as (publisher, _, accepted):
            assert len(accepted) >= QUEUE, f"queue_batches is {QUEUE}, and publish refused after {len(accepted)}"
            queued = publisher.stats()["queued"]
            assert QUEUE <= queued <= QUEUE + IN_HAND, f"a full queue of {QUEUE} batches counts {queued} queued"


@requirement("EP-056")
def test_flush_tells_that_it_is_not_done(trueup_subject: Subject) -> None:
    with _full(trueup_subject, _policies(trueup_subject)[0]) as (publisher, _, _accepted):
        for timeout_s in (0.0, 0.2):
            begun = time.monotonic()
            assert not publisher.flush(timeout_s), f"flush told success, and {publisher.stats()['queued']} are queued"
            took_s = time.monotonic() - begun
            assert took_s >= timeout_s - EARLY_S, f"flush gave up after {took_s:.3f} s of {timeout_s} s"


@requirement("EP-057")
def test_a_full_queue_is_closed_in_time(trueup_subject: Subject) -> None:
    for policy in _policies(trueup_subject):
        for linger_s in (0.0, 0.2):
            with _full(trueup_subject, policy) as (publisher, _, _accepted):
                publisher.close(linger_s)


@requirement("EP-058")
def test_a_publish_that_waits_does_not_outlive_close(trueup_subject: Subject) -> None:
    long_s = 60 * trueup_subject.scale
    with heard(trueup_subject, **_settings("block", long_s)) as (publisher, _):
        publisher.ask("hold")
        for _ in range(QUEUE):
            publisher.accepted()
        waiting = publisher.beside(lambda handle: [_or_refused(handle) for _ in range(IN_HAND + 1)])
        assert waiting.is_waiting(publisher.silence_s), "publish did not wait for room in a full queue"
        publisher.close()
        waiting.answer(publisher.margin_s, "publish, which waited for room when close came,")


@requirement("EP-059")
def test_queues_that_cannot_be_are_refused(trueup_subject: Subject) -> None:
    policy = _policies(trueup_subject)[0]
    wrong: list[dict[str, Any]] = [{"queue_batches": 0}, {"queue_batches": -1}, {"full_policy": "drop"}]
    if policy == "block":
        wrong.append({"block_timeout_ms": -1})
    for one in wrong:
        try:
            Publisher(trueup_subject, **{**_settings(policy), **one}).close()
        except Refusal as error:
            assert error.code == "invalid", f"{one} was refused as {error}; invalid is due"
        else:
            raise AssertionError(f"{one} was taken")


def _or_refused(handle: Handle) -> Any:
    try:
        return handle.call("publish", batch=batch(0))
    except Refusal as error:
        assert error.code == "closed", f"publish, which waited when close came, was refused as {error}"
        return None


def _check_held(publisher: Publisher, listener: Listener, accepted: list[int]) -> None:
    """What was accepted while it was held arrives after it, and nothing else."""
    assert publisher.flush(), "flush ended without success, and nothing is held any more"
    found: list[Heard] = [one for one in publisher.all_until_now(listener) if one.number >= accepted[0]]
    check_marks(found)
    came = [one.number for one in found]
    assert came == accepted, f"accepted while the queue was held were {accepted}, and came {came}"
