"""What the index refuses, its hashes, its metrics."""

from __future__ import annotations

import threading
import tracemalloc
from array import array
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import xxhash
from prometheus_client.parser import text_string_to_metric_families

from reference_impl.kv_index.events import cleared, event, removed, stored
from trueup_reference.kv_index import (
    ApproximateIndex,
    ClosedError,
    FollowingIndex,
    IndexCollector,
    InvalidEventError,
    KvIndex,
    OtherBlockSizeError,
    UnknownParentError,
    local_hashes,
    sequence_hashes,
)

ONE = (1, 0)
U64 = 1 << 64
STORE = {"stored": {"parent_hash": None, "blocks": [{"block_hash": 1, "tokens_hash": 1}]}}


def blocks(*blocks: Any, parent: Any = None) -> dict[str, Any]:
    return event(ONE, {"stored": {"parent_hash": parent, "blocks": list(blocks)}})


def block(name: Any = 5, local: Any = 5) -> dict[str, Any]:
    return {"block_hash": name, "tokens_hash": local}


REFUSED: list[tuple[Any, str]] = [
    (None, "event is None: a mapping with worker_id and event is due"),
    ([], r"event is \[\]"),
    ({}, r"event\.event is None: a mapping with event_id, dp_rank and data is due"),
    ({"worker_id": 1, "event": 3}, r"event\.event is 3"),
    (event((-1, 0), STORE), r"worker_id is -1: an integer from 0 to 2\^64 - 1 is due"),
    (event((U64, 0), STORE), "worker_id is 18446744073709551616"),
    (event((True, 0), STORE), "worker_id is True"),
    (event((1, 1 << 32), STORE), r"dp_rank is 4294967296: an integer from 0 to 2\^32 - 1 is due"),
    (event((1, "0"), STORE), "dp_rank is '0'"),  # type: ignore[arg-type]
    (event(ONE, STORE, -1), "event_id is -1"),
    (event(ONE, STORE, "1"), "event_id is '1'"),  # type: ignore[arg-type]
    (event(ONE, "Cleared"), "data is 'Cleared': one of"),
    (event(ONE, None), "data is None"),
    (event(ONE, {"stored": {}, "removed": {}}), "data is {'stored'"),
    (event(ONE, {"evicted": {}}), "data is {'evicted'"),
    (event(ONE, {"stored": {"blocks": []}}), "stored is {'blocks': .*}: a mapping with parent_hash and blocks is due"),
    (event(ONE, {"stored": {"parent_hash": None, "blocks": [block()], "more": 1}}), "stored is"),
    (blocks(), r"blocks is \[\]: a list of one block or more is due"),
    (event(ONE, {"stored": {"parent_hash": None, "blocks": "ab"}}), "blocks is 'ab'"),
    (blocks(3), r"blocks\[0\] is 3: a mapping with block_hash and tokens_hash is due"),
    (blocks(block(), {"block_hash": 6}), r"blocks\[1\] is {'block_hash': 6}"),
    (blocks(block(-1)), r"block_hash\[0\] is -1: an integer from 0 to 2\^64 - 1 is due"),
    (blocks(block(), block(U64)), r"block_hash\[1\] is 18446744073709551616"),
    (blocks(block(1.0)), r"block_hash\[0\] is 1\.0"),
    (blocks(block(True)), r"block_hash\[0\] is True"),
    (blocks(block(4), block(False)), r"block_hash\[1\] is False"),
    (blocks(block(5, "5")), r"tokens_hash\[0\] is '5'"),
    (blocks(block(5), block(6, None)), r"tokens_hash\[1\] is None"),
    (blocks(block(), parent=-1), "parent_hash is -1: None, or an integer"),
    (blocks(block(), parent="5"), "parent_hash is '5'"),
    (blocks(block(), parent=5), "parent_hash 5 is one of the event's own blocks"),
    (blocks(block(4), block(5), parent=5), "parent_hash 5 is one of the event's own blocks"),
    (blocks(block(5), block(6), block(5)), "a block_hash stands there twice"),
    (event(ONE, {"removed": {"block_hashes": 5}}), "block_hashes is 5: a list"),
    (event(ONE, {"removed": {"block_hashes": "5"}}), "block_hashes is '5'"),
    (event(ONE, {"removed": {"block_hashes": [5, -1]}}), r"block_hashes\[1\] is -1"),
    (event(ONE, {"removed": {}}), "removed is {}: a mapping with block_hashes is due"),
    (event(ONE, STORE, tier="tape"), "tier is 'tape': one of gpu, cpu, disk, external is due"),
    (event(ONE, STORE, tier=["gpu"]), r"tier is \['gpu'\]"),
    (event(ONE, STORE, identity={"lora": "a"}), "identity is {'lora': 'a'}: a mapping of lora_name, cache_salt, group"),
    (event(ONE, STORE, identity={"lora_name": 3}), r"identity\.lora_name is 3: a string or None is due"),
    (event(ONE, STORE, identity={"group_idx": -1}), r"identity\.group_idx is -1"),
    (event(ONE, STORE, block_size=32), "block_size is 32 in the event and 16 in the index"),
    (event(ONE, STORE, block_size="16"), "block_size is '16' in the event and 16 in the index"),
    (blocks(block("x" * 1000)), r"block_hash\[0\] is 'x{76}\.\.\.: an integer"),
]


