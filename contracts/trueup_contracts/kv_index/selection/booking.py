"""What is remembered of requests under way: WS-019, WS-030 to WS-041, WS-043 to WS-047."""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.kv_index.selection import codec
from trueup_contracts.kv_index.selection.calls import IDLE, Ask, Pair, Selector
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

A, B = (1, 0), (2, 0)
BOTH: list[Pair] = [A, B]


def tolerant(selector: Selector, call: str, identity: str) -> None:
    """A call that may be refused, and must change nothing either way."""
    __tracebackhide__ = True
    try:
        selector.handle.call(call, id=identity)
    except Refusal:
        return
    except AdapterError as error:
        raise AdapterError(f"{error}; to refuse it by a ValueError or a TypeError would be right too") from error


@requirement("WS-019")
def test_equal_requests_under_way_are_shared_equally(trueup_subject: Subject, trueup_profile: Profile) -> None:
    workers: list[Pair] = [(number, 0) for number in range(1, 5)]
    for done, count in ((False, 64), (True, 64), (False, 7)):
        selector = Selector(trueup_subject, seed=trueup_profile.seed)
        counts: Counter[Pair] = Counter()
        for number in range(count):
            ask = Ask(f"r{number}", 64, tuple(range(4 * number, 4 * number + 4)))
            counts[selector.select(ask, workers)] += 1
            if done:
                selector.prefill_done(ask.id)
            spread = max(counts.values()) - min(counts[worker] for worker in workers)
            assert spread <= 1, f"of {number + 1} equal requests under way, four workers have {_shares(counts)}"


def _shares(counts: Counter[Pair]) -> str:
    return ", ".join(f"{list(worker)}: {number}" for worker, number in sorted(counts.items()))


