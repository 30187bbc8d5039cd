"""YAML as nodes with places, bounded: no tag makes an object, and an alias is its anchor's node, not a copy.

Templates are no YAML before they are filled in: `NotYaml`.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

DEEPEST = 200
_DOUBLE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_SINGLE = re.compile("''")
MOST_NODES = 1_000_000


class Scalar(NamedTuple):
    """A scalar's text and style (`|`, `>`, `"`, `'`, or `None` for a plain one); `[start, end)` is where it stands."""

    value: str
    start: int
    end: int
    style: str | None


class Mapping(NamedTuple):
    """Key and value, in order; a key may stand there twice."""

    items: list[tuple[YamlNode, YamlNode]]
    start: int

    def get(self, key: str) -> YamlNode | None:
        """The value of the last key that is this text."""
        for name, value in reversed(self.items):
            if isinstance(name, Scalar) and name.value == key:
                return value
        return None

    def text(self, key: str) -> str | None:
        """The text of the scalar under a key."""
        value = self.get(key)
        return value.value if isinstance(value, Scalar) else None


class Sequence(NamedTuple):
    """Items in order."""

    items: list[YamlNode]
    start: int


YamlNode: TypeAlias = "Scalar | Mapping | Sequence"


class NotYaml(Exception):
    """The text is no YAML; `offset` is where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def documents_of(text: str) -> Iterator[YamlNode]:
    """The documents of a text, in order. Raises `NotYaml`."""
    import yaml

    # The C parser (in every wheel of PyYAML) is a hundred times faster and finds the same places.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from _Composer(yaml.parse(text, Loader=loader)).documents()
    except RecursionError:
        raise NotYaml("it is nested too deeply", 0) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise NotYaml(str(problem), mark.index if mark is not None else 0) from None


class _Composer:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, YamlNode] = {}
        self._count = 0

    def documents(self) -> Iterator[YamlNode]:
        for event in self._events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                self._anchors = {}
                yield self._node(next(self._events), 0)

    def _node(self, event: Any, depth: int) -> YamlNode:
        start = event.start_mark.index
        self._count += 1
        if depth > DEEPEST or self._count > MOST_NODES:
            what = f"nested more than {DEEPEST} levels deep" if depth > DEEPEST else f"of more than {MOST_NODES} nodes"
            raise NotYaml(f"it is {what}", start)
        kind = type(event).__name__
        if kind == "AliasEvent":
            found = self._anchors.get(event.anchor)
            if found is None:
                raise NotYaml(f"the alias {event.anchor!r} has no anchor before it", start)
            return found
        if kind == "ScalarEvent":
            style = event.style if event.style in ("|", ">", '"', "'") else None
            scalar = Scalar(str(event.value), start, event.end_mark.index, style)
            return self._kept(event, scalar)
        if kind == "SequenceStartEvent":
            sequence = Sequence([], start)
            self._kept(event, sequence)
            while type(item := next(self._events)).__name__ != "SequenceEndEvent":
                sequence.items.append(self._node(item, depth + 1))
            return sequence
        mapping = Mapping([], start)
        self._kept(event, mapping)
        while type(key := next(self._events)).__name__ != "MappingEndEvent":
            name = self._node(key, depth + 1)
            mapping.items.append((name, self._node(next(self._events), depth + 1)))
        return mapping

    def _kept(self, event: Any, node: YamlNode) -> YamlNode:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


def placer(text: str, scalar: Scalar) -> Callable[[int], int]:
    """From an offset in a scalar's value to one in the text; its start where the two do not run side by side."""
    start, end, style, value = scalar.start, scalar.end, scalar.style, scalar.value
    if style != "|":
        inner = start + (style is not None)
        if text[inner : inner + len(value)] == value:
            return lambda offset: inner + offset
        written = text[inner : end - 1] if style in ('"', "'") else ""
        if written and "\n" not in written:
            return lambda offset: inner + _escaped_offset(written, offset, style == '"')
        return _folded(text, scalar) or (lambda _: start)
    line = text.index("\n", start) + 1
    value_starts, file_starts = [0], []
    indent: int | None = None
    for written in value.split("\n"):
        stop = text.find("\n", line, end)
        raw = text[line : stop if stop >= 0 else end].rstrip("\r")
        if indent is None and written:
            indent = len(raw) - len(written)
        if written and (indent is None or raw[indent:] != written):
            if line < end:
                return lambda _: start
            break
        file_starts.append(line + (indent or 0) if written else line)
        value_starts.append(value_starts[-1] + len(written) + 1)
        line = stop + 1 if stop >= 0 else end
    file_starts = file_starts or [start]

    def place(offset: int) -> int:
        index = min(bisect.bisect_right(value_starts, offset) - 1, len(file_starts) - 1)
        return file_starts[index] + offset - value_starts[index]

    return place


def _escaped_offset(written: str, offset: int, is_double: bool) -> int:
    """Where character `offset` of a quoted scalar of one line begins in its content as it is written."""
    escapes = _DOUBLE if is_double else _SINGLE
    for found in escapes.finditer(written):
        if found.start() >= offset:
            break
        offset += found.end() - found.start() - 1
    return offset


def _folded(text: str, scalar: Scalar) -> Callable[[int], int] | None:
    """For scalars that YAML folds (`>`, or plain and quoted over several lines): word for word, if the words agree."""
    position = scalar.start + (scalar.style is not None)
    if scalar.style == ">":
        position = text.index("\n", scalar.start) + 1
    value_starts: list[int] = []
    file_starts: list[int] = []
    offset = 0
    for word in scalar.value.split():
        offset = scalar.value.index(word, offset)
        while position < scalar.end and text[position].isspace():
            position += 1
        if not text.startswith(word, position) or position >= scalar.end:
            return None
        value_starts.append(offset)
        file_starts.append(position)
        offset += len(word)
        position += len(word)
    if not value_starts:
        return None

    def place(offset: int) -> int:
        index = max(bisect.bisect_right(value_starts, offset) - 1, 0)
        return file_starts[index] + offset - value_starts[index]

    return place
