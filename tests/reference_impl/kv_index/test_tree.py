"""The index against the plain model, with a look inside after every step."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_impl.kv_index.events import cleared, removed, stored
from reference_impl.kv_index.naive import Naive, check
from trueup_reference.kv_index import InvalidEventError, KvIndex, UnknownParentError
from trueup_reference.kv_index.segments import RUN
from trueup_reference.kv_index.tree import Tree

WORKERS = [(1, 0), (1, 1), (2, 0), (3, 0)]
TIERS = ["gpu", "cpu", "disk"]
PROFILE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def trees(index: KvIndex) -> list[Tree]:
    return list(index._trees.values())


class Names:
    """Names of paths: one for all workers, each worker's own, or any name for any path."""

    def __init__(self, kind: str, data: st.DataObject) -> None:
        self.kind = kind
        self.data = data
        self.made: dict[Any, int] = {}

    def of(self, worker: tuple[int, int], path: tuple[int, ...]) -> int:
        if self.kind == "any":
            return self.data.draw(st.integers(1, 9))
        key = path if self.kind == "shared" else (worker, path)
        # Small numbers of each worker's own are other blocks' names to other workers.
        fresh = len(self.made) if self.kind == "shared" else sum(1 for one in self.made if one[0] == worker)
        return self.made.setdefault(key, fresh)


def stored_below(data: st.DataObject, model: Naive, names: Names, paths: dict[Any, Any], worker: Any) -> Any:
    """A store of a chain whose names are all different, below what the worker holds or at the root."""
    held = sorted(model.held.get(worker, {}))
    parent = data.draw(st.sampled_from([None, *held]))
    path: tuple[int, ...] = paths.get((worker, parent), ())
    chain: list[tuple[int, int]] = []
    for local in data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=7)):
        path = (*path, local)
        name = names.of(worker, path)
        if name == parent or name in dict(chain):
            break
        chain.append((name, local))
        paths.setdefault((worker, name), path)
    return stored(worker, parent, chain, tier=names.data.draw(st.sampled_from(TIERS))) if chain else None


@PROFILE
@given(data=st.data(), kind=st.sampled_from(["shared", "own", "any"]))
def test_every_sequence_of_events_leaves_what_the_model_holds(data: st.DataObject, kind: str) -> None:
    index, model, names = KvIndex(4), Naive(), Names(kind, data)
    paths: dict[Any, Any] = {}
    for _ in range(data.draw(st.integers(1, 25))):
        worker = data.draw(st.sampled_from(WORKERS))
        held = sorted(model.held.get(worker, {}))
        what = data.draw(st.sampled_from(["store"] * 5 + ["remove"] * 3 + ["clear", "leave"]))
        event: dict[str, Any] | None = None
        if what == "store":
            event = stored_below(data, model, names, paths, worker)
        elif what == "remove":
            some = data.draw(st.lists(st.sampled_from([*held, 99]), min_size=1, max_size=6))
            event = removed(worker, some, tier=data.draw(st.sampled_from([None, *TIERS])))
        elif what == "clear":
            event = cleared(worker)
        else:
            index.remove_worker(worker[0])
            model.remove_worker(worker[0])
        if event is not None:
            try:
                index.apply(event)
            except InvalidEventError:
                assert kind == "any"  # a block below itself
            else:
                assert model.apply(event)
        for tree in trees(index):
            check(tree)
        assert index.tracked_blocks() == model.tracked_blocks()
        if kind != "any":
            agree(index, model, data)
    if kind != "any":
        again = KvIndex(4)
        for event in index.dump():
            again.apply(event)
        for tree in trees(again):
            check(tree)
        assert again.tracked_blocks() == model.tracked_blocks()
        agree(again, model, data)
    for worker_id in {worker[0] for worker in WORKERS}:
        index.remove_worker(worker_id)
    assert (index.nodes(), index.tracked_blocks()) == (0, 0)
    assert index.memory_bytes() == KvIndex(4).memory_bytes()


def agree(index: KvIndex, model: Naive, data: st.DataObject) -> None:
    request = data.draw(st.lists(st.integers(0, 1), max_size=9))
    for tier in (None, *TIERS):
        assert index.find_matches(request, tier=tier) == model.find_matches(request, tier)
    best = model.find_matches(request)
    early = index.find_matches(request, early_exit=True)
    assert set(early) == set(best)
    if best:
        deepest = max(best.values())
        winners = {worker for worker, depth in early.items() if depth == max(early.values())}
        assert winners == {worker for worker, depth in best.items() if depth == deepest}
        short = {worker for worker in best if early[worker] != best[worker]}
        assert not short or short == winners


