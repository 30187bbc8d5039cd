"""A publisher holds nobody up, loses no number, and ends in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from trueup_reference.event_transport import (
    AllBlocksCleared,
    ClosedError,
    EventBatch,
    Publisher,
    ReplayClient,
    SettingError,
    Subscriber,
    endpoint_of_rank,
)
from trueup_reference.event_transport.batch_queue import Batch, BatchQueue, Ticket

ANY_PORT = "tcp://127.0.0.1:0"
LONG_MS = 10_000


def batch(number: int) -> Batch:
    return Batch(number, (b"x",))


def queue(most: int, policy: Any) -> BatchQueue:
    return BatchQueue(most, policy, lambda: None)


def test_drop_newest_refuses_and_drop_oldest_gives_up_the_first() -> None:
    newest, oldest = queue(2, "drop_newest"), queue(2, "drop_oldest")
    assert [newest.put(batch(number)) for number in range(3)] == [True, True, False]
    assert [oldest.put(batch(number)) for number in range(3)] == [True, True, True]
    assert [one.sequence for one in newest.take(9)] == [0, 1]
    assert [one.sequence for one in oldest.take(9)] == [1, 2]
    assert newest.counts() == {"accepted": 2, "refused": 1, "dropped": 0, "sent": 0, "queued": 2}
    assert oldest.counts() == {"accepted": 3, "refused": 0, "dropped": 1, "sent": 0, "queued": 2}


def test_those_who_wait_get_in_by_turns_or_not_at_all() -> None:
    full = queue(1, "block")
    assert full.put(batch(0)) is True
    first, second, third = (full.put(batch(number)) for number in (1, 2, 3))
    assert isinstance(first, Ticket)
    assert isinstance(second, Ticket)
    assert isinstance(third, Ticket)
    assert not full.wait(first, 0.0)
    assert [one.sequence for one in full.take(9)] == [0]
    full.sent(1)
    assert full.wait(second, 0.0)
    assert [one.sequence for one in full.take(9)] == [2]
    assert full.counts() == {"accepted": 3, "refused": 1, "dropped": 0, "sent": 1, "queued": 2}
    full.sent(1)
    full.close()
    assert full.drop_all() == 1
    assert full.counts() == {"accepted": 3, "refused": 1, "dropped": 1, "sent": 2, "queued": 0}
    with pytest.raises(ClosedError):
        full.put(batch(4))


def test_numbers_of_many_threads_are_sent_in_their_order() -> None:
    numbers: list[int | None] = []
    with (
        Publisher(ANY_PORT, "kv", full_policy="block", block_timeout_ms=LONG_MS, queue_batches=4) as publisher,
        Subscriber(publisher.endpoint, "kv", LONG_MS) as subscriber,
    ):
        assert publisher.wait_for_subscribers()

        def publish() -> None:
            for _ in range(100):
                numbers.append(publisher.publish(b"x"))

        threads = [threading.Thread(target=publish) for _ in range(4)]
        for thread in threads:
            thread.start()
        messages = [subscriber.recv() for _ in range(400)]
        for thread in threads:
            thread.join()
    assert [one.sequence for one in messages if one] == list(range(400))
    assert sorted(number for number in numbers if number is not None) == list(range(400))


def test_what_cannot_be_encoded_leaves_a_gap_that_is_told() -> None:
    with (
        Publisher(ANY_PORT, "kv", replay_endpoint=ANY_PORT) as publisher,
        Subscriber(publisher.endpoint, "kv", LONG_MS) as subscriber,
        ReplayClient() as client,
    ):
        assert publisher.wait_for_subscribers()
        assert publisher.publish(b"first") == 0
        for wrong in ({"ts": 1}, EventBatch(ts=1.0, events=(AllBlocksCleared(unknown={"x": object()}),))):
            with pytest.raises(ValueError, match=r"EventBatch|written"):
                publisher.publish(wrong)
        assert publisher.publish(b"last") == 3
        messages = [subscriber.recv(), subscriber.recv()]
        assert [(one.sequence, one.before) for one in messages if one] == [
            (0, None),
            (3, {"kind": "gap", "missed": 2}),
        ]
        assert publisher.stats()["refused"] == 2
        held = client.replay(str(publisher.replay_endpoint), 0, LONG_MS)
        assert held == [(0, "kv", b"first"), (3, "kv", b"last")]


def test_the_replay_buffer_is_bounded_in_batches_and_in_bytes() -> None:
    with ReplayClient() as client:
        for bounds, left in (({"replay_batches": 3}, 3), ({"replay_bytes": 50}, 5)):
            with Publisher(ANY_PORT, "kv", replay_endpoint=ANY_PORT, replay_form="v1", **bounds) as publisher:  # type: ignore[arg-type]
                for _ in range(20):
                    publisher.publish(b"x" * 10)
                assert publisher.flush(LONG_MS)
                held = client.replay(str(publisher.replay_endpoint), 0, LONG_MS)
                assert [one[:2] for one in held] == [(number, None) for number in range(20 - left, 20)]
                assert publisher.stats()["replay_bytes"] == 10 * left


def test_a_replay_goes_on_under_load_and_beside_a_client_that_reads_nothing() -> None:
    done = threading.Event()
    settings: dict[str, Any] = {"full_policy": "block", "block_timeout_ms": LONG_MS, "queue_batches": 100}
    with (
        Publisher(ANY_PORT, "kv", replay_endpoint=ANY_PORT, **settings) as publisher,
        ReplayClient() as client,
        zmq.Context() as context,
        context.socket(zmq.DEALER) as lazy,
    ):
        for _ in range(5_000):
            publisher.publish(bytes(1000))
        assert publisher.flush(LONG_MS)
        lazy.linger = 0
        lazy.rcvhwm = 1
        lazy.connect(str(publisher.replay_endpoint))
        lazy.send_multipart([b"", bytes(8)])
        lazy.send_multipart([bytes(8)])  # no delimiter: counted, and no harm

        def load() -> None:
            while not done.is_set():
                publisher.publish(b"x")

        thread = threading.Thread(target=load)
        thread.start()
        try:
            held = client.replay(str(publisher.replay_endpoint), 0, LONG_MS)
        finally:
            done.set()
            thread.join()
        numbers = [one[0] for one in held]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert len(numbers) >= 5_000
        assert publisher.stats()["malformed_requests"] == 1


def test_subscribers_are_counted_as_they_come_and_go() -> None:
    with Publisher(ANY_PORT, "kv") as publisher:
        assert not publisher.wait_for_subscribers(timeout_ms=0)
        with Subscriber(publisher.endpoint, "kv", 0), Subscriber(publisher.endpoint, match="all"):
            assert publisher.wait_for_subscribers(2, LONG_MS)
            with Subscriber(publisher.endpoint, "other", 0):
                assert publisher.subscribers == 2
        deadline = time.monotonic() + 10
        while publisher.subscribers and time.monotonic() < deadline:
            assert not publisher.wait_for_subscribers(3, 10)
        assert publisher.subscribers == 0


def test_close_ends_in_time_with_a_subscriber_that_reads_nothing() -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as stuck:
        stuck.linger = 0
        stuck.rcvhwm = 1
        stuck.subscribe(b"")
        publisher = Publisher(ANY_PORT, "kv", send_hwm=10)
        stuck.connect(publisher.endpoint)
        assert publisher.wait_for_subscribers()
        for _ in range(1_000):
            publisher.publish(bytes(10_000))
        started_s = time.monotonic()
        publisher.close(200)
        assert time.monotonic() - started_s < 5
        found = publisher.stats()
        assert found["accepted"] == found["sent"] + found["dropped"] == 1_000
        publisher.close()
        with pytest.raises(ClosedError):
            publisher.publish(b"x")
        with pytest.raises(ClosedError):
            publisher.flush(0)


@pytest.fixture
def taken() -> Iterator[str]:
    with Publisher(ANY_PORT) as publisher:
        yield publisher.endpoint


def test_an_endpoint_that_is_taken_is_an_error_that_leaves_nothing(taken: str) -> None:
    before = threading.active_count()
    with pytest.raises(zmq.ZMQError, match="in use"):
        Publisher(taken)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"endpoint": "127.0.0.1:5557"}, "'127.0.0.1:5557' is no endpoint"),
        ({"format": "C"}, "format is 'C': one of A, B is due"),
        ({"queue_batches": 0}, "queue_batches is 0: a whole number from 1"),
        ({"full_policy": "drop"}, "full_policy is 'drop': one of block, drop_newest, drop_oldest is due"),
        ({"block_timeout_ms": -1}, "block_timeout_ms is -1: a whole number from 0"),
        ({"replay_batches": True}, "replay_batches is True"),
        ({"publisher_id": 7}, "publisher_id: format A has none"),
        ({"format": "B", "publisher_id": 1 << 64}, "publisher_id is 18446744073709551616"),
        ({"format": "B", "replay_endpoint": ANY_PORT}, "replay_endpoint: format B has no replay"),
        ({"endpoint": ["tcp://a:1", "tcp://b:1"]}, "a publisher binds to one endpoint; several are for brokers"),
        ({"server_secret_key": "x" * 40}, "server_secret_key and allowed_client_keys (a list) are given together"),
        ({"server_secret_key": "short", "allowed_client_keys": []}, "server_secret_key: a key is a text of 40"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    before = threading.active_count()
    with pytest.raises(SettingError) as told:
        Publisher(**{"endpoint": ANY_PORT, **settings})
    assert str(told.value).startswith(said)
    assert threading.active_count() == before


def test_ranks_have_endpoints_of_their_own() -> None:
    assert endpoint_of_rank("tcp://*:5557", 0) == "tcp://*:5557"
    assert endpoint_of_rank("tcp://*:5557", 3) == "tcp://*:5560"
    assert endpoint_of_rank("inproc://kv", 2) == "inproc://kv_dp2"
    for endpoint, rank in (("tcp://*:65535", 1), ("ipc:///tmp/kv", 1), ("tcp://*:0", 1), ("tcp://*:1", -1)):
        with pytest.raises(SettingError):
            endpoint_of_rank(endpoint, rank)


def test_a_queue_on_hold_fills_and_is_sent_when_it_is_released() -> None:
    with Publisher(ANY_PORT, "kv", queue_batches=3, full_policy="block", block_timeout_ms=20) as publisher:
        publisher.hold()
        assert [publisher.publish(b"x") for _ in range(4)] == [0, 1, 2, None]
        assert not publisher.flush(20)
        assert publisher.stats()["queued"] == 3
        publisher.release()
        assert publisher.flush(LONG_MS)
        assert publisher.publish(b"x") == 4
        publisher.hold()
        publisher.publish(b"x")
    assert publisher.stats()["sent"] == 5
