"""The functions of a Grafana variable's query: `label_values(metric, label)`, `query_result(expr)` and others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LABEL = re.compile(r"[A-Za-z_$][\w]*|\$\{[^{}]*\}|\[\[[^\[\]]*\]\]|\"[^\"]*\"")


class Part(NamedTuple):
    """A piece of PromQL in a string, and its offset there; `is_selector`: it may only select."""

    text: str
    offset: int
    is_selector: bool


def parts_of(query: str) -> Iterator[Part]:
    """The PromQL in a variable's query; none in what asks for labels or by a regular expression alone."""
    start = len(query) - len(query.lstrip())
    body = query.strip()
    name, parenthesis, rest = body.partition("(")
    name = name.strip()
    if (
        not parenthesis
        or not rest.endswith(")")
        or name not in ("label_values", "query_result", "metrics", "label_names")
    ):
        yield Part(query, 0, False)
        return
    inside = rest[:-1]
    offset = start + body.index("(") + 1
    if name == "query_result":
        yield Part(inside, offset, False)
    elif name == "label_values":
        selector, comma, label = inside.rpartition(",")
        if comma and _LABEL.fullmatch(label.strip()) and selector.strip():
            yield Part(selector, offset, True)
