"""The reference selection beyond its suite: what only it offers, and what is counted."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from trueup_reference.kv_index import KvIndex, local_hashes, sequence_hashes
from trueup_reference.worker_selection import SelectionCollector, WorkerSelector
from trueup_reference.worker_selection.loads import Loads
from trueup_reference.worker_selection.requests import Asked

A, B = (1, 0), (2, 0)


def request(name: str, isl: int = 64, hashes: tuple[int, ...] = (1, 2, 3, 4), **more: Any) -> Any:
    return {"id": name, "isl": isl, "seq_hashes": hashes, **more}


def test_a_booking_is_freed_whatever_ends_it() -> None:
    selector = WorkerSelector(16, seed=1)
    with selector.booking(request("r"), {}, [A]) as worker:
        assert selector.active(worker) == {"prefill_tokens": 64, "decode_blocks": 4}
    assert selector.active(A) == {"prefill_tokens": 0, "decode_blocks": 0}
    with pytest.raises(ConnectionResetError), selector.booking(request("r"), {}, [A]):
        raise ConnectionResetError
    assert selector.loads() == {}


def test_it_takes_what_an_index_answers() -> None:
    index, selector = KvIndex(4), WorkerSelector(4, seed=1)
    tokens = list(range(16))
    local = local_hashes(tokens, 4)
    hashes = sequence_hashes(local)
    blocks = [{"block_hash": each, "tokens_hash": one} for each, one in zip(hashes, local, strict=True)]
    stored = {"stored": {"parent_hash": None, "blocks": blocks[:3]}}
    index.apply({"worker_id": 2, "event": {"event_id": 0, "dp_rank": 0, "data": stored}})
    asked = request("r", len(tokens), tuple(hashes))
    assert selector.costs(asked, index.find_matches(local), [A, B]) == {A: 8.0, B: 5.0}
    assert selector.select(asked, index.find_matches(local), [A, B]) == B
    assert selector.active(B) == {"prefill_tokens": 4, "decode_blocks": 4}


def test_costs_book_nothing() -> None:
    selector = WorkerSelector(16, overlap_weight=0.5, seed=1)
    assert selector.costs(request("r"), {B: 2}, [B, A]) == {A: 6.0, B: 5.0}
    assert selector.loads() == {}


SETTINGS: dict[str, tuple[Any, str]] = {
    "block_size": (0, "block_size is 0; 1 to 9007199254740992 is due"),
    "overlap_weight": (-1, "overlap_weight is -1; a finite number of 0 or more is due"),
    "temperature": (float("nan"), "temperature is nan; a finite number of 0 or more is due"),
    "seed": ("1", "seed is '1'; an integer is due"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be_are_told(name: str) -> None:
    value, told = SETTINGS[name]
    settings_: dict[str, Any] = {"block_size": 16, name: value}
    with pytest.raises((TypeError, ValueError)) as caught:
        WorkerSelector(**settings_)
    assert str(caught.value) == told


REFUSED: list[tuple[Any, Any, Any, str]] = [
    (request("r"), {}, [], "there is no candidate: no worker can get the request"),
    (request("r", pinned=[9, 0]), {}, [A], "the request is pinned to [9, 0], which is no candidate"),
    (request("first"), {}, [A], "a request with the id 'first' is under way: free it, or name this one else"),
    (request("r", isl=-1), {}, [A], "isl is -1; 0 to 9007199254740992 is due"),
    (request("r", hashes=(-1,)), {}, [A], "seq_hashes -1 is none: 0 to 18446744073709551615 is due"),
    ({"id": "r"}, {}, [A], "the request lacks isl, seq_hashes"),
    (request("r"), {A: float("nan")}, [A], "depth of worker [1, 0] is nan; a finite number of 0 or more is due"),
    (request("r"), [{"worker_id": 1}], [A], "an overlap lacks 'dp_rank': worker_id, dp_rank and depth are due"),
    (request("r"), {}, [[1]], "candidates: a worker is a pair [id, rank], not (1,)"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[-1])
def test_requests_that_cannot_be_are_told(case: tuple[Any, Any, Any, str]) -> None:
    selector = WorkerSelector(16, seed=1)
    selector.select(request("first"), {}, [A])
    *arguments, told = case
    with pytest.raises((TypeError, ValueError)) as caught:
        selector.select(*arguments)
    assert str(caught.value) == told
    assert selector.outcomes() == {"chosen": 1, "refused": 1}


def test_integers_of_other_libraries_are_integers() -> None:
    numpy = pytest.importorskip("numpy")
    selector = WorkerSelector(16, seed=1)
    hashes = tuple(numpy.array([1, 2**64 - 1], dtype=numpy.uint64))
    worker = selector.select(request("r", numpy.int64(32), hashes), {}, [(numpy.uint64(7), 0)])
    assert worker == (7, 0)
    assert type(worker[0]) is int
    assert selector.active(worker) == {"prefill_tokens": 32, "decode_blocks": 2}


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_what_is_shared_is_counted_whatever_the_order_of_hashes(seed: int) -> None:
    """The masks are made for prompts that begin alike; any sets of hashes are counted as well."""
    chance = random.Random(seed)
    loads, there = Loads(), dict[str, tuple[tuple[int, int], set[int]]]()
    for number in range(30):
        if there and chance.random() < 0.4:
            name = chance.choice(sorted(there))
            loads.free(name)
            del there[name]
        else:
            worker, hashes = (chance.randrange(5), 0), chance.sample(range(20), chance.randrange(12))
            loads.book(Asked(f"r{number}", 0, tuple(hashes), None), worker, 0)
            there[f"r{number}"] = (worker, set(hashes))
        asked = tuple(chance.sample(range(20), 10))
        shared = loads.shared(asked)
        for worker, slot in loads.slots().items():
            active = set[int]().union(*(hashes for where, hashes in there.values() if where == worker))
            assert shared.get(slot.bit, 0) == len(active & set(asked))


def test_what_is_drained_leaves_nothing() -> None:
    selector = WorkerSelector(16, seed=1)
    for number in range(200):
        selector.select(request(f"r{number}", 64, (number, number + 1)), {}, [(number, 0)])
    for number in range(200):
        selector.free(f"r{number}")
    loads: Any = selector._loads
    assert [loads._slots, loads._masks, loads._requests, loads._by_bit] == [{}, {}, {}, []]


def test_the_metrics_are_those_of_the_loads() -> None:
    registry = CollectorRegistry()
    selector = WorkerSelector(16, seed=1, name="llama")
    registry.register(SelectionCollector(selector))
    selector.select(request("a"), {A: 1}, [A])
    selector.select(request("b", pinned=[2, 1]), {}, [A, (2, 1)])
    selector.free("b")
    selector.free("b")
    with pytest.raises(ValueError, match="no candidate"):
        selector.select(request("c"), {}, [])
    labels = {"selector": "llama", "worker_id": "1", "dp_rank": "0"}
    prefix = "trueup_worker_selection"
    assert registry.get_sample_value(f"{prefix}_active_prefill_tokens", labels) == 48
    assert registry.get_sample_value(f"{prefix}_active_decode_blocks", labels) == 4
    assert registry.get_sample_value(f"{prefix}_active_requests", labels) == 1
    counts = {
        (name, outcome): registry.get_sample_value(f"{prefix}_{name}_total", {"selector": "llama", "outcome": outcome})
        for name, outcome in (
            ("requests", "chosen"),
            ("requests", "pinned"),
            ("requests", "refused"),
            ("ended", "freed"),
            ("ended", "unknown"),
            ("ended", "removed"),
        )
    }
    assert list(counts.values()) == [1, 1, 1, 1, 1, 0]
    selector.remove_worker(1)
    text = generate_latest(registry).decode()
    assert "worker_id=" not in text
    assert f'{prefix}_ended_total{{outcome="removed",selector="llama"}} 1.0' in text


def test_two_selectors_of_one_registry_need_two_names() -> None:
    with pytest.raises(ValueError, match="need names of their own, these are selector, selector"):
        SelectionCollector(WorkerSelector(16), WorkerSelector(16))
