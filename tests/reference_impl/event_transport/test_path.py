"""From a publisher to a subscriber, over real sockets."""

from __future__ import annotations

import threading

import pytest

from trueup_reference.event_transport import (
    AllBlocksCleared,
    BlockStored,
    ClosedError,
    EventBatch,
    IncompleteError,
    Publisher,
    ReplayClient,
    Subscriber,
    decode_batch,
)

LONG_MS = 10_000
ANY_PORT = "tcp://127.0.0.1:0"


def batch(number: int) -> EventBatch:
    stored = BlockStored(
        block_hashes=(number, -2, b"\xff" * 32), parent_block_hash=None, token_ids=(1, 2), block_size=2, group_idx=0
    )
    return EventBatch(ts=number + 0.5, events=(stored, AllBlocksCleared()), data_parallel_rank=0)


def test_what_is_published_is_received() -> None:
    with Publisher(ANY_PORT, "kv") as publisher, Subscriber([publisher.endpoint], "kv", LONG_MS) as subscriber:
        assert publisher.wait_for_subscribers()
        assert [publisher.publish(batch(number)) for number in range(3)] == [0, 1, 2]
        messages = [subscriber.recv() for _ in range(3)]
        assert [(one.topic, one.sequence, one.before) for one in messages if one] == [("kv", n, None) for n in range(3)]
        assert [decode_batch(one.payload) for one in messages if one] == [batch(number) for number in range(3)]
        assert subscriber.stats()["received"] == 3
        assert publisher.flush(LONG_MS)
        assert publisher.stats()["accepted"] == publisher.stats()["sent"] == 3
    assert [thread.name for thread in threading.enumerate() if thread.name == "event-publisher"] == []


def test_a_late_subscriber_gets_what_it_missed_and_what_comes() -> None:
    with Publisher(ANY_PORT, "kv", replay_endpoint=ANY_PORT) as publisher:
        for number in range(5):
            publisher.publish(batch(number))
        assert publisher.flush(LONG_MS)
        assert publisher.replay_endpoint is not None
        replay = [publisher.replay_endpoint]
        with Subscriber([publisher.endpoint], "kv", LONG_MS, replay_endpoints=replay, replay_from=0) as subscriber:
            assert publisher.wait_for_subscribers()
            for number in range(5, 8):
                publisher.publish(batch(number))
            messages = [subscriber.recv() for _ in range(8)]
            assert [one.sequence for one in messages if one] == list(range(8))
            assert [one.before for one in messages if one] == [None] * 8
            assert subscriber.stats()["replayed"] >= 5


def test_a_replay_is_complete_or_says_what_came() -> None:
    with Publisher(ANY_PORT, "kv", replay_endpoint=ANY_PORT) as publisher, ReplayClient() as client:
        for number in range(5):
            publisher.publish(batch(number))
        assert publisher.flush(LONG_MS)
        assert publisher.replay_endpoint is not None
        assert [one[:2] for one in client.replay(publisher.replay_endpoint, 3, LONG_MS)] == [(3, "kv"), (4, "kv")]
        assert client.replay(publisher.replay_endpoint, 5, LONG_MS) == []
        with pytest.raises(IncompleteError) as told:
            client.replay("inproc://nobody", 0, 20)
        assert told.value.data == []


def test_close_ends_a_recv_in_another_thread() -> None:
    subscriber = Subscriber(["tcp://127.0.0.1:1"], "kv", LONG_MS)
    answers: list[object] = []

    def wait() -> None:
        try:
            answers.append(subscriber.recv())
        except ClosedError:  # it began after the close
            answers.append(None)

    thread = threading.Thread(target=wait)
    thread.start()
    subscriber.close()
    thread.join(5)
    assert answers == [None]
    subscriber.close()
    with pytest.raises(ClosedError):
        subscriber.recv()
