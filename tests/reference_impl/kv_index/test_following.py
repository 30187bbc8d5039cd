"""Ids of events: what is missing, and how a replay mends it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from reference_impl.kv_index.events import cleared, removed, stored
from reference_impl.kv_index.naive import check
from trueup_reference.kv_index import FollowingIndex, InvalidEventError, KvIndex, UnknownParentError, following

ONE = (1, 0)


def life(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Events of one worker that follow from each other: every one depends on those before."""
    choices = random.Random(seed)
    held: dict[int, tuple[int, ...]] = {}
    events: list[dict[str, Any]] = []
    while len(events) < count:
        number = len(events)
        if held and choices.random() < 0.4:
            gone = choices.sample(sorted(held), min(len(held), choices.randrange(1, 4)))
            for name in gone:
                del held[name]
            events.append(removed(ONE, gone, number))
            continue
        parent = choices.choice([None, *sorted(held)])
        path = () if parent is None else held[parent]
        chain = []
        for _ in range(choices.randrange(1, 4)):
            path = (*path, choices.randrange(3))
            name = hash(path) % (1 << 64)
            held[name] = path
            chain.append((name, path[-1]))
        events.append(stored(ONE, parent, chain, number))
    return events


def truth(events: list[dict[str, Any]]) -> KvIndex:
    index = KvIndex(16)
    for event in events:
        index.apply(event)
    return index


def same(index: FollowingIndex, other: KvIndex) -> bool:
    requests = [[a, b, c] for a in range(3) for b in range(3) for c in range(3)]
    return index.tracked_blocks() == other.tracked_blocks() and all(
        index.find_matches(request) == other.find_matches(request) for request in requests
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_replay_that_reaches_makes_it_what_all_events_in_order_make(seed: int) -> None:
    choices = random.Random(seed)
    events = life(40, seed)
    index = FollowingIndex(16)
    begin, end = sorted(choices.sample(range(1, 39), 2))
    for event in events[:begin]:
        index.apply(event)
    assert index.state(*ONE) == "exact"
    for event in events[end:]:
        with contextlib.suppress(UnknownParentError):
            index.apply(event)
    assert index.state(*ONE) == ("degraded" if end > begin else "exact")
    assert index.missing_from(*ONE) == (begin if end > begin else None)
    index.replay(events[choices.randrange(begin + 1) : end])  # what was heard since is remembered
    assert index.state(*ONE) == "exact"
    assert same(index, truth(events))
    check(index._plain)
    for event in events:
        index.apply(event)  # all of them are known
    assert same(index, truth(events))


def test_a_replay_in_parts_mends_with_the_last_of_them() -> None:
    events = life(30)
    index = FollowingIndex(16)
    index.replay(events[29:])
    assert index.state(*ONE) == "degraded"
    index.replay(events[10:20])
    index.replay(events[:10])
    assert index.state(*ONE) == "degraded"
    index.replay(events[20:25])
    assert index.state(*ONE) == "degraded"
    index.replay(events[25:])
    assert index.state(*ONE) == "exact"
    assert same(index, truth(events))
    assert index.stats()["replays"] == 5


def test_a_cleared_amid_a_replay_makes_what_was_lost_before_it_unimportant() -> None:
    index = FollowingIndex(16)
    index.apply(stored(ONE, None, [(1, 1)], 0))
    index.apply(stored(ONE, None, [(9, 9)], 8))
    index.replay([cleared(ONE, 5), stored(ONE, None, [(2, 2)], 6), stored(ONE, None, [(3, 3)], 7)])
    assert index.state(*ONE) == "exact"
    assert [index.find_matches([local]) for local in (1, 2, 3, 9)] == [{}, {ONE: 1}, {ONE: 1}, {ONE: 1}]


def test_too_many_events_since_a_gap_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MOST_KEPT", 5)
    events = [stored(ONE, None, [(number, number)], number) for number in range(20)]
    index = FollowingIndex(16)
    for event in (events[0], *events[2:]):
        index.apply(event)
    index.replay(events[1:3])
    assert index.state(*ONE) == "degraded"
    assert index.tracked_blocks() == 19
    index.replay(events[1:])
    assert index.state(*ONE) == "exact"
    assert index.tracked_blocks() == 20


def test_a_replay_with_one_malformed_event_changes_nothing() -> None:
    index = FollowingIndex(16)
    index.apply(stored(ONE, None, [(1, 1)], 0))
    with pytest.raises(InvalidEventError, match="blocks is \\[\\]"):
        index.replay([stored(ONE, None, [(2, 2)], 1), stored(ONE, None, [], 2)])
    with pytest.raises(InvalidEventError, match="events are str"):
        index.replay("events")  # type: ignore[arg-type]
    assert (index.tracked_blocks(), index.state(*ONE)) == (1, "exact")


def test_a_peer_takes_over_what_is_exact() -> None:
    index = FollowingIndex(16)
    index.apply(stored(ONE, None, [(1, 1), (2, 2), (3, 3)], 0))
    index.apply(removed(ONE, [2], 1))
    index.apply(stored((2, 0), None, [(1, 1)], 4))  # degraded
    events, positions = index.snapshot()
    peer = FollowingIndex(16)
    peer.load(events, positions)
    assert (peer.state(*ONE), peer.state(2, 0)) == ("exact", "unknown")
    assert (peer.find_matches([1, 2, 3]), peer.tracked_blocks()) == ({ONE: 1}, 2)
    peer.apply(removed(ONE, [3], 1))  # known
    peer.apply(stored(ONE, 1, [(2, 2)], 2))
    assert (peer.find_matches([1, 2, 3]), peer.state(*ONE)) == ({ONE: 3}, "exact")
    with pytest.raises(ValueError, match="follows 1 workers already"):
        peer.load(events, positions)


def test_a_worker_that_left_or_began_anew_is_unknown() -> None:
    index = FollowingIndex(16)
    forgets: list[Callable[[], None]] = [lambda: index.remove_worker(1), lambda: index.forget(*ONE)]
    for forget in forgets:
        index.apply(stored(ONE, None, [(1, 1)], 0))
        index.apply(stored(ONE, None, [(2, 2)], 1))
        forget()
        assert (index.state(*ONE), index.tracked_blocks()) == ("unknown", 0)
