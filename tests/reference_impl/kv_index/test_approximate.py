"""The index without events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_impl.kv_index.naive import check
from trueup_reference.kv_index import ApproximateIndex, ClosedError, InvalidEventError

BLOCK = 2


def made(**bounds: Any) -> ApproximateIndex:
    return ApproximateIndex(BLOCK, clock=lambda: 0.0, **bounds)


def prompt(letters: str) -> list[int]:
    """A block for each letter."""
    return [ord(letter) for letter in letters for _ in range(BLOCK)]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_it_holds_what_was_routed_last_and_all_of_it_can_be_reached(data: st.DataObject) -> None:
    ttl_s, most = 10, data.draw(st.sampled_from([5, 12, 1000]))
    index = made(ttl_s=float(ttl_s), max_blocks=most)
    now = 0
    routed: dict[tuple[int, str], int] = {}  # each worker's prefixes, and when they expire
    for _ in range(data.draw(st.integers(1, 25))):
        if data.draw(st.booleans()):
            step = data.draw(st.integers(0, 6))
            index.advance(step)
            now += step
        text = data.draw(st.text("ab", max_size=6))
        worker = data.draw(st.integers(1, 2))
        index.route([*prompt(text), 1][: len(text) * BLOCK + data.draw(st.integers(0, 1))], worker, 0)
        routed |= {(worker, text[: n + 1]): now + ttl_s for n in range(len(text))}
        check(index._plain)
        count = index.tracked_blocks()
        assert count <= most
        alive = {key for key, expires in routed.items() if expires > now}
        reached = {
            (worker, text[:depth])
            for _, text in alive
            for (worker, _), found in index.find_matches_tokens(prompt(text)).items()
            for depth in range(1, found + 1)
        }
        assert len(reached) == count
        assert reached <= alive
        if most == 1000:
            assert reached == alive
        else:  # nothing that is gone expires later than what is kept
            gone = [routed[key] for key in alive - reached]
            assert not gone or not reached or max(gone) <= max(routed[key] for key in reached)
            routed = {key: expires for key, expires in routed.items() if key in reached}
        assert sum(len(names) for names in index._renewed.values()) == count
    index.advance(ttl_s)
    assert (index.tracked_blocks(), index.nodes(), len(index._routes), index._renewed) == (0, 0, 0, {})


def test_pruning_leaves_four_fifths_and_takes_the_tail_of_the_oldest_first() -> None:
    index = made(max_blocks=10)
    index.route(prompt("abcde"), 1, 0)
    index.route(prompt("vwxyz"), 2, 0)
    assert index.tracked_blocks() == 10
    index.route(prompt("q"), 3, 0)
    assert index.tracked_blocks() == 8
    assert index.find_matches_tokens(prompt("abcde")) == {(1, 0): 2}
    assert index.find_matches_tokens(prompt("vwxyz")) == {(2, 0): 5}
    assert (index.stats()["pruned"], index.stats()["expired"], index.stats()["routed"]) == (3, 0, 3)


def test_a_prompt_larger_than_the_bound_keeps_its_head() -> None:
    index = made(max_blocks=10)
    index.route(prompt("abcdefghijklmnopqrst"), 1, 0)
    assert index.find_matches_tokens(prompt("abcdefghijklmnopqrst")) == {(1, 0): 8}


def test_a_prompt_that_is_routed_over_and_over_costs_no_more() -> None:
    index = made()
    for _ in range(5_000):
        index.route(prompt("abc"), 1, 0)
        index.route(prompt("abd"), 1, 0)
    assert len(index._routes) <= 2 * 4 + 1024
    index.advance(119)
    index.route(prompt("ab"), 1, 0)
    index.advance(1)
    assert index.find_matches_tokens(prompt("abc")) == {(1, 0): 2}
    assert index.tracked_blocks() == 2


def test_the_defaults_are_two_minutes_and_a_million_blocks() -> None:
    index = made()
    assert (index.ttl_s, index.max_blocks) == (120.0, 1 << 20)
    index.route(prompt("ab"), 1, 0)
    index.advance(119.9)
    assert index.find_matches_tokens(prompt("ab")) == {(1, 0): 2}
    index.advance(0.1)
    assert index.find_matches_tokens(prompt("ab")) == {}


def test_a_worker_that_is_gone_takes_its_prompts_along() -> None:
    index = made(ttl_s=5.0)
    index.route(prompt("ab"), 1, 0)
    index.route(prompt("ab"), 1, 1)
    index.route(prompt("ab"), 2, 0)
    index.remove_worker(1)
    index.advance(1)
    index.route(prompt("abc"), 1, 0)
    index.advance(4)
    assert index.find_matches_tokens(prompt("abc")) == {(1, 0): 3}
    index.clear_worker(1, 0)
    assert (index.tracked_blocks(), index._renewed) == (0, {})
    index.close()
    with pytest.raises(ClosedError):
        index.route(prompt("ab"), 1, 0)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"ttl_s": 0}, "ttl_s is 0"),
        ({"ttl_s": float("nan")}, "ttl_s is nan"),
        ({"ttl_s": float("inf")}, "ttl_s is inf"),
        ({"ttl_s": "1"}, "ttl_s is '1'"),
        ({"max_blocks": 0}, "max_blocks is 0"),
        ({"max_blocks": 1.5}, "max_blocks is 1.5"),
    ],
)
def test_a_bound_that_is_none_is_refused(bounds: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        made(**bounds)


def test_what_it_cannot_do_is_refused() -> None:
    index = made()
    with pytest.raises(InvalidEventError, match="fed by route"):
        index.apply({})
    with pytest.raises(InvalidEventError, match="fed by route"):
        index.discard((1, 0), [1], None, None)
    with pytest.raises(ValueError, match="seconds are -1"):
        index.advance(-1)
    with pytest.raises(InvalidEventError, match="token 1 is 4294967296"):
        index.route([1, 1 << 32], 1, 0)
    with pytest.raises(InvalidEventError, match="dp_rank is -1"):
        index.route([1, 2], 1, -1)
    assert index.tracked_blocks() == 0
