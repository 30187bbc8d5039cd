"""Variables replaced by something of the same length that a parser takes, so that every place stays where it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from trueup.metrics.promql.selectors import Layout
from trueup.metrics.promql.tokens import Token

_UNITS = re.compile(r"(?:ms|[smhdwy])[0-9smhdwy]*\Z")


class Filled(NamedTuple):
    """An expression without variables. `certain`: every variable could only be what it was filled with."""

    text: str
    certain: bool


def fill(text: str, tokens: Sequence[Token], layout: Layout, *, operand: str) -> Filled:
    """`operand`: what a variable in the place of a value is, `number` or `name`."""
    parts: list[str] = []
    end = 0
    certain = True
    heads = {id(one.name) for one in layout.selectors if one.name is not None}
    matched = {id(matcher.label) for one in layout.selectors for matcher in one.matchers}
    labels = {id(one) for one in layout.labels} | matched
    functions = {id(one) for one in layout.functions}
    braces = brackets = 0
    for index, token in enumerate(tokens):
        if token.kind == "sign":
            braces += (token.text == "{") - (token.text == "}")
            brackets += (token.text == "[") - (token.text == "]")
        found = token.variables
        raw = token.kind == "string" and token.text.startswith("`")
        if not found and not raw:
            continue
        size = token.end - token.start
        previous = tokens[index - 1].text if index else ""
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if raw:
            new = f"`{'x' * (size - 2)}`"  # the parser takes backslashes there for escapes
        elif brackets or previous.lower() == "offset":
            new = _duration(token)
        elif token.kind == "string" or id(token) in labels:
            new = _lettered(token)
        elif id(token) in functions:
            certain = False
            new = "sum".ljust(size) if size >= 3 else token.text
        elif braces:
            certain = False
            new = 'x=""'.ljust(size) if size >= 4 else token.text
        elif id(token) in heads and len(found) == 1 and found[0] == (token.start, token.end):
            is_name = following in ("{", "[") or operand == "name"
            certain = certain and following in ("{", "[")
            new = "x" * size if is_name else "5".rjust(size, "0")
        else:
            new = _lettered(token)
        parts += [text[end : token.start], new]
        end = token.end
    parts.append(text[end:])
    return Filled("".join(parts), certain)


def _lettered(token: Token) -> str:
    text = token.text
    for start, end in token.variables:
        text = text[: start - token.start] + "x" * (end - start) + text[end - token.start :]
    return text


def _duration(token: Token) -> str:
    """`$__range`, `${n}s`, `5$unit`: a duration, whatever it will be."""
    text = token.text
    for start, end in token.variables:
        text = text[: start - token.start] + "0" * (end - start) + text[end - token.start :]
    units = _UNITS.search(text)
    if units is not None:
        return text[: units.start() - 1] + "5" + text[units.start() :] if units.start() else text
    return text[:-2] + "5m" if len(text) >= 2 else text
