"""Threads of a suite: their answers, their errors, and what becomes of those that nobody waits for any more."""

from __future__ import annotations

import threading

import pytest

from trueup_contracts.pool import Threads


def test_answers_come_in_the_order_of_the_work() -> None:
    with Threads() as pool:
        assert list(pool.map(str, range(20))) == [str(number) for number in range(20)]


def test_an_error_leaves_the_other_threads_to_end_by_themselves() -> None:
    """An exception of a thread would be a failure here: pytest tells of each that nobody caught."""
    gate, ended = threading.Event(), []

    def work(number: int) -> int:
        if number:
            assert gate.wait(5)
            ended.append(number)
            return number
        raise ValueError("the first one fails")

    with Threads() as pool:
        with pytest.raises(ValueError, match="the first one fails"):
            list(pool.map(work, range(4)))
        gate.set()
    assert sorted(ended) == [1, 2, 3]
