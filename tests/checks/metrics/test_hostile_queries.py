"""Queries and documents that nobody wrote for people: read in time."""

from __future__ import annotations

import time

import pytest

from trueup.metrics.docs_drift.queries import queries_of
from trueup.metrics.promql.tokens import tokens_of

MOST_S = 5.0  # each takes a fraction of it; quadratic time would take minutes


@pytest.mark.parametrize("atom", ['\\"', "\\'", '"\\\n', 'x\\"\\\n', "`'\"", '{{"}}"', "\\\\\"'"])
def test_quotes_that_do_not_close(atom: str) -> None:
    text = "up == " + atom * (65_000 // len(atom))
    started = time.perf_counter()
    tokens = tokens_of(text)
    assert time.perf_counter() - started < MOST_S
    assert [one.text for one in tokens[:2]] == ["up", "=="]
    assert all(text[one.start : one.end] == one.text for one in tokens)


@pytest.mark.parametrize("space", [" ", "\t", "\x0b", "\u2028"])
def test_a_block_of_spaces(space: str) -> None:
    started = time.perf_counter()
    found = [one.text for one in queries_of(f"```promql\n{space * 200_000}\nup\n{space * 200_000}\n```\n")]
    assert time.perf_counter() - started < MOST_S
    assert found[:1] == ["up\n"]
