"""Which worker costs least: WS-001 to WS-010, WS-017, and what is pinned: WS-020 to WS-022."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.kv_index.selection.calls import IDLE, Ask, Pair, Selector
from trueup_contracts.kv_index.selection.model import Model
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

A, B, C = (1, 0), (2, 0), (3, 0)
WORKERS: list[Pair] = [A, B, C, (1, 1)]
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 10.0)
SEEDS = range(4)  # a fault that lets chance decide is lucky at times


@requirement("WS-001")
def test_without_candidates_a_request_is_refused(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.select(Ask("first", 32, (1, 2)), [A])
    for overlaps in ({}, {A: 2}):
        code = selector.refusal(Ask("none", 32, (1, 2), overlaps), [])
        assert code is not None, "select without candidates answered a worker; it must be refused"
        assert code == "invalid", f"select without candidates was refused as {code!r}, not as 'invalid'"
    selector.must_hold({A: (32, 2), B: IDLE}, "after a request without candidates")


@requirement("WS-002")
def test_a_candidate_of_the_lowest_cost_is_chosen(trueup_subject: Subject, trueup_profile: Profile) -> None:
    # 80 tokens on A are 20, 5 or 1.25 blocks, times the weight; B decodes 7.
    for block_size, weight, expected in ((4, 1.0, B), (16, 1.0, A), (16, 2.0, B), (64, 5.0, A), (4, 0.25, A)):
        rows = [booked(A, 80), booked(B, 0, *range(1, 8)), (Ask("asked", 1), [A, B], expected)]
        table(trueup_subject, rows, block_size=block_size, overlap_weight=weight)

    def test(data: st.DataObject) -> None:
        block_size = data.draw(st.sampled_from([1, 16, 64]), label="block_size")
        weight = data.draw(st.sampled_from(WEIGHTS), label="overlap_weight")
        model = Model(block_size, weight)
        selector = Selector(trueup_subject, block_size, weight)
        for number in range(data.draw(st.integers(0, 6), label="requests under way")):
            ask = drawn_ask(data, f"r{number}", block_size)._replace(pinned=data.draw(st.sampled_from(WORKERS)))
            assert ask.pinned is not None
            selector.select(ask, WORKERS)
            model.book(ask, ask.pinned)
            if data.draw(st.booleans(), label="prefill_done"):
                selector.prefill_done(ask.id)
                model.prefill_done(ask.id)
        ask = drawn_ask(data, "asked", block_size)
        candidates = data.draw(st.lists(st.sampled_from(WORKERS), min_size=1, unique=True), label="candidates")
        model.judge(ask, candidates, selector.select(ask, candidates))

    trueup_profile.check(test, times=3, data=st.data())


def drawn_ask(data: st.DataObject, identity: str, block_size: int) -> Ask:
    """A request of a few blocks, whose hashes are those of three prompts that begin alike."""
    blocks = data.draw(st.integers(0, 5))
    hashes = tuple((1, 2, *(10 * data.draw(st.integers(1, 3)) + more for more in range(3)))[:blocks])
    isl = blocks * block_size + data.draw(st.integers(0, block_size - 1))
    depths = st.dictionaries(st.sampled_from(WORKERS), st.integers(1, max(1, blocks)), max_size=len(WORKERS))
    return Ask(identity, isl, hashes, data.draw(depths) if blocks else {})


def table(subject: Subject, rows: Sequence[tuple[Ask, Sequence[Pair], Pair]], **settings: Any) -> None:
    """Rows of a request, the candidates, and the one that must be chosen; with what is pinned booked before."""
    __tracebackhide__ = True
    for seed in SEEDS:
        model = Model(settings.get("block_size", 16), settings.get("overlap_weight", 1.0))
        selector = Selector(subject, seed=seed, **settings)
        for number, (ask, candidates, expected) in enumerate(rows):
            named = ask._replace(id=f"{ask.id}{number}")
            found = selector.select(named, candidates)
            if found != expected:
                model.judge(named, candidates, found)
                raise AssertionError(f"the suite expects {expected}, and its model {found}")
            model.book(named, found)


def booked(worker: Pair, isl: int, *hashes: int) -> tuple[Ask, Sequence[Pair], Pair]:
    """A row that pins a request to a worker."""
    return Ask("booked", isl, hashes, pinned=worker), [worker], worker


@requirement("WS-003")
def test_a_fraction_of_a_block_decides(trueup_subject: Subject) -> None:
    for less, more in ((1, 2), (15, 16), (16, 17), (24, 31), (47, 48)):
        table(trueup_subject, [booked(A, more), booked(B, less), (Ask("asked", 5), [A, B], B)])
        table(trueup_subject, [booked(A, less), booked(B, more), (Ask("asked", 5), [A, B], A)])
    # 3/16 of a block by 0.25, and no more than that.
    table(trueup_subject, [booked(A, 3), booked(B, 2), (Ask("asked", 7), [A, B], B)], overlap_weight=0.25)


@requirement("WS-004")
def test_an_overlap_lowers_the_cost_by_its_weight(trueup_subject: Subject) -> None:
    hashes = (1, 2, 3, 4)
    for depths, expected in (({A: 1}, A), ({A: 1, B: 2}, B), ({A: 4, B: 3}, A), ({B: 1, C: 4}, C)):
        table(trueup_subject, [(Ask("asked", 64, hashes, depths), [A, B, C], expected)])
        table(trueup_subject, [(Ask("asked", 64, hashes, depths), [A, B, C], expected)], overlap_weight=0.1)
    # A decodes two blocks more, and holds three of the prompt: that is worth it at weight 1, and not at 0.5 or 0.
    for weight, expected in ((1.0, A), (0.5, B), (0.0, B)):
        rows = [booked(A, 0, 91, 92), (Ask("asked", 64, hashes, {A: 3}), [A, B], expected)]
        table(trueup_subject, rows, overlap_weight=weight)


@requirement("WS-005")
def test_queued_prefill_tokens_count_by_the_weight(trueup_subject: Subject) -> None:
    ask = Ask("asked", 16)
    table(trueup_subject, [booked(A, 200), (ask, [A, B], B)])
    table(trueup_subject, [booked(A, 200), booked(B, 320), (ask, [A, B], A)])
    table(trueup_subject, [booked(A, 100), booked(A, 120), booked(B, 200), (ask, [A, B], B)])
    # 80 tokens are 5 blocks at weight 1, which are more than 3 decode blocks, and fewer at weight 0.5.
    for weight, expected in ((1.0, B), (0.5, A), (0.0, A)):
        rows = [booked(A, 80), booked(B, 0, 1, 2, 3), (ask, [A, B], expected)]
        table(trueup_subject, rows, overlap_weight=weight)


@requirement("WS-006")
def test_shared_blocks_are_not_added_again(trueup_subject: Subject) -> None:
    # No prompt is queued, so that only decode blocks differ: A has 4 and none to add, B has 3 and would get 4 more.
    shared = (1, 2, 3, 4)
    rows = [booked(A, 0, *shared), booked(B, 0, 7, 8, 9), (Ask("asked", 64, shared), [A, B], A)]
    table(trueup_subject, rows)
    # One block more on A than the request and B have together.
    many = tuple(range(20, 28))
    rows = [booked(A, 0, *many), booked(B, 0, 7, 8, 9), (Ask("asked", 64, (*shared[:3], 5)), [A, B], B)]
    table(trueup_subject, rows)
    # A shares three of four: 4 active and one more are more than the 4 of B, and half a block of prompt that it queues.
    for others in ((), (5, 6)):
        rows = [booked(A, 0, 1, 2, 3, 9), booked(A, 0, *others), booked(B, 8, *(11, 12)[: len(others)])]
        table(trueup_subject, [*rows, (Ask("asked", 64, shared), [A, B], B)])
    # Two requests on A have the same blocks: they are 4, not 8.
    rows = [booked(A, 0, *shared), booked(A, 0, *shared), booked(B, 0, 7, 8, 9, 10, 11), (Ask("x", 1), [A, B], A)]
    table(trueup_subject, rows)
    for seed in SEEDS:
        selector = Selector(trueup_subject, seed=seed)
        for identity, worker, hashes in (("a", A, shared), ("b", B, (7, 8))):
            selector.select(Ask(identity, 64, hashes, pinned=worker), [worker])
            selector.prefill_done(identity)
        found = selector.select(Ask("asked", 16, (9,)), [A, B])
        assert found == B, f"after prefill A decodes 4 blocks and B 2, and select chose {list(found)}"


@requirement("WS-007")
def test_ranks_are_candidates_of_their_own(trueup_subject: Subject) -> None:
    first, second = (7, 0), (7, 1)
    ask = Ask("asked", 64, (1, 2, 3, 4), {second: 2})
    table(trueup_subject, [(ask, [first, second], second)])
    table(trueup_subject, [(ask._replace(overlaps={first: 2}), [first, second], first)])
    table(trueup_subject, [booked(first, 64, 1, 2), (Ask("asked", 16), [first, second], second)])
    table(trueup_subject, [booked(second, 64, 1, 2), (Ask("asked", 16), [first, second], first)])
    selector = Selector(trueup_subject)
    selector.select(Ask("r", 64, (1, 2), pinned=second), [first, second])
    selector.must_hold({first: IDLE, second: (64, 2)}, "after a request pinned to rank 1")


@requirement("WS-008")
def test_orders_do_not_matter(trueup_subject: Subject) -> None:
    depths: dict[Pair, int] = {A: 1, B: 3, C: 2}
    for number, candidates in enumerate(itertools.permutations([A, B, C])):
        for order in itertools.permutations(depths):
            selector = Selector(trueup_subject, seed=number)
            selector.select(Ask("first", 64, (5, 6, 7, 8), pinned=C), [A, B, C])
            found = selector.select(Ask("asked", 64, (1, 2, 3, 4), depths), candidates, overlaps=order)
            assert found == B, f"candidates {candidates}, overlaps in the order {order}: {list(found)}, expected {B}"


@requirement("WS-009")
def test_overlaps_and_candidates_need_not_match(trueup_subject: Subject) -> None:
    elsewhere: dict[Pair, int] = {(9, 0): 4, (1, 7): 4, B: 1}
    table(trueup_subject, [(Ask("asked", 64, (1, 2, 3, 4), elsewhere), [A, B], B)])
    table(trueup_subject, [(Ask("asked", 64, (1, 2, 3, 4), {(9, 0): 4, A: 2}), [A], A)])
    selector = Selector(trueup_subject)
    selector.select(Ask("r", 64, (1, 2, 3, 4), {(9, 0): 4}), [A, B])
    selector.must_hold({(9, 0): IDLE, (1, 7): IDLE}, "after a request that these were no candidates for")


@requirement("WS-010")
def test_an_overlap_beyond_the_request_is_all_of_it(trueup_subject: Subject) -> None:
    for depth in (3, 4, 1000):
        selector = Selector(trueup_subject)
        chosen = selector.select(Ask("r", 40, (1, 2), {A: depth}), [A])
        selector.must_hold({chosen: (0, 2)}, f"after a request of 40 tokens with an overlap of {depth} blocks of 16")
        selector.select(Ask("next", 160, (3,), pinned=A), [A])
        selector.must_hold({A: (160, 3)}, "after one of 160 tokens more")
        selector.free("r")
        selector.free("next")
        selector.must_hold({A: IDLE}, "after both were freed")
    # 1,000 blocks make up for the 3 tokens of the prompt, and not for the blocks under way.
    rows = [booked(A, 0, 7, 8, 9), (Ask("asked", 3, (), {A: 1000}), [A, B], B)]
    table(trueup_subject, rows)


@requirement("WS-017")
def test_an_overlap_with_a_fraction_counts_by_it(trueup_subject: Subject) -> None:
    hashes = (1, 2, 3, 4)
    for depths, expected in (({A: 0.25}, A), ({A: 0.25, B: 0.5}, B), ({A: 1.75, B: 1.5}, A), ({A: 0.9, B: 1}, B)):
        table(trueup_subject, [(Ask("asked", 64, hashes, depths), [A, B, C], expected)])
    selector = Selector(trueup_subject)
    selector.select(Ask("r", 64, hashes, {A: 1.75}), [A])
    selector.must_hold({A: (36, 4)}, "after a request of 64 tokens with an overlap of 1.75 blocks of 16")


@requirement("WS-020")
def test_a_pinned_request_gets_its_worker(trueup_subject: Subject) -> None:
    for temperature in (0.0, 1.0) if "temperature" in trueup_subject.capabilities else (0.0,):
        for seed in SEEDS:
            selector = Selector(trueup_subject, temperature=temperature, seed=seed)
            for number in range(8):
                ask = Ask(f"r{number}", 640, tuple(range(40)), {B: 40, C: 20}, pinned=A)
                found = selector.select(ask, [C, B, A])
                assert found == A, f"select of a request that is pinned to {list(A)} answered {list(found)}"


@requirement("WS-021")
def test_a_pinned_request_is_booked(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.select(Ask("r", 100, (1, 2, 3), {A: 2, B: 6}, pinned=A), [A, B])
    selector.must_hold({A: (68, 3), B: IDLE}, "after a request of 100 tokens, 32 of them held, pinned to [1, 0]")
    found = selector.select(Ask("next", 16, (9,)), [A, B])
    assert found == B, f"beside one that is pinned to [1, 0] the next request got {list(found)}, expected {list(B)}"
    selector.prefill_done("r")
    selector.free("r")
    selector.must_hold({A: IDLE}, "after the pinned request was freed")


@requirement("WS-022")
def test_a_request_pinned_to_no_candidate_is_refused(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    elsewhere: list[Pair] = [(9, 0), (1, 1)]
    for candidates in ([A, B], [B], []):
        for pinned in elsewhere:
            code = selector.refusal(Ask("r", 32, (1, 2), {pinned: 2}, pinned=pinned), candidates)
            assert code == "invalid", (
                f"select of a request pinned to {list(pinned)}, which is no candidate, "
                + ("answered a worker" if code is None else f"was refused as {code!r}")
                + "; it must be refused as 'invalid'"
            )
    selector.must_hold({A: IDLE, B: IDLE, **dict.fromkeys(elsewhere, IDLE)}, "after refused requests")
