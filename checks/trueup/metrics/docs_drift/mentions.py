"""Names of metrics in a piece of code of a document, the shorthands that people write among them.

`x_{sum,count}`, `x_{sum,count,bucket}{label="v"}`, `dynamo_frontend_*`, a bare prefix, `vllm:<name>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_ALTERNATIVES = re.compile(r"\{([A-Za-z0-9_]+(?:[,|][ ]?[A-Za-z0-9_]*){0,20})\}([A-Za-z0-9_]*)")
_PLACEHOLDER = re.compile(r"[<{\[$%(]|\.\.\.|…")


class Mention(NamedTuple):
    """A name (or a pattern with `*`) that a document uses; `[start, end)` is where it is written."""

    name: str
    start: int
    end: int


def finder(prefixes: Iterable[str]) -> re.Pattern[str] | None:
    """An expression for names with one of the prefixes; `None` where there are none."""
    words = sorted(set(prefixes), key=lambda one: (-len(one), one))
    if not words:
        return None
    return re.compile(rf"(?<![\w:./@-])(?:{'|'.join(map(re.escape, words))})[\w:]*+")


def mentions_in(code: str, base: int, names: re.Pattern[str], prefixes: frozenset[str]) -> Iterator[Mention]:
    """The names in a piece of code that begins at `base`."""
    for found in names.finditer(code):
        name, start, end = found[0], base + found.start(), base + found.end()
        rest = code[found.end() : found.end() + 400]
        if rest.startswith("*"):
            yield Mention(name + "*", start, end + 1)
            continue
        alternatives = _ALTERNATIVES.match(rest)
        if alternatives is not None and name.endswith("_"):
            for one in re.split(r"[,|]", alternatives[1]):
                yield Mention(name + one.strip() + alternatives[2], start, end + alternatives.end())
            continue
        if "::" in name:
            continue  # a path of C++ or Rust, a process' title
        if name in prefixes or name.endswith((":", "_")) or (name.endswith("_") and _PLACEHOLDER.match(rest)):
            continue  # a prefix, or a name that is filled in
        if rest[:1] in ("/", "-", "@") or rest.startswith((".", "(")) or (rest[:1] == "<" and rest[1:2].isalpha()):
            continue  # a path, an image, a module, a function, a name that goes on
        yield Mention(name, start, end)
