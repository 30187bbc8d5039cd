"""What consumers of metrics hold: expressions, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

Form = Literal["promql", "metricsql", "template", "name", "constant"]


class Expression(NamedTuple):
    """A query somewhere in a file.

    `where` is its JSON pointer (or what says most in other formats), `title` the panel, alert or rule it belongs to.
    `form`: `metricsql` may hold more than PromQL; a `template` is filled in by its program; a `name` is a bare name.
    A `constant` is a whole string of a source file: it is judged only where it is nearly a name.
    `place` turns an offset in `text` into one of the file's text. `variables`: values of constants, by name.
    """

    text: str
    where: str
    title: str
    place: Callable[[int], int]
    form: Form = "promql"
    variables: Mapping[str, tuple[str, ...]] = {}


class Trouble(NamedTuple):
    """Something of the file itself that is wrong, at an offset of its text: a rule's last part, and the message."""

    rule: str
    where: str
    offset: int
    message: str


class Contents(NamedTuple):
    """What a file holds for this check.

    `defined` are names that the file itself makes (recording rules, relabelling), as patterns with `*`; `notes` say
    what was not checked.
    """

    expressions: list[Expression]
    defined: list[str]
    troubles: list[Trouble]
    notes: list[str]
