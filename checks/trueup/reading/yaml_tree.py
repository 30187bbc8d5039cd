"""YAML as a tree of mappings, lists and scalars with their places; several documents are one list.

Made of libyaml's events where PyYAML has it. No tag makes an object and no alias is followed: an alias reads as an
empty scalar, so a file of nested anchors is as small as it is written.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import yaml

DEEPEST = 100


class NotYaml(Exception):
    """The text is no YAML, for one because it is a template; `offset` is where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Scalar(NamedTuple):
    """`value` stands at `[start, end)`, without quotes; `verbatim` is false where it is written in another way."""

    value: str
    start: int
    end: int
    verbatim: bool
    block: bool  # `|` or `>`: the lines between the two places, indented


class Mapping(NamedTuple):
    """Members in order."""

    members: list[tuple[Scalar, Tree]]

    def scalars(self) -> dict[str, Scalar]:
        """The members that are scalars, by key; the first of equal keys."""
        found: dict[str, Scalar] = {}
        for key, value in self.members:
            if isinstance(value, Scalar):
                found.setdefault(key.value, value)
        return found


class Sequence(NamedTuple):
    """Items in order."""

    items: list[Tree]


Tree: TypeAlias = "Scalar | Mapping | Sequence"


def read(text: str) -> Sequence:
    """The documents of a text. Raises `NotYaml`."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = Sequence([])
    stack: list[Mapping | Sequence] = [documents]
    keys: list[Scalar | None] = [None]

    def put(node: Tree) -> None:
        top = stack[-1]
        if isinstance(top, Sequence):
            top.items.append(node)
        elif keys[-1] is None:
            # A key that is no scalar has no name.
            keys[-1] = node if isinstance(node, Scalar) else Scalar("", 0, 0, False, False)
        else:
            top.members.append((keys[-1], node))
            keys[-1] = None

    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.ScalarEvent):
                put(_scalar(text, event))
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if len(stack) > DEEPEST:
                    raise NotYaml(f"it is nested more than {DEEPEST} levels deep", _offset(event))
                node: Mapping | Sequence = Mapping([]) if isinstance(event, yaml.MappingStartEvent) else Sequence([])
                put(node)
                stack.append(node)
                keys.append(None)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                stack.pop()
                keys.pop()
            elif isinstance(event, yaml.AliasEvent):
                put(Scalar("", _offset(event), _offset(event), False, False))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYaml(error.problem or "it cannot be read", mark.index if mark is not None else 0) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise NotYaml("it holds a character that YAML does not allow", getattr(error, "position", 0) or 0) from None
    return documents


def _offset(event: Any) -> int:
    return int(event.start_mark.index)


def _scalar(text: str, event: Any) -> Scalar:
    start, end, style = event.start_mark.index, event.end_mark.index, event.style
    if style in ("'", '"'):
        start, end = start + 1, end - 1
    block = style in ("|", ">")
    return Scalar(event.value, start, end, not block and text[start:end] == event.value, block)
