"""What a file of JSON or YAML holds, as a tree that knows where each value and each key stands.

Offsets count code points of the file's text, whatever the tree was read from: JSON, YAML, or JSON
inside a block scalar of YAML.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Placeholder(str):
    """`${VAR}` in the place of a number: what it will be, nobody can tell from here."""

    __slots__ = ()


class Node(NamedTuple):
    """A value, and where it stands: `[start, end)`."""

    value: Value
    start: int
    end: int


class Member(NamedTuple):
    """One `"key": value` of an object; `[start, end)` is the key with its quotes."""

    key: str
    start: int
    end: int
    node: Node


class Object(NamedTuple):
    """Every member, in order; a key may stand there twice."""

    members: list[Member]


Value: TypeAlias = "bool | int | float | str | Placeholder | list[Node] | Object | None"


def pointer(parent: str, part: str | int) -> str:
    """A JSON pointer (RFC 6901) one step longer."""
    return f"{parent}/{str(part).replace('~', '~0').replace('/', '~1')}"


def described(value: Value) -> str:
    """`a boolean`, `a string`, …: the kind of a value in JSON's words."""
    if value is None:
        return "null"
    for kind, words in (
        (bool, "a boolean"),
        (int, "an integer"),
        (float, "a number with a fraction or an exponent"),
        (Placeholder, "a placeholder"),
        (str, "a string"),
        (list, "a list"),
        (Object, "an object"),
    ):
        if isinstance(value, kind):
            return words
    raise AssertionError(value)
