"""The reader of JSON against Python's, and the places that it keeps."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.reading.json_tree import DEEPEST, NotJson, read
from trueup.reading.tree import Node, Object, Placeholder

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def plain(node: Node) -> Any:
    """The value without places."""
    if isinstance(node.value, Object):
        return {member.key: plain(member.node) for member in node.value.members}
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value


def same(one: Any, other: Any) -> bool:
    """Equal, NaN included, and of the same types."""
    return repr(one) == repr(other)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_what_python_writes_is_read_back(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert same(plain(read(text)), json.loads(text))


@given(VALUES)
def test_each_value_stands_where_it_says(value: Any) -> None:
    text = json.dumps(value, indent=2)

    def check(node: Node) -> None:
        assert same(plain(read(text[node.start : node.end])), plain(node))
        if isinstance(node.value, Object):
            for member in node.value.members:
                assert json.loads(text[member.start : member.end]) == member.key
                check(member.node)
        elif isinstance(node.value, list):
            for item in node.value:
                check(item)

    check(read(text))


@given(st.text(st.sampled_from('{}[]",:0123456789.eE+-truefalsn\\u $\n')))
def test_it_refuses_what_python_refuses(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        if "${" in text:
            return  # a placeholder is no JSON
        with pytest.raises(NotJson) as caught:
            read(text)
        assert 0 <= caught.value.offset <= len(text)
    else:
        assert same(plain(read(text)), expected)


WRONG = [
    ("", 0, "it is empty"),
    (" \n", 2, "it is empty"),
    ("[1,]", 3, "a comma before ']'"),
    ('{"a":1,}', 7, "a comma before '}'"),
    ("[1 2]", 3, "a comma or ']' is due here"),
    ('{"a" 1}', 5, "a colon is due here"),
    ("{a: 1}", 1, "a key in quotes is due"),
    ('"abc', 0, "a string is not closed"),
    ('"a\nb"', 2, "a line end inside a string"),
    ('"\\x"', 1, "an escape that JSON does not know"),
    ("[01]", 1, "'01' is no value in JSON"),
    ("True", 0, "'True' is no value in JSON"),
    ("[", 1, "the text ends where a value should stand"),
    ("{} {}", 3, "something follows the end of the configuration"),
    ("[" * (DEEPEST + 2), DEEPEST + 1, f"it is nested more than {DEEPEST} levels deep"),
]


@pytest.mark.parametrize(("text", "offset", "message"), WRONG, ids=[row[0][:10] for row in WRONG])
def test_what_is_no_json(text: str, offset: int, message: str) -> None:
    with pytest.raises(NotJson) as caught:
        read(text)
    assert (caught.value.offset, caught.value.message) == (offset, message)


def test_what_python_lets_in_is_kept_to_be_refused_later() -> None:
    assert math.isnan(plain(read("NaN")))
    assert plain(read("[Infinity, -Infinity, 1e999]")) == [math.inf, -math.inf, math.inf]
    assert plain(read("9" * 5000)) > 2**53  # Python refuses to convert so many digits
    keys = read('{"a": 1, "a": 2}').value
    assert isinstance(keys, Object)
    assert [(member.key, member.node.value) for member in keys.members] == [("a", 1), ("a", 2)]


def test_a_placeholder_stands_for_a_value() -> None:
    value = plain(read('{"a": ${MAX}, "b": "${X}"}'))
    assert isinstance(value["a"], Placeholder)
    assert value["b"] == "${X}"
    assert not isinstance(value["b"], Placeholder)