@requirement("WS-030")
def test_select_books_on_the_chosen_worker(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.must_hold({A: IDLE, B: IDLE}, "before any request")
    found = selector.select(Ask("r", 100, (1, 2, 3, 4, 5, 6), {A: 4, B: 1}), BOTH)
    assert found == A, f"the worker that holds 4 blocks costs less than the one that holds 1; {list(found)} was chosen"
    selector.must_hold({A: (36, 6), B: IDLE}, "after a request of 100 tokens, 64 of them held by [1, 0]")
    # B now costs less, and holds one block: its own overlap is what counts.
    found = selector.select(Ask("other", 100, (11, 12, 13, 14, 15, 16), {A: 1, B: 1}), BOTH)
    assert found == B, f"the idle worker costs less; {list(found)} was chosen"
    selector.must_hold({A: (36, 6), B: (84, 6)}, "after another request")
    selector.select(Ask("third", 50, (1, 2, 3), {A: 3, B: 1}, pinned=B), BOTH)
    selector.must_hold({A: (36, 6), B: (118, 9)}, "after a third, on [2, 0]")
    selector.select(Ask("no hash", 7, (), pinned=B), BOTH)
    selector.must_hold({A: (36, 6), B: (125, 9)}, "after a request that fills no block")


@requirement("WS-031")
def test_the_end_of_prefill_takes_its_tokens_off(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.select(Ask("one", 64, (1, 2, 3, 4), pinned=A), BOTH)
    selector.select(Ask("two", 40, (1, 2), {A: 1}, pinned=A), BOTH)
    selector.select(Ask("else", 48, (7, 8, 9), pinned=B), BOTH)
    selector.prefill_done("one")
    selector.must_hold({A: (24, 4), B: (48, 3)}, "after the prefill of one of two requests")
    selector.prefill_done("two")
    selector.must_hold({A: (0, 4), B: (48, 3)}, "after both")
    selector.free("two")
    selector.free("one")
    selector.must_hold({A: IDLE, B: (48, 3)}, "after both were freed")


@requirement("WS-032")
def test_free_takes_everything_off(trueup_subject: Subject) -> None:
    for prefilled in (True, False):
        selector = Selector(trueup_subject)
        selector.select(Ask("gone", 64, (1, 2, 3, 4), {A: 1}, pinned=A), BOTH)
        selector.select(Ask("stays", 32, (8, 9), pinned=A), BOTH)
        if prefilled:
            selector.prefill_done("gone")
        selector.free("gone")
        when = "after prefill_done and free" if prefilled else "after free, before its prefill was done (a disconnect)"
        selector.must_hold({A: (32, 2), B: IDLE}, when)
        found = selector.select(Ask("next", 16, (5,)), BOTH)
        assert found == B, f"{when}, the busier worker {list(found)} was chosen"


@requirement("WS-033")
def test_shared_blocks_count_once_and_to_the_last(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    for identity, hashes in (("one", (1, 2, 3)), ("two", (1, 2, 4)), ("three", (1,))):
        selector.select(Ask(identity, 0, hashes, pinned=A), BOTH)
    for freed, blocks in ((None, 4), ("one", 3), ("three", 3), ("two", 0)):
        if freed is not None:
            selector.free(freed)
        selector.must_hold({A: (0, blocks)}, f"of three requests that share block 1, after {freed or 'none'} was freed")


@requirement("WS-034")
def test_free_again_changes_nothing(trueup_subject: Subject) -> None:
    for prefilled in (True, False):
        selector = Selector(trueup_subject)
        selector.select(Ask("twice", 64, (1, 2, 3, 4), pinned=A), BOTH)
        selector.select(Ask("stays", 64, (1, 2, 3, 4), pinned=A), BOTH)
        if prefilled:
            selector.prefill_done("twice")
        for time in ("", " again", " a third time"):
            selector.free("twice")
            selector.must_hold({A: (64, 4)}, f"after one of two requests was freed{time}")
        selector.free("stays")
        selector.free("stays")
        selector.must_hold({A: IDLE}, "after both were freed, the last one twice")


@requirement("WS-035")
def test_prefill_done_counts_once(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.select(Ask("one", 64, (1, 2, 3, 4), pinned=A), BOTH)
    selector.select(Ask("stays", 80, (1, 2), pinned=A), BOTH)
    selector.prefill_done("one")
    tolerant(selector, "prefill_done", "one")
    selector.must_hold({A: (80, 4)}, "after the second prefill_done of one of two requests")
    selector.free("one")
    tolerant(selector, "prefill_done", "one")
    selector.must_hold({A: (80, 2)}, "after a prefill_done of a request that was freed")
    selector.free("stays")
    tolerant(selector, "prefill_done", "stays")
    selector.must_hold({A: IDLE}, "after a prefill_done behind the last free")


@requirement("WS-036")
def test_unknown_ids_change_nothing(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.free("never")
    tolerant(selector, "prefill_done", "never")
    selector.must_hold({A: IDLE, B: IDLE}, "after calls for an id that was never seen")
    selector.select(Ask("r", 64, (1, 2, 3, 4), pinned=A), BOTH)
    for identity in ("never", "R", "r ", ""):
        selector.free(identity)
        tolerant(selector, "prefill_done", identity)
        selector.must_hold({A: (64, 4), B: IDLE}, f"after calls for the unknown id {identity!r}")
    selector.free("other")
    selector.select(Ask("other", 32, (7, 8), pinned=B), BOTH)
    selector.must_hold({B: (32, 2)}, "after a request whose id had been freed before")


ENDINGS = st.lists(st.sampled_from(["prefill_done", "free"]), max_size=3).map(lambda more: [*more, "free"])


@requirement("WS-037")
def test_drained_loads_are_zero(trueup_subject: Subject, trueup_profile: Profile) -> None:
    workers: list[Pair] = [A, B, (1, 1)]

    def test(endings: list[list[str]], seed: int) -> None:
        choices = random.Random(seed)
        selector = Selector(trueup_subject, seed=seed)
        for number in range(len(endings)):
            blocks = choices.randrange(6)
            hashes = tuple(choices.choice([0, 10, 20]) + block for block in range(blocks))
            depths = {worker: choices.randrange(blocks + 1) for worker in workers if choices.random() < 0.5}
            pinned = choices.choice([*workers, None])
            selector.select(Ask(f"r{number}", blocks * 16 + choices.randrange(16), hashes, depths, pinned), workers)
        calls = [(f"r{number}", call) for number, ending in enumerate(endings) for call in ending]
        choices.shuffle(calls)
        for identity, call in calls:
            if call == "free":
                selector.free(identity)
            else:
                tolerant(selector, call, identity)
        told = ", ".join(f"{call}({identity})" for identity, call in calls)
        selector.must_hold(dict.fromkeys(workers, IDLE), f"after {told}")

    trueup_profile.check(test, times=2, endings=st.lists(ENDINGS, max_size=6), seed=st.integers(0, 2**32))


@requirement("WS-038")
def test_a_freed_id_is_another_request(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.select(Ask("retry", 64, (1, 2, 3, 4), pinned=A), BOTH)
    selector.free("retry")
    selector.select(Ask("retry", 32, (1, 2), {B: 1}, pinned=B), BOTH)
    selector.must_hold({A: IDLE, B: (16, 2)}, "after its id went to another worker")
    selector.prefill_done("retry")
    selector.must_hold({A: IDLE, B: (0, 2)}, "after the prefill of the second attempt")
    selector.free("retry")
    selector.must_hold({A: IDLE, B: IDLE}, "after the second attempt was freed")


@requirement("WS-039")
def test_an_id_used_twice_leaves_nothing(trueup_subject: Subject) -> None:
    for first, second in ((A, B), (A, A)):
        for prefilled in (False, True):
            selector = Selector(trueup_subject)
            selector.select(Ask("same", 64, (1, 2, 3, 4), pinned=first), BOTH)
            if prefilled:
                selector.prefill_done("same")
            selector.refusal(Ask("same", 32, (3, 4, 5), pinned=second), BOTH)
            selector.free("same")
            when = f"after one id was used for {list(first)} and for {list(second)}, and freed"
            selector.must_hold({A: IDLE, B: IDLE}, when)


@requirement("WS-040")
def test_an_id_under_way_is_refused(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.select(Ask("same", 64, (1, 2, 3, 4), pinned=A), BOTH)
    for prefilled, tokens in ((False, 64), (True, 0)):
        if prefilled:
            selector.prefill_done("same")
        for ask in (Ask("same", 32, (5,), pinned=B), Ask("same", 64, (1, 2, 3, 4), pinned=A), Ask("same", 1)):
            code = selector.refusal(ask, BOTH)
            assert code == "invalid", (
                "a second request under the id of one that is under way "
                + ("was taken" if code is None else f"was refused as {code!r}")
                + "; it must be refused as 'invalid'"
            )
            selector.must_hold({A: (tokens, 4), B: IDLE}, "after an id under way was used again")


@requirement("WS-041")
def test_looking_changes_nothing(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    selector.must_hold({A: IDLE, (77, 3): IDLE}, "of workers that were never heard of")
    selector.select(Ask("r", 64, (1, 2, 3, 4), pinned=A), BOTH)
    for _ in range(3):
        selector.must_hold({A: (64, 4), B: IDLE, (77, 3): IDLE}, "however often one looks")
    found = selector.select(Ask("next", 16), [A, (77, 3)])
    assert found == (77, 3), f"the idle worker was looked at, and {list(found)} was chosen"


@requirement("WS-043")
def test_selectors_share_nothing(trueup_subject: Subject) -> None:
    first, second = Selector(trueup_subject, block_size=16), Selector(trueup_subject, block_size=64)
    first.select(Ask("r", 64, (1, 2, 3, 4), {A: 1}, pinned=A), BOTH)
    second.must_hold({A: IDLE}, "of another selector")
    second.select(Ask("r", 128, (1, 2), {A: 1}, pinned=A), BOTH)
    second.must_hold({A: (64, 2)}, "after a request of its own under the same id")
    second.free("r")
    first.must_hold({A: (48, 4)}, "after the other selector's request was freed")


@requirement("WS-044")
def test_arguments_are_not_changed(trueup_subject: Subject) -> None:
    for pinned in (None, [2, 0]):
        given = _arguments(pinned)
        before = copy.deepcopy(given)
        selector = Selector(trueup_subject)
        selector.select_raw(*given)
        selector.prefill_done("r")
        selector.free("r")
        for name, was, found in zip(("request", "overlaps", "candidates"), before, given, strict=True):
            assert found == was, f"{name} was {was} and is {found} now"


@requirement("WS-045")
def test_changing_arguments_afterwards_changes_nothing(trueup_subject: Subject) -> None:
    request, overlaps, candidates = _arguments([1, 0])
    selector = Selector(trueup_subject)
    selector.select(Ask("stays", 16, (5,), pinned=A), BOTH)
    selector.select_raw(request, overlaps, candidates)
    request["seq_hashes"].clear()
    request["seq_hashes"] += [91, 92]
    request["isl"] = 1
    overlaps[0]["depth"] = 0
    candidates[0][0] = 3
    selector.must_hold({A: (64, 5)}, "after the caller has changed its lists")
    selector.select(Ask("next", 1, (91, 92), pinned=A), BOTH)
    selector.must_hold({A: (65, 7)}, "after a request with hashes that the caller had put into its list")
    selector.free("r")
    selector.must_hold({A: (17, 3), (3, 0): IDLE}, "after the first request was freed")


def _arguments(pinned: list[int] | None) -> tuple[Any, Any, Any]:
    request = {"id": "r", "isl": 64, "seq_hashes": [1, 2, 3, 4], "pinned": pinned}
    return request, [{"worker_id": 1, "dp_rank": 0, "depth": 1}], [[1, 0], [2, 0]]


@requirement("WS-046")
def test_a_removed_worker_leaves_no_load(trueup_subject: Subject) -> None:
    selector = Selector(trueup_subject)
    ranks: list[Pair] = [(1, 0), (1, 1), (2, 0)]
    for number, worker in enumerate(ranks):
        selector.select(Ask(f"r{number}", 64, (1, 2, 3, 4), pinned=worker), ranks)
    selector.handle.call("remove_worker", worker_id=codec.worker_id(1))
    selector.must_hold({(1, 0): IDLE, (1, 1): IDLE, (2, 0): (64, 4)}, "after worker 1 was removed")
    selector.handle.call("remove_worker", worker_id=codec.worker_id(9))
    selector.select(Ask("new", 32, (1, 2), pinned=(1, 0)), ranks)
    tolerant(selector, "prefill_done", "r0")
    for identity in ("r0", "r1", "r0"):
        selector.free(identity)
    due = {(1, 0): (32.0, 2.0), (1, 1): IDLE, (2, 0): (64.0, 4.0)}
    selector.must_hold(due, "after worker 1 came back, and requests of before were freed")
    selector.free("new")
    selector.free("r2")
    selector.must_hold(dict.fromkeys(ranks, IDLE), "after all were freed")


@requirement("WS-047")
def test_numbers_of_64_bits_are_told_apart(trueup_subject: Subject) -> None:
    most = 2**64 - 1
    workers: list[Pair] = [(most, 0), (most - 1, 0), (2**53, 0), (2**53 + 1, 0), (most, 2**32 - 1)]
    for chosen in workers:
        selector = Selector(trueup_subject)
        found = selector.select(Ask("asked", 64, (1, 2, 3, 4), {chosen: 4}), workers)
        assert found == chosen, f"{list(chosen)} holds the whole prompt, and select chose {list(found)}"
        rest = dict.fromkeys((worker for worker in workers if worker != chosen), IDLE)
        selector.must_hold({chosen: (0, 4), **rest}, f"after a request for {list(chosen)}")
    selector = Selector(trueup_subject)
    for number, hashes in enumerate(((most, most - 1), (most - 1, most - 2), (2**53, 2**53 + 1), (0,))):
        selector.select(Ask(f"r{number}", 0, hashes, pinned=A), BOTH)
    selector.must_hold({A: (0, 6)}, "after requests with the hashes 2^64 - 1 to 2^64 - 3, 2^53, 2^53 + 1 and 0")
    for number in range(4):
        selector.free(f"r{number}")
    selector.must_hold({A: IDLE}, "after they were freed")
