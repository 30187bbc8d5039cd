"""Where the selectors of an expression stand: its metric names, and its matchers.

Found in the words alone, before and beside the parser, so that they have places and survive what it refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trueup.metrics.promql.tokens import Token

# Words that are no metric where they stand between operands.
_OPERATORS = frozenset({"and", "or", "unless", "atan2", "bool", "offset", "anchored", "smoothed"})
_WITH_LABELS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_NO_METRIC = _OPERATORS | _WITH_LABELS | {"nan", "inf"}


class Matcher(NamedTuple):
    """`label="value"` in a selector; `label` and `value` are its tokens, `op` its operator."""

    label: Token
    op: str
    value: Token


class Selector(NamedTuple):
    """A metric's name (none in `{job="x"}`) and its matchers."""

    name: Token | None
    matchers: list[Matcher]


class Layout(NamedTuple):
    """The selectors in order, the labels of `by (…)`, `on (…)` and the like, and the functions called."""

    selectors: list[Selector]
    labels: list[Token]
    functions: list[Token]


def layout_of(tokens: Sequence[Token]) -> Layout:
    """What stands where."""
    layout = Layout([], [], [])
    index = 0
    while index < len(tokens):
        token = tokens[index]
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if token.text == "{" and token.kind == "sign":
            index = _selector(tokens, index, None, layout)
        elif token.text == "[" and token.kind == "sign":
            index = _behind(tokens, index, "]")
        elif token.kind != "name":
            index += 1
        elif token.text.lower() in _WITH_LABELS and following == "(":
            end = _behind(tokens, index + 1, ")")
            layout.labels.extend(one for one in tokens[index + 2 : end] if one.kind == "name")
            index = end
        elif following == "(" or (following.lower() in ("by", "without") and _is_aggregated(tokens, index)):
            layout.functions.append(token)
            index += 1
        elif following == "{":
            index = _selector(tokens, index + 1, token, layout)
        else:
            previous = tokens[index - 1].text.lower() if index else ""
            if token.text.lower() not in _NO_METRIC and previous not in ("offset", "@"):
                layout.selectors.append(Selector(token, []))
            index += 1
    return layout


def _is_aggregated(tokens: Sequence[Token], index: int) -> bool:
    """`sum by (le) (…)`: the second word has parentheses, and something in parentheses behind them."""
    if index + 2 >= len(tokens) or tokens[index + 2].text != "(":
        return False
    end = _behind(tokens, index + 2, ")")
    return end < len(tokens) and tokens[end].text == "("


def _selector(tokens: Sequence[Token], index: int, name: Token | None, layout: Layout) -> int:
    """Reads `{…}` from its brace on; the index behind it."""
    end = _behind(tokens, index, "}")
    matchers: list[Matcher] = []
    inside = tokens[index + 1 : end - 1]
    position = 0
    while position < len(inside):
        one = inside[position]
        if position + 2 < len(inside) and inside[position + 1].text in ("=", "!=", "=~", "!~"):
            matchers.append(Matcher(one, inside[position + 1].text, inside[position + 2]))
            position += 3
        else:
            if one.kind == "string" and name is None:
                name = one  # {"a name in quotes", …}
            position += 1
    layout.selectors.append(Selector(name, matchers))
    return end


def _behind(tokens: Sequence[Token], index: int, closing: str) -> int:
    """The index behind the bracket that closes the one at `index`, or the end."""
    opening = tokens[index].text
    depth = 0
    for position in range(index, len(tokens)):
        if tokens[position].kind == "sign":
            depth += (tokens[position].text == opening) - (tokens[position].text == closing)
            if depth == 0:
                return position + 1
    return len(tokens)
