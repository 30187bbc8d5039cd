"""Grids in YAML: as JSON inside a ConfigMap's scalar, as YAML itself, and in an endpoint picker's configuration.

Only nodes are composed: no tag makes an object, and an alias is not multiplied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import yaml

from trueup.datafiles import Scalar, placer
from trueup.grid_config.fields import STRATEGIES
from trueup.grid_config.picker import PLUGIN
from trueup.reading.json_tree import DEEPEST, NotJson
from trueup.reading.tree import Member, Node, Object, Placeholder, Value

_PLACEHOLDER = re.compile(r"\$\{[^{}\s\"]{1,200}\}")
_MOST_NODES = 100_000
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,400})")

Place = Callable[[int], int]


class Found(NamedTuple):
    """A grid in a YAML file: a text of JSON with the place of its offsets, or a node of YAML."""

    is_picker: bool
    where: str  # the key under which it stands
    text: str | None
    place: Place
    node: Node | None


class NotYaml(Exception):
    """The file is no YAML; templates are none."""


def grids_in(text: str) -> Iterator[Found]:
    """Every grid of a file, in order. Raises `NotYaml`; `NotJson` where a grid is nested too deeply."""
    yield from _search(text, lambda offset: offset, 0)


def _search(text: str, place: Place, level: int) -> Iterator[Found]:
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except RecursionError:
        raise NotYaml("it is nested too deeply") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise NotYaml(f"{getattr(error, 'problem', None) or 'it cannot be read'}{where}") from None
    seen: set[int] = set()
    stack: list[tuple[Any, str]] = [(document, "") for document in reversed(documents) if document is not None]
    while stack:
        node, where = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            keys = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
            if keys.keys() & STRATEGIES:
                yield Found(False, where, None, place, _converted(node, place))
            elif _is(keys.get("type"), PLUGIN) and isinstance(keys.get("parameters"), yaml.MappingNode):
                yield Found(True, where, None, place, _converted(keys["parameters"], place))
            else:
                stack += [(value, key.value) for key, value in reversed(node.value) if isinstance(key.value, str)]
        elif isinstance(node, yaml.SequenceNode):
            stack += [(item, where) for item in reversed(node.value)]
        elif level == 0:
            yield from _inside(node, where, text)


def _inside(node: Any, where: str, text: str) -> Iterator[Found]:
    """What a scalar's own text holds."""
    value = node.value
    if value.lstrip().startswith("{") and any(name in value for name in STRATEGIES):
        yield Found(False, where, value, _placer(text, node), None)
    elif "\n" in value and (PLUGIN in value or any(name in value for name in STRATEGIES)):
        try:
            yield from (one._replace(where=where) for one in _search(value, _placer(text, node), 1))
        except NotYaml:
            return  # some other text that mentions one


def _is(node: Any, word: str) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == word


def _converted(node: Any, place: Place) -> Node:
    count = 0

    def convert(node: Any, depth: int) -> Node:
        nonlocal count
        count += 1
        start, end = place(node.start_mark.index), place(node.end_mark.index)
        if depth > DEEPEST or count > _MOST_NODES:
            raise NotJson(f"it is nested more than {DEEPEST} levels deep, or by aliases without end", start)
        value: Value
        if isinstance(node, yaml.MappingNode):
            value = Object(
                [
                    Member(
                        key.value if isinstance(key.value, str) else "?",
                        place(key.start_mark.index),
                        place(key.end_mark.index),
                        convert(item, depth + 1),
                    )
                    for key, item in node.value
                ]
            )
        elif isinstance(node, yaml.SequenceNode):
            value = [convert(item, depth + 1) for item in node.value]
        else:
            value = _scalar(node)
        return Node(value, start, end)

    return convert(node, 0)


def _scalar(node: Any) -> Value:
    text, kind = str(node.value), node.tag.rpartition(":")[2]
    if _PLACEHOLDER.fullmatch(text) and node.style is None:
        return Placeholder(text)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind == "int":
        return int(text.replace("_", "")) if _INT.fullmatch(text) else text
    if kind == "float":
        try:
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan").replace(".NaN", "nan"))
        except ValueError:
            return text
    return text


def _placer(text: str, node: Any) -> Place:
    return placer(text, Scalar(str(node.value), node.start_mark.index, node.end_mark.index, node.style))