@pytest.mark.parametrize("depth", [1, RUN - 1, RUN, RUN + 1, 3 * RUN, 8_192, 100_000])
def test_a_chain_of_any_depth(depth: int) -> None:
    index = KvIndex(16)
    chain = [(number + 1, number % 7) for number in range(depth)]
    index.apply(stored((1, 0), None, chain))
    index.apply(stored((2, 0), None, chain[: depth // 2 + 1]))
    check(trees(index)[0])
    request = [local for _, local in chain]
    assert index.find_matches(request) == {(1, 0): depth, (2, 0): min(depth, depth // 2 + 1)}
    index.apply(removed((1, 0), [chain[depth // 2][0]]))
    assert index.find_matches(request).get((1, 0), 0) == depth // 2
    index.apply(stored((1, 0), None, chain))
    assert index.find_matches(request)[1, 0] == depth
    index.apply(cleared((1, 0)))
    index.apply(removed((2, 0), [name for name, _ in chain]))
    matched = 2 * depth + min(depth, depth // 2 + 1)  # the second time the other worker is the better one
    assert index.stats() == {
        "stored_events": 3, "removed_events": 2, "cleared_events": 1, "unknown_parents": 0, "requests": 3,
        "unknown_removals": depth - min(depth, depth // 2 + 1), "requested_blocks": 3 * depth,
        "matched_blocks": matched, "blocks": 0, "nodes": 0, "segments": 0, "workers": 0,
    }  # fmt: skip


def test_a_chain_that_grows_by_one_block_at_a_time_stays_compact() -> None:
    index = KvIndex(16)
    for number in range(3 * RUN):
        index.apply(stored((1, 0), number or None, [(number + 1, number)]))
    assert index.stats()["segments"] == 3
    check(trees(index)[0])
    assert index.find_matches(range(3 * RUN)) == {(1, 0): 3 * RUN}


def test_segments_that_parted_join_again() -> None:
    index = KvIndex(16)
    trunk = [(number + 1, number) for number in range(100)]
    index.apply(stored((1, 0), None, trunk))
    for at in range(0, 100, 7):
        index.apply(stored((2, 0), None, [*trunk[:at], (1_000 + at, 1_000)]))
    assert index.stats()["segments"] > 20
    check(trees(index)[0])
    index.remove_worker(2)
    assert index.stats()["segments"] == 1
    check(trees(index)[0])
    assert index.find_matches(range(100)) == {(1, 0): 100}


def test_the_table_of_names_gets_smaller() -> None:
    index = KvIndex(16)
    empty = index.memory_bytes()
    chain = [(number + 1, number) for number in range(20_000)]
    index.apply(stored((1, 0), None, chain))
    full = index.memory_bytes()
    index.apply(removed((1, 0), [name for name, _ in chain[100:]]))
    assert index.memory_bytes() - empty < (full - empty) / 30
    assert index.find_matches(range(20_000)) == {(1, 0): 100}


def test_a_block_below_itself_is_refused_whole() -> None:
    index = KvIndex(16)
    index.apply(stored((1, 0), None, [(1, 1), (2, 2), (3, 3)]))
    index.apply(removed((1, 0), [1]))
    with pytest.raises(InvalidEventError, match="block_hash 1 stands above its own parent_hash"):
        index.apply(stored((1, 0), 3, [(4, 4), (1, 1)]))
    assert index.tracked_blocks() == 2
    check(trees(index)[0])


def test_a_chain_is_stored_again_over_its_holes_whatever_its_names_mean_to_others() -> None:
    index = KvIndex(16)
    index.apply(stored((2, 0), None, [(3, 7), (2, 7), (1, 7)]))  # the same names for other blocks
    chain = [(1, 1), (2, 2), (3, 3)]
    index.apply(stored((1, 0), None, chain))
    for gone in ([1], [2], [1, 2], [3, 1]):
        index.apply(removed((1, 0), gone))
        index.apply(stored((1, 0), None, chain))
        assert index.find_matches([1, 2, 3]) == {(1, 0): 3}
        check(trees(index)[0])
    assert index.tracked_blocks() == 6


def test_what_is_below_a_removed_block_revives_with_it() -> None:
    index = KvIndex(16)
    index.apply(stored((1, 0), None, [(1, 1), (2, 2), (3, 3)]))
    index.apply(removed((1, 0), [2]))
    index.apply(stored((1, 0), 3, [(4, 4)]))
    assert (index.find_matches([1, 2, 3, 4]), index.tracked_blocks()) == ({(1, 0): 1}, 3)
    with pytest.raises(UnknownParentError, match="worker 1, rank 0 does not hold the block 2, below which it stores 1"):
        index.apply(stored((1, 0), 2, [(5, 5)]))
    index.apply(stored((1, 0), 1, [(2, 2)]))
    assert (index.find_matches([1, 2, 3, 4]), index.tracked_blocks()) == ({(1, 0): 4}, 4)


def test_workers_that_never_come_back_leave_nothing() -> None:
    index = KvIndex(16)
    for worker_id in range(3_000):
        index.apply(stored((worker_id, 0), None, [(worker_id + 1, 1), (worker_id + 2, 2)]))
        with contextlib.suppress(UnknownParentError):
            index.apply(stored((worker_id, 9), 7, [(1, 1)]))
        index.apply(removed((worker_id, 7), [1]))
        if worker_id >= 3:
            index.remove_worker(worker_id - 3)
    tree = trees(index)[0]
    assert (len(tree.holders), len(tree.where), len(tree.workers)) == (4, 4, 3)
    check(tree)


def seconds(blocks: int) -> float:
    """Of workers that all count their blocks from 0, and so name different blocks alike; of two rounds the better."""
    took = []
    for _ in range(2):
        index = KvIndex(16)
        begun = time.thread_time()
        for worker_id in range(3):
            chain = [(number, number * 3 + worker_id) for number in range(blocks)]
            for at in range(0, blocks, 500):
                index.apply(stored((worker_id, 0), at - 1 if at else None, chain[at : at + 500]))
        for worker_id in range(3):
            for at in range(blocks - 1, -1, -1):
                index.apply(removed((worker_id, 0), [at]))
        took.append(time.thread_time() - begun)
        assert (index.tracked_blocks(), index.nodes(), trees(index)[0].repeated) == (0, 0, {})
    return min(took)


def test_names_that_mean_many_blocks_cost_no_more_the_more_there_are() -> None:
    assert seconds(4_000) / seconds(1_000) < 8  # 4 where each block costs the same, 16 where they look at each other
