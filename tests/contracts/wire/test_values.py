"""What the wire's numbers and bytes look like, and that nothing is lost on the way."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup_contracts.wire import values

TABLE: list[tuple[Any, Any]] = [
    (1, 1),
    (True, True),
    (None, None),
    (1.5, 1.5),
    (1.0, {"float": "1.0"}),
    (-0.0, {"float": "-0.0"}),
    (1e300, {"float": "1e+300"}),
    (math.nan, {"float": "NaN"}),
    (math.inf, {"float": "Infinity"}),
    (-math.inf, {"float": "-Infinity"}),
    (2**53, 2**53),
    (2**53 + 1, {"int": "9007199254740993"}),
    (-(2**64), {"int": "-18446744073709551616"}),
    (b"\xef\xbb\xbf{", {"b64": "77u/ew=="}),
    ({"a": [2.0, {"b": b""}]}, {"a": [{"float": "2.0"}, {"b": {"b64": ""}}]}),
    ("\ud800", "\ud800"),
]


@pytest.mark.parametrize(("value", "written"), TABLE)
def test_values_as_they_are_written(value: Any, written: Any) -> None:
    assert values.encoded(value) == written
    assert same(values.decoded(values.loads(values.dumps({"v": written}))["v"]), value)


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary())
KEYS = st.text().filter(lambda name: name not in values.TAGS)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)


@given(VALUES)
def test_nothing_is_lost(value: Any) -> None:
    line = values.dumps({"v": values.encoded(value)})
    assert line.count(b"\n") == 1
    assert same(values.decoded(values.loads(line)["v"]), value)


def same(one: Any, other: Any) -> bool:
    """Equal, of equal types, with NaN equal to itself and zeros of one sign."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, float):
        return repr(one) == repr(other)
    return bool(one == other)


@pytest.mark.parametrize("value", [object(), {1: 2}, {"float": "1.0"}, {"b64": 3}, 1j])
def test_what_the_wire_does_not_carry(value: Any) -> None:
    with pytest.raises(TypeError):
        values.encoded(value)


@pytest.mark.parametrize(
    "tagged", [{"float": 1.0}, {"float": "one"}, {"int": "1.5"}, {"int": "9" * 5000}, {"b64": "?"}, {"b64": None}]
)
def test_tags_that_hold_something_else(tagged: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the library's own
        values.decoded(tagged)


@pytest.mark.parametrize("line", [b"", b"{", b"NaN", b'{"a":Infinity}', b'{"a":1,"a":2}', b"[" * 100_000, b"\xff"])
def test_lines_that_are_no_json(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the library's own
        values.loads(line)


def test_messages_are_plain_json() -> None:
    line = values.dumps({"id": 1, "op": "open", "args": values.encoded({"é": "\u2028", "n": math.nan})})
    assert line.isascii()
    assert json.loads(line)["args"] == {"é": "\u2028", "n": {"float": "NaN"}}
