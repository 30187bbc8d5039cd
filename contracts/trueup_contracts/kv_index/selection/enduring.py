"""Many threads, and many requests: WS-060 and WS-061."""

from __future__ import annotations

import random
import sys

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.probes import MIB, ResidentMemory
from trueup_contracts.kv_index.selection.booking import tolerant
from trueup_contracts.kv_index.selection.calls import IDLE, Ask, Pair, Selector
from trueup_contracts.kv_index.selection.model import Model
from trueup_contracts.profile import Profile
from trueup_contracts.resident import collecting_what_is_new
from trueup_contracts.subject import Subject
from trueup_contracts.turns import THREADS, together

TWO_RANKS: list[Pair] = [(1, 0), (1, 1), (2, 0)]
ROUNDS = 10_000
GROWTH_BYTES = 2 * MIB


@requirement("WS-060")
def test_loads_survive_threads(trueup_subject: Subject, trueup_profile: Profile) -> None:
    rounds = max(8, trueup_profile.examples // 3)
    for seed in range(3):
        _in_threads(trueup_subject, trueup_profile.seed + seed, rounds)


def _in_threads(subject: Subject, seed: int, rounds: int) -> None:
    """Every thread has requests of its own, of which some are left at the end; two threads end each of them."""
    selector = Selector(subject)
    kept: list[tuple[Ask, Pair]] = []

    def work(choices: random.Random) -> None:
        mine = choices.random()
        for number in range(rounds):
            ask = Ask(f"{mine} {number}", 40, (1, 2), {(1, 0): 1}, choices.choice([*TWO_RANKS, None]))
            chosen = selector.select(ask, TWO_RANKS)
            tokens, blocks = selector.active(chosen)
            assert tokens >= 0, f"active({list(chosen)}) has {tokens:g} prefill tokens"
            assert blocks >= 2, f"active({list(chosen)}) has {blocks:g} blocks while a request with 2 is there"
            if number % 5 == 4:
                kept.append((ask, chosen))
                continue
            if choices.random() < 0.5:
                selector.prefill_done(ask.id)
            selector.free(ask.id)

    together(work, subject, seed)
    model = Model()
    for ask, chosen in kept:
        model.book(ask, chosen)
    selector.must_hold(model.loads(TWO_RANKS), f"after {THREADS} threads have left {len(kept)} requests under way")

    def drain(choices: random.Random) -> None:
        for ask, _ in choices.sample(kept, len(kept)):
            if choices.random() < 0.5:
                tolerant(selector, "prefill_done", ask.id)  # another thread may have freed it
            selector.free(ask.id)

    together(drain, subject, seed)
    selector.must_hold(dict.fromkeys(TWO_RANKS, IDLE), f"after {THREADS} threads have each freed all of them")


@requirement("WS-061")
@collecting_what_is_new()
def test_freed_requests_leave_no_growth(trueup_subject: Subject) -> None:
    selector, probe = Selector(trueup_subject), ResidentMemory()

    def churn(first: int) -> None:
        for number in range(first, first + ROUNDS):
            ask = Ask(f"request {number}", 64, (number, number + 1, number + 2))
            selector.select(ask, TWO_RANKS)
            selector.free(ask.id)

    churn(0)  # until everything that is kept once is there
    before, blocks = probe.held_bytes(), sys.getallocatedblocks()
    churn(ROUNDS)
    grown, more = probe.held_bytes() - before, sys.getallocatedblocks() - blocks
    # Small objects of Python are counted one by one: a heap with holes takes thousands of them in without growing.
    assert more < ROUNDS // 4, f"{ROUNDS:,} requests came and were freed: {more:,} small objects of Python are left"
    assert grown <= GROWTH_BYTES, (
        f"{ROUNDS:,} requests came and were freed: {grown / MIB:.1f} MiB are left, {grown / ROUNDS:.0f} bytes for each"
    )
