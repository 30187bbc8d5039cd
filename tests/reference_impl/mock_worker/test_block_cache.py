"""The simulated block cache: bounded, what is in use stays, and no block is ever there without its parent."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from trueup_reference.mock_worker.block_cache import BlockCache, Change, Lease, NoRoomError


def cached(cache: BlockCache, *hashes: int) -> Lease:
    """These blocks are there, in use by what is answered."""
    lease = cache.lease(hashes, len(hashes))
    cache.extend(lease, hashes[lease.cached :])
    return lease


def test_what_is_there_is_not_computed_again() -> None:
    cache = BlockCache(8)
    cache.release(cached(cache, 1, 2, 3))
    lease = cache.lease([1, 2, 9], 4)
    assert lease.cached == 2
    assert cache.extend(lease, [9]) == Change((), 2, (9,))
    assert len(cache) == 4


def test_the_tail_of_the_chain_that_was_used_least_goes_first() -> None:
    cache = BlockCache(4)
    cache.release(cached(cache, 1, 2))
    cache.release(cached(cache, 5, 6))
    lease = cache.lease([7, 8, 9], 3)
    assert cache.extend(lease, [7, 8, 9]) == Change((2, 1, 6), None, (7, 8, 9))
    assert 5 in cache


def test_what_is_in_use_stays_and_what_has_no_room_changes_nothing() -> None:
    cache = BlockCache(4)
    held = cached(cache, 1, 2, 3)
    with pytest.raises(NoRoomError, match="2 blocks are due, and 1 of 4 are free"):
        cache.lease([1, 7, 8], 3)
    lease = cache.lease([7], 1)
    with pytest.raises(NoRoomError):
        cache.lease([8], 1)
    cache.release(lease)
    cache.release(held)
    assert cache.lease([8, 9, 10, 11], 4).cached == 0


def test_two_requests_that_compute_the_same_store_it_once() -> None:
    cache = BlockCache(8)
    first, second = cache.lease([1, 2, 3], 3), cache.lease([1, 2, 4], 3)
    assert cache.extend(first, [1, 2, 3]) == Change((), None, (1, 2, 3))
    assert cache.extend(second, [1, 2, 4]) == Change((), 2, (4,))
    cache.release(first)
    cache.release(first)
    assert len(cache) == 4


def test_clear_waits_for_nobody() -> None:
    cache = BlockCache(4)
    lease = cached(cache, 1, 2)
    assert not cache.clear()
    cache.release(lease)
    assert cache.clear()
    assert len(cache) == 0


def chain(path: tuple[int, ...]) -> list[int]:
    """Hashes that each name a block and all before it."""
    return [hash(path[: end + 1]) for end in range(len(path))]


class Requests(RuleBasedStateMachine):
    """Requests come, compute and go; a mirror is told of every change."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = BlockCache(6)
        self.leases: list[tuple[Lease, list[int]]] = []
        self.parents: dict[int, int | None] = {}

    @rule(path=st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple), more=st.integers(0, 2))
    def come(self, path: tuple[int, ...], more: int) -> None:
        hashes = chain(path)
        try:
            lease = self.cache.lease(hashes, len(hashes) + more)
        except NoRoomError:
            return
        self.leases.append((lease, hashes))

    @rule(number=st.integers(0, 3))
    def compute(self, number: int) -> None:
        if number >= len(self.leases):
            return
        lease, hashes = self.leases[number]
        change = self.cache.extend(lease, hashes[len(lease.hashes) :])
        for each in change.removed:
            del self.parents[each]
        parent = change.parent
        for each in change.stored:
            assert each not in self.parents
            self.parents[each] = parent
            parent = each

    @rule(number=st.integers(0, 3))
    def go(self, number: int) -> None:
        if number < len(self.leases):
            self.cache.release(self.leases.pop(number)[0])

    @invariant()
    def is_what_was_told(self) -> None:
        assert len(self.cache) == len(self.parents) <= self.cache.capacity_blocks
        assert all(each in self.cache for each in self.parents)
        assert {parent for parent in self.parents.values() if parent is not None} <= self.parents.keys()
        assert all(each in self.cache for lease, _ in self.leases for each in lease.hashes)


def test_every_sequence_of_requests() -> None:
    run_state_machine_as_test(Requests, settings=settings(max_examples=150, deadline=None, database=None))