@pytest.mark.parametrize(("event", "message"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_a_malformed_event_is_refused_and_changes_nothing(event: Any, message: str) -> None:
    index = KvIndex(16)
    index.apply(stored(ONE, None, [(1, 1), (2, 2)]))
    before = index.dump()
    with pytest.raises(InvalidEventError, match=f"^{message}" if "stands" not in message else message):
        index.apply(event)
    assert index.dump() == before
    assert index.tracked_blocks() == 2


@pytest.mark.parametrize("request_", ["12", b"12", None, 5, [-1], [U64], [1.0], [True], ["1"], {1: 2}, {1}])
def test_a_request_that_is_no_list_of_hashes_is_refused(request_: Any) -> None:
    with pytest.raises(InvalidEventError, match="local_hashes"):
        KvIndex(16).find_matches(request_)


@pytest.mark.parametrize("local", [[1, 2], (1, 2), array("Q", [1, 2]), range(1, 3), np.array([1, 2], dtype=np.uint64)])
def test_requests_come_in_every_sequence(local: Any) -> None:
    index = KvIndex(16)
    index.apply(stored(ONE, None, [(1, 1), (2, 2)]))
    assert index.find_matches(local) == {ONE: 2}


def test_mappings_of_other_types_are_events_too() -> None:
    index = KvIndex(16)
    told: Mapping[str, Any] = MappingProxyType(stored(ONE, None, [(1, 1)]))
    index.apply(told)
    index.apply(event(ONE, {"stored": {"parent_hash": 1, "blocks": (block(2, 2), block(np.uint64(3), 3))}}))
    assert index.find_matches([1, 2, 3]) == {ONE: 3}
    assert {type(name) for name in index._plain.names} == {int}


@pytest.mark.parametrize("size", [0, -1, True, 1.0, "16", None])
def test_a_block_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="block_size is"):
        KvIndex(size)


def test_after_close_every_call_is_refused() -> None:
    for index in (KvIndex(16), FollowingIndex(16), ApproximateIndex(16)):
        index.close()
        index.close()
        calls: list[Any] = [
            index.dump,
            index.stats,
            index.nodes,
            index.tracked_blocks,
            index.memory_bytes,
            lambda index=index: index.find_matches([1]),
            lambda index=index: index.find_matches_tokens([1] * 16),
            lambda index=index: index.remove_worker(1),
            lambda index=index: index.clear_worker(1, 0),
        ]
        if isinstance(index, FollowingIndex):
            calls += [lambda index=index: index.state(1, 0), lambda index=index: index.replay([]), index.snapshot]
        if isinstance(index, ApproximateIndex):
            calls += [lambda index=index: index.route([1] * 16, 1, 0), lambda index=index: index.advance(1)]
        else:
            calls += [
                lambda index=index: index.apply(cleared(ONE)),
                lambda index=index: index.discard(ONE, [1], None, None),
            ]
        for call in calls:
            with pytest.raises(ClosedError) as raised:
                call()
            assert raised.value.code == "closed"


def test_a_million_blocks_in_one_event() -> None:
    index = KvIndex(16)
    empty = index.memory_bytes()
    chain = [{"block_hash": number, "tokens_hash": number} for number in range(1_000_000)]
    index.apply(blocks(*chain))
    assert index.find_matches(range(1_000_000)) == {ONE: 1_000_000}
    with pytest.raises(InvalidEventError, match="twice"):
        index.apply(event((2, 0), {"stored": {"parent_hash": None, "blocks": [*chain, chain[0]]}}))
    index.apply(removed(ONE, range(999_999, -1, -1)))
    assert index.memory_bytes() == empty


def test_hashes_are_those_of_the_recipe() -> None:
    tokens = [1, 2, 3, (1 << 32) - 1, 7]
    first = xxhash.xxh3_64_intdigest(b"\1\0\0\0\2\0\0\0", seed=1337)
    second = xxhash.xxh3_64_intdigest(b"\3\0\0\0\xff\xff\xff\xff", seed=1337)
    assert local_hashes(tokens, 2) == [first, second]
    chained = xxhash.xxh3_64_intdigest(first.to_bytes(8, "little") + second.to_bytes(8, "little"), seed=1337)
    assert sequence_hashes([first, second]) == [first, chained]
    assert sequence_hashes([second], first) == [chained]
    assert local_hashes(np.array(tokens), 2) == [first, second]  # type: ignore[arg-type]
    assert local_hashes(tokens, 2, "adapter") != [first, second]
    assert (local_hashes([], 2), sequence_hashes([])) == ([], [])


def test_removals_of_one_group_leave_the_others() -> None:
    index = KvIndex(16)
    for identity in (None, {"lora_name": "a"}, {"group_idx": 1}):
        index.apply(stored(ONE, None, [(1, 1), (2, 2)], identity=identity))
    index.discard(ONE, [2, 3], None, None)
    assert [index.find_matches([1, 2], identity=one) for one in (None, {"lora_name": "a"}, {"group_idx": 1})] == [
        {ONE: 1}, {ONE: 1}, {ONE: 2},
    ]  # fmt: skip
    assert index.stats()["unknown_removals"] == 0 + 1 - 1
    index.clear_worker(1, 0)
    assert (index.tracked_blocks(), len(index._trees)) == (0, 1)


def test_metrics_tell_what_happened() -> None:
    index = KvIndex(16, name="decode")
    other = FollowingIndex(16, name="prefill")
    index.apply(stored(ONE, None, [(1, 1), (2, 2)]))
    with pytest.raises(UnknownParentError):
        index.apply(stored(ONE, 9, [(3, 3)]))
    with pytest.raises(OtherBlockSizeError):
        index.apply(stored(ONE, None, [(3, 3)], block_size=8))
    index.find_matches([1, 2, 3])
    other.apply(stored(ONE, None, [(1, 1)], 4))
    found = {
        (sample.name.removeprefix("trueup_kv_index_"), sample.value)
        for family in text_string_to_metric_families(index.metrics_text().decode())
        for sample in family.samples
        if sample.value
    }
    assert found == {
        ("stored_events_total", 2), ("unknown_parents_total", 1), ("requests_total", 1), ("requested_blocks_total", 3),
        ("matched_blocks_total", 2), ("blocks", 2), ("nodes", 2), ("segments", 1), ("workers", 1),
    }  # fmt: skip
    both = {
        (sample.name, sample.labels["index"]): sample.value
        for family in IndexCollector(index, other).collect()
        for sample in family.samples
    }
    assert both["trueup_kv_index_gaps_total", "prefill"] == both["trueup_kv_index_blocks", "prefill"] == 1
    assert both["trueup_kv_index_degraded_workers", "prefill"] == 1
    with pytest.raises(ValueError, match="need names of their own"):
        IndexCollector(index, KvIndex(16, name="decode"))


def test_threads_see_every_call_whole() -> None:
    index = KvIndex(16)
    trunk = [(number + 1, number) for number in range(300)]
    index.apply(stored((9, 0), None, trunk))
    wrong: list[int] = []
    stop = threading.Event()

    def write(worker_id: int) -> None:
        for turn in range(60):
            cut = (turn * 37 + worker_id) % 300
            index.apply(stored((worker_id, 0), None, [*trunk[:cut], (1_000 + worker_id, 7)]))
            index.apply(cleared((worker_id, 0)))

    def ask() -> None:
        while not stop.is_set():
            depth = index.find_matches(range(300)).get((9, 0))
            if depth != 300:
                wrong.append(depth or 0)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    asking = threading.Thread(target=ask)
    for thread in (*writers, asking):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    asking.join()
    assert wrong == []
    assert (index.tracked_blocks(), index.stats()["segments"]) == (300, 2)


def test_what_it_says_it_holds_is_what_it_holds() -> None:
    index = KvIndex(16)
    chains = [[(worker << 32 | number, number << 8 | worker) for number in range(1, 500)] for worker in range(20)]
    events = [stored((worker, 0), None, chain) for worker, chain in enumerate(chains)]
    del chains
    tracemalloc.start()
    for one in events:
        index.apply(one)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    told = index.memory_bytes()
    # The hashes themselves are the events' own numbers as long as those are there: 48 bytes a block.
    assert 0.85 < (held + 48 * index.nodes()) / told < 1.15
