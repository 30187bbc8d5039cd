"""Places in data files are those of the text: for any JSON, any escape, any style of YAML."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup.datafiles import (
    JsonPlaces,
    Mapping,
    NotYaml,
    Scalar,
    Sequence,
    documents_of,
    duplicate_keys,
    inner_offset,
    placer,
)
from trueup.datafiles.json_places import Path, unescaped

STRINGS = st.text(max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS | st.just("expr"), inner, max_size=4),
    max_leaves=15,
)


def strings(value: Any, path: Path = ()) -> dict[Path, str]:
    """Every string value under the key `expr`, by its path."""
    found: dict[Path, str] = {}
    if isinstance(value, str) and "expr" in path[-2:]:
        found[path] = value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found.update(strings(inner, (*path, key)))
    return found


@settings(deadline=None)
@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_json_strings_are_found_where_they_stand(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    places = JsonPlaces(text, ["expr"])
    for path, expected in strings(value).items():
        found = places.of(path)
        assert found is not None
        assert unescaped(text[found[0] : found[1]]) == expected


@settings(deadline=None)
@given(STRINGS, st.booleans())
def test_offsets_behind_escapes(value: str, ascii_only: bool) -> None:
    written = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    for offset in range(len(value) + 1):
        assert unescaped(written[: inner_offset(written, offset)]) == value[:offset]


def test_keys_that_stand_twice() -> None:
    text = '{"a": 1, "b": [{"c": 1, "\\u0063": 2}, {"c": 3}], "a": {"a": 0}}'
    assert [(key, text[at : at + 3]) for key, at in duplicate_keys(text)] == [("c", '"\\u'), ("a", '"a"')]


@pytest.mark.parametrize(
    "text",
    [
        "a: metric > 1\n",
        "a: 'metric{b=\"it''s\"} or late'\n",
        'a: "\\tmetric{b=\\"é\\"} or late"\n',
        "é: |\n  first\n\n    metric\n  late\n",
        "a: |-\n    metric\n    late",
        "a:\n- b: |2\n      metric\n    late\n",
        "a: >-\n  metric\n  and\n\n  late\n",
        "a: plain metric\n  goes on late\n",
        'a: "quoted metric\n  goes on late"\n',
        "a: |\r\n  metric\r\n  late\r\n",
    ],
)
def test_words_of_a_scalar_are_found_in_the_file(text: str) -> None:
    [document] = documents_of(text)
    stack, scalars = [document], []
    while stack:
        node = stack.pop()
        if isinstance(node, Scalar):
            scalars.append(node)
        elif isinstance(node, Mapping):
            stack += [value for _, value in node.items]
        else:
            stack += node.items
    [scalar] = scalars
    place = placer(text, scalar)
    for word in ("metric", "late"):
        if word in scalar.value:
            assert text[place(scalar.value.index(word)) :].startswith(word)


@settings(deadline=None)
@given(VALUES)
def test_yaml_is_read_as_its_parser_reads_it(value: Any) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    [document] = documents_of(text)
    loaded = yaml.compose(text, Loader=yaml.SafeLoader)
    assert shape(document) == shape_of_library(loaded)


def shape(node: Any) -> Any:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [shape(item) for item in node.items]
    return [(shape(key), shape(inner)) for key, inner in node.items]


def shape_of_library(node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [shape_of_library(item) for item in node.value]
    return [(shape_of_library(key), shape_of_library(inner)) for key, inner in node.value]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "did not find expected node content"),
        ("a: *b", "the alias 'b' has no anchor before it"),
        ("a: " + "[" * 300 + "]" * 300, "it is nested more than 200 levels deep"),
        ("a: &a [*a, *a]", ""),
    ],
)
def test_what_is_no_yaml(text: str, message: str) -> None:
    if not message:
        assert len(list(documents_of(text))) == 1
        return
    with pytest.raises(NotYaml, match=message.replace("'", ".")):
        list(documents_of(text))
