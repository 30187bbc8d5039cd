"""The error rate that the suite states of what is left to chance."""

from __future__ import annotations

import random
from collections import Counter
from math import comb

from trueup_contracts.kv_index.selection.chance import ERROR_RATE, unlikely

A, B = (1, 0), (2, 0)


def test_the_bound_holds_exactly() -> None:
    """The probability that a fair coin is called unfair, computed and not tried."""
    for times, probability in ((448, 0.5), (448, 0.1), (200, 0.9)):
        due = {A: probability, B: 1 - probability}
        called = [heads for heads in range(times + 1) if unlikely({A: heads, B: times - heads}, due)]
        rate = sum(comb(times, heads) * probability**heads * (1 - probability) ** (times - heads) for heads in called)
        assert 0 < rate < ERROR_RATE


def test_what_is_impossible_is_unlikely_at_once() -> None:
    assert unlikely({A: 1, B: 1999}, {A: 0.0, B: 1.0}) is not None
    assert unlikely({A: 0, B: 2000}, {A: 0.0, B: 1.0}) is None


def test_a_small_favour_is_seen() -> None:
    chance = random.Random(7)
    counts = Counter(A if chance.random() < 0.6 else B for _ in range(2_000))
    told = unlikely(counts, {A: 0.5, B: 0.5})
    assert told == "[1, 0] was chosen 1214 times of 2000 (60.7%), expected about 50.0%"
