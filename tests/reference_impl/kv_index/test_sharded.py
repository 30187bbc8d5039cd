"""The index in several processes."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from reference_impl.kv_index.events import cleared, removed, stored
from trueup_reference.kv_index import (
    ClosedError,
    InvalidEventError,
    KvIndex,
    ShardedIndex,
    ShardLostError,
    UnknownParentError,
)


@pytest.fixture(scope="module")
def sharded() -> Iterator[ShardedIndex]:
    with ShardedIndex(16, 2) as index:
        yield index


@pytest.fixture
def empty(sharded: ShardedIndex) -> ShardedIndex:
    for worker_id in range(8):
        sharded.remove_worker(worker_id)
    return sharded


def life(seed: int) -> list[dict[str, Any]]:
    choices = random.Random(seed)
    events = []
    for _ in range(300):
        worker = (choices.randrange(8), choices.randrange(2))
        path = [choices.randrange(2) for _ in range(choices.randrange(1, 12))]
        chain = [(hash((1, *path[: n + 1])) % (1 << 64), path[n]) for n in range(len(path))]
        what = choices.random()
        if what < 0.7:
            events.append(stored(worker, None, chain))
        elif what < 0.95:
            events.append(removed(worker, [name for name, _ in chain]))
        else:
            events.append(cleared(worker))
    return events


def test_it_answers_as_one_process_does(empty: ShardedIndex) -> None:
    one = KvIndex(16)
    events = life(1)
    before = empty.stats()
    for event in events[:150]:
        one.apply(event)
        empty.apply(event)
    for event in events[150:]:
        one.apply(event)
    assert empty.apply_many(events[150:]) == []
    choices = random.Random(2)
    for _ in range(100):
        request = [choices.randrange(2) for _ in range(10)]
        assert empty.find_matches(request) == one.find_matches(request)
        assert empty.find_matches(request, early_exit=True) == one.find_matches(request)
        assert empty.find_matches(request, tier="cpu") == {}
    assert empty.tracked_blocks() == one.tracked_blocks() > 0
    assert empty.memory_bytes() > 0
    assert empty.nodes() >= one.nodes()
    again = KvIndex(16)
    for event in empty.dump():
        again.apply(event)
    assert again.tracked_blocks() == one.tracked_blocks()
    assert again.find_matches([0, 1, 0]) == one.find_matches([0, 1, 0])
    after = empty.stats()
    counted = ("stored_events", "removed_events", "cleared_events", "unknown_removals")
    assert {name: after[name] - before[name] for name in counted} == {name: one.stats()[name] for name in counted}
    assert after["requests"] - before["requests"] == 300
    for index in (empty, one):
        index.clear_worker(1, 0)
        index.discard((2, 0), [1, 2, 3], None, None)
    assert empty.tracked_blocks() == one.tracked_blocks()
    tokens = list(range(64))
    assert empty.find_matches_tokens(tokens) == one.find_matches_tokens(tokens)
    assert b'trueup_kv_index_blocks{index="default"}' in empty.metrics_text()


def test_what_a_process_refuses_is_raised_here(empty: ShardedIndex) -> None:
    with pytest.raises(UnknownParentError, match="does not hold the block 7"):
        empty.apply(stored((1, 0), 7, [(1, 1)]))
    with pytest.raises(InvalidEventError, match="worker_id is 'one'"):
        empty.apply({"worker_id": "one", "event": {"event_id": 0, "dp_rank": 0, "data": "cleared"}})
    with pytest.raises(InvalidEventError, match=r"local_hashes\[0\] is -1"):
        empty.find_matches([-1])
    with pytest.raises(InvalidEventError, match="tier is 'tape'"):
        empty.find_matches([1], tier="tape")
    refused = empty.apply_many([stored((1, 0), None, [(1, 1)]), stored((2, 0), 7, [(1, 1)]), stored((1, 0), 1, [])])
    assert [(place, type(error).__name__) for place, error in refused] == [
        (1, "UnknownParentError"),
        (2, "InvalidEventError"),
    ]
    assert empty.find_matches([1]) == {(1, 0): 1}


@pytest.mark.parametrize("shards", [0, -1, 1000, True, "2", 1.0])
def test_a_number_of_processes_that_is_none_is_refused(shards: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="shards is"):
        ShardedIndex(16, shards)


def test_a_process_that_is_gone_is_told_and_close_leaves_none() -> None:
    index = ShardedIndex(16, 2)
    pids = [process.pid for process in index._processes]
    index.apply(stored((1, 0), None, [(1, 1)]))
    assert pids[0] is not None
    os.kill(pids[0], signal.SIGKILL)
    with pytest.raises(ShardLostError, match="has ended by itself"):
        index.find_matches([1])
    with pytest.raises(ShardLostError, match="has ended by itself"):
        index.tracked_blocks()
    index.close()
    index.close()
    with pytest.raises(ClosedError):
        index.find_matches([1])
    for pid in pids:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_interrupted_call_does_not_give_its_answer_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with ShardedIndex(16, 1) as index:
        exchange = index._exchange

        def interrupted(call: str, order: Any, wanted: Any) -> Any:
            for shard in order:
                index._shards[shard].send((call, wanted[shard]))
            raise KeyboardInterrupt

        monkeypatch.setattr(index, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            index.tracked_blocks()
        monkeypatch.setattr(index, "_exchange", exchange)
        with pytest.raises(ShardLostError, match="interrupted before its answers came"):
            index.find_matches([1])


def test_what_cannot_be_sent_is_refused_before_it_is(sharded: ShardedIndex) -> None:
    cases: list[dict[str, Any]] = [{"tier": "tape"}, {"identity": {"lora_name": 1}}, {"identity": {"other": lambda: 1}}]
    for arguments in cases:
        with pytest.raises(InvalidEventError):
            sharded.find_matches([1], **arguments)
    assert sharded.find_matches([1], identity={"lora_name": "a"}) == {}
