"""From publishers of format A, over real sockets, into an index."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from trueup_reference.event_transport import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    EventBatch,
    Message,
    Publisher,
    Subscriber,
    encode_batch,
)
from trueup_reference.kv_index import InvalidEventError, KvIndex, local_hashes, sequence_hashes
from trueup_reference.kv_index.indexer import Indexer
from trueup_reference.kv_index.normalising import Source, as_u64, tier_of

LONG_MS = 10_000
ANY_PORT = "tcp://127.0.0.1:0"
SIZE = 4
HERE = "tcp://here"


def tokens(blocks: int, start: int = 0) -> list[int]:
    return list(range(start, start + blocks * SIZE))


def names_of(prompt: Sequence[int]) -> list[int]:
    return sequence_hashes(local_hashes(prompt, SIZE))


def store(prompt: Sequence[int], **beside: Any) -> BlockStored:
    fields: dict[str, Any] = {
        "block_hashes": tuple(names_of(prompt)),
        "parent_block_hash": None,
        "token_ids": tuple(prompt),
        "block_size": SIZE,
    }
    return BlockStored(**(fields | beside))


def batch(*events: Any, rank: int | None = None) -> EventBatch:
    return EventBatch(ts=1.0, events=events, data_parallel_rank=rank)


class Engines:
    """Publishers, a subscriber to all of them, and an indexer."""

    def __init__(self, stack: ExitStack, count: int = 1, *, replays: bool = True) -> None:
        replay = {"replay_endpoint": ANY_PORT} if replays else {}
        self.publishers = [
            stack.enter_context(Publisher(ANY_PORT, "kv", **replay))  # type: ignore[arg-type]
            for _ in range(count)
        ]
        self.endpoints = [publisher.endpoint for publisher in self.publishers]
        self.replays = [publisher.replay_endpoint for publisher in self.publishers] if replays else None
        self.stack = stack
        self.subscribers: list[Subscriber] = []

    def indexer(self, **settings: Any) -> Indexer:
        if self.replays is not None:
            settings |= {"replay_endpoints": self.replays}
        subscriber = self.stack.enter_context(Subscriber(self.endpoints, "kv", LONG_MS, **settings))
        self.subscribers.append(subscriber)
        for publisher in self.publishers:
            assert publisher.wait_for_subscribers(len(self.subscribers))
        sources = {endpoint: Source(number + 1) for number, endpoint in enumerate(self.endpoints)}
        return Indexer(KvIndex(SIZE), subscriber, sources)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def take(indexer: Indexer, count: int) -> None:
    for _ in range(count):
        assert indexer.step()


def test_what_engines_publish_is_matched(stack: ExitStack) -> None:
    engines = Engines(stack, 2)
    indexer = engines.indexer()
    assert indexer.state(1, 0) == "unknown"
    one, two = engines.publishers
    one.publish(batch(store(tokens(8))))
    two.publish(batch(store(tokens(3)), rank=5))
    take(indexer, 2)
    assert indexer.index.find_matches_tokens(tokens(9)) == {(1, 0): 8, (2, 5): 3}
    assert (indexer.state(1, 0), indexer.state(2, 5), indexer.state(2, 0)) == ("exact", "exact", "unknown")
    one.publish(batch(BlockRemoved(block_hashes=tuple(names_of(tokens(8))[6:]))))
    two.publish(batch(AllBlocksCleared(), rank=5))
    take(indexer, 2)
    assert indexer.index.find_matches_tokens(tokens(9)) == {(1, 0): 6}
    assert indexer.stats()["messages"] == 4


def test_what_was_published_before_is_asked_for_at_the_start(stack: ExitStack) -> None:
    engines = Engines(stack)
    for number in range(5):
        engines.publishers[0].publish(batch(store(tokens(2, 100 * number))))
    assert engines.publishers[0].flush(LONG_MS)
    indexer = engines.indexer(replay_from=0)
    take(indexer, 5)
    assert indexer.index.tracked_blocks() == 10
    assert indexer.state(1, 0) == "exact"


def test_without_a_replay_a_worker_that_is_met_late_is_degraded_until_it_clears(stack: ExitStack) -> None:
    engines = Engines(stack, replays=False)
    (publisher,) = engines.publishers
    publisher.publish(batch(store(tokens(2))))
    assert publisher.flush(LONG_MS)
    indexer = engines.indexer()
    publisher.publish(batch(store(tokens(2, 50))))
    take(indexer, 1)
    assert indexer.state(1, 0) == "degraded"
    assert (indexer.stats()["gaps"], indexer.stats()["degraded_workers"]) == (1, 1)
    assert indexer.index.find_matches_tokens(tokens(2, 50)) == {(1, 0): 2}
    publisher.publish(batch(AllBlocksCleared()))
    take(indexer, 1)
    assert (indexer.state(1, 0), indexer.index.tracked_blocks()) == ("exact", 0)


def test_a_batch_that_no_replay_can_bring_degrades_and_the_index_goes_on(stack: ExitStack) -> None:
    engines = Engines(stack)
    (publisher,) = engines.publishers
    indexer = engines.indexer()
    publisher.publish(batch(store(tokens(2))))
    take(indexer, 1)
    assert indexer.state(1, 0) == "exact"
    with pytest.raises(ValueError, match="cannot be written"):
        publisher.publish(batch(store(tokens(2), extra_keys=object())))  # its number is gone
    publisher.publish(batch(store(tokens(1, 50))))
    take(indexer, 1)
    assert (indexer.state(1, 0), indexer.stats()["gaps"]) == ("degraded", 1)
    assert indexer.index.find_matches_tokens(tokens(1, 50)) == {(1, 0): 1}


def test_it_runs_until_it_is_stopped_or_the_subscriber_is_closed(stack: ExitStack) -> None:
    engines = Engines(stack)
    indexer = engines.indexer()
    running = threading.Thread(target=indexer.run)
    running.start()
    engines.publishers[0].publish(batch(store(tokens(2))))
    deadline = time.monotonic() + LONG_MS / 1000
    while indexer.state(1, 0) != "exact" and time.monotonic() < deadline:
        time.sleep(0.001)
    assert indexer.state(1, 0) == "exact"
    engines.subscribers[0].close()
    running.join(LONG_MS / 1000)
    assert not running.is_alive()
    indexer.stop()
    indexer.run()  # is over at once


def test_another_router_starts_from_a_snapshot_and_skips_what_it_holds_already(stack: ExitStack) -> None:
    engines = Engines(stack)
    (publisher,) = engines.publishers
    first = engines.indexer()
    for number in range(3):
        publisher.publish(batch(store(tokens(2, 100 * number))))
    take(first, 3)
    second = engines.indexer()  # connected before the snapshot is taken
    publisher.publish(batch(BlockRemoved(block_hashes=tuple(names_of(tokens(2))))))
    take(first, 1)
    second.load(first.snapshot())
    assert second.index.tracked_blocks() == 4
    publisher.publish(batch(store(tokens(1))))
    take(first, 1)
    take(second, 2)  # the removal too, which is known
    assert second.index.stats()["unknown_removals"] == 0
    assert second.index.tracked_blocks() == first.index.tracked_blocks() == 5
    assert (second.state(1, 0), first.state(1, 0)) == ("exact", "exact")
    with pytest.raises(ValueError, match="before the first"):
        second.load(first.snapshot())


class Played:
    """Messages without sockets: what a subscriber tells of what it could not mend."""

    def __init__(self, index: KvIndex | None = None) -> None:
        self.messages: list[Message] = []
        self.indexer = Indexer(index or KvIndex(SIZE), self, {HERE: Source(7)})

    def recv(self) -> Message | None:
        return self.messages.pop(0) if self.messages else None

    def say(self, sequence: int, *events: Any, before: Any = None, payload: bytes | None = None) -> None:
        told = encode_batch(batch(*events)) if payload is None else payload
        self.messages.append(Message(HERE, "kv", sequence, None, told, before))
        assert self.indexer.step()

    @property
    def state(self) -> str:
        return self.indexer.state(7, 0)


def test_a_gap_degrades_a_restart_empties_and_neither_ends_the_index() -> None:
    played = Played()
    assert not played.indexer.step()
    played.say(0, store(tokens(3)))
    played.say(2, store(tokens(1, 50)), before={"kind": "gap", "missed": 1})
    assert (played.state, played.indexer.index.tracked_blocks()) == ("degraded", 4)
    played.say(0, store(tokens(2)), before={"kind": "restart", "missed": 0})
    assert (played.state, played.indexer.index.tracked_blocks()) == ("exact", 2)
    played.say(3, store(tokens(1, 50)), before={"kind": "restart", "missed": 3})
    assert (played.state, played.indexer.index.tracked_blocks()) == ("degraded", 1)
    played.say(4, AllBlocksCleared())
    played.say(5, store(tokens(2)), before={"kind": "uncertain", "missed": None})
    assert (played.state, played.indexer.index.tracked_blocks()) == ("degraded", 2)
    assert played.indexer.stats() == {
        "messages": 6, "malformed_messages": 0, "unknown_publishers": 0, "refused_events": 0, "other_block_size": 0,
        "gaps": 3, "restarts": 2, "degraded_workers": 1,
    }  # fmt: skip
    played.indexer.remove(HERE)
    assert (played.state, played.indexer.index.tracked_blocks()) == ("unknown", 0)
    played.messages.append(Message(HERE, "kv", 6, None, b"", None))
    assert played.indexer.step()
    assert played.indexer.stats()["unknown_publishers"] == 1
    played.indexer.add(HERE, Source(8))
    played.say(0, store(tokens(2)))
    assert played.indexer.index.find_matches_tokens(tokens(2)) == {(8, 0): 2}


def test_ranks_that_publish_elsewhere_stay_when_one_of_them_is_gone() -> None:
    played = Played()
    played.indexer.add("tcp://there", Source(7, 1))
    played.say(0, store(tokens(3)))
    played.messages.append(Message("tcp://there", "kv", 0, None, encode_batch(batch(store(tokens(2)))), None))
    assert played.indexer.step()
    assert played.indexer.index.find_matches_tokens(tokens(3)) == {(7, 0): 3, (7, 1): 2}
    played.indexer.remove(HERE)
    assert played.indexer.index.find_matches_tokens(tokens(3)) == {(7, 1): 2}
    assert (played.state, played.indexer.state(7, 1)) == ("unknown", "exact")


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (store(tokens(2), block_size=8, token_ids=tuple(range(16))), {"other_block_size": 1, "refused_events": 1}),
        (store(tokens(2), token_ids=(1, 2, 3)), {"refused_events": 1}),
        (store(tokens(2), token_ids=(1 << 32,) * 8), {"refused_events": 1}),
        (store(tokens(2), parent_block_hash=5), {"refused_events": 1}),
        (store(tokens(2), block_size=0, token_ids=()), {"refused_events": 1}),
        (store(tokens(2), block_hashes=(1, 1)), {"refused_events": 1}),
        (store(tokens(2), metadata={"cache_salt": 5}), {"refused_events": 1}),
        (BlockRemoved(block_hashes=(1, 2)), {}),
    ],
)
def test_an_event_that_cannot_be_taken_in_is_counted_and_degrades(event: Any, counted: dict[str, int]) -> None:
    played = Played()
    played.say(0, event, store(tokens(1, 90)))
    assert played.state == ("degraded" if counted else "exact")
    stats = played.indexer.stats()
    assert {name: stats[name] for name in ("other_block_size", "refused_events") if stats[name]} == counted
    assert played.indexer.index.tracked_blocks() == 1


@pytest.mark.parametrize("event", [store(tokens(2)), BlockRemoved(block_hashes=(1,)), AllBlocksCleared()])
def test_a_rank_that_cannot_be_is_refused_and_breaks_nothing_later(event: Any) -> None:
    played = Played()
    played.say(0, store(tokens(1)))
    played.say(1, payload=encode_batch(batch(event, rank=1 << 32)))
    assert played.indexer.stats()["refused_events"] == 1
    assert played.state == "degraded"
    played.say(0, store(tokens(2)), before={"kind": "restart", "missed": 0})
    assert (played.state, played.indexer.index.find_matches_tokens(tokens(2))) == ("exact", {(7, 0): 2})


def test_a_payload_that_is_none_degrades() -> None:
    played = Played()
    played.say(0, store(tokens(1)))
    played.say(1, payload=b"\xc1")
    assert (played.state, played.indexer.stats()["malformed_messages"]) == ("degraded", 1)


def test_keys_that_say_nothing_change_nothing() -> None:
    nothing: list[dict[str, Any]] = [{"extra_keys": []}, {"extra_keys": [None, None]}, {"mm_keys": [[], []]}]
    for fields in nothing:
        played = Played()
        played.say(0, store(tokens(2), **fields))
        assert played.indexer.index.find_matches_tokens(tokens(2)) == {(7, 0): 2}, fields


def test_blocks_of_an_adapter_a_salt_or_a_window_match_no_plain_prompt() -> None:
    played = Played()
    index = played.indexer.index
    others: list[dict[str, Any]] = [
        {"lora_name": "red"},
        {"lora_id": 3},
        {"group_idx": 1},
        {"group_idx": 0, "kv_cache_spec_kind": "sliding_window"},
        {"metadata": {"cache_salt": "s"}},
        {"extra_keys": [("image",), None]},
        {"cache_salt": "t"},
        {"mm_keys": [[{"type": "mm_key", "hash": "9f", "start_offset": 0}], []]},
    ]
    for number, fields in enumerate(others):
        played.say(number, store(tokens(2), block_hashes=(2 * number, 2 * number + 1), **fields))
    assert index.find_matches_tokens(tokens(2)) == {}
    assert index.find_matches(local_hashes(tokens(2), SIZE), identity={"lora_name": "red"}) == {(7, 0): 2}
    assert index.find_matches(local_hashes(tokens(2), SIZE), identity={"cache_salt": "s"}) == {(7, 0): 2}
    assert index.find_matches(local_hashes(tokens(2), SIZE), identity={"group_idx": 1}) == {(7, 0): 2}
    assert index.find_matches(local_hashes(tokens(2), SIZE), identity={"cache_salt": "t"}) == {(7, 0): 2}
    # A removal names neither adapter nor salt.
    gone = (0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15)
    played.say(8, *(BlockRemoved(block_hashes=(name,)) for name in gone))
    played.say(9, BlockRemoved(block_hashes=(4, 5), group_idx=1), BlockRemoved(block_hashes=(6,), medium="CPU"))
    assert index.stats()["unknown_removals"] == 1
    assert index.tracked_blocks() == 2
    played.say(10, store(tokens(2), group_idx=0, kv_cache_spec_kind="full_attention", medium="CPU"))
    assert index.find_matches_tokens(tokens(2)) == {(7, 0): 2}
    assert index.find_matches(local_hashes(tokens(2), SIZE), tier="gpu") == {}


@pytest.mark.parametrize(
    ("told", "due"),
    [(5, 5), (-1, (1 << 64) - 1), ((1 << 64) - 1, (1 << 64) - 1), (bytes(24) + b"\1" + bytes(7), 1 << 56), (b"\2", 2)],
)
def test_hashes_of_every_kind_become_u64(told: Any, due: int) -> None:
    assert as_u64(told) == due


@pytest.mark.parametrize("told", [1 << 64, -(1 << 63) - 1, "7", b"", None, True, 1.0])
def test_what_is_no_hash_is_refused(told: Any) -> None:
    with pytest.raises(InvalidEventError, match="a block hash is"):
        as_u64(told)


def test_media_have_tiers() -> None:
    assert [tier_of(medium) for medium in (None, "GPU", "cpu", "CPU_PINNED", "DISK", "S3")] == [
        "gpu", "gpu", "cpu", "cpu", "disk", "external",
    ]  # fmt: skip
