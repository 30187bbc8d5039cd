"""Parses an expression, bounded: the library's time grows with the square of its size, and its depth is the stack's."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from trueup.metrics.promql.filling import fill
from trueup.metrics.promql.selectors import Layout, layout_of
from trueup.metrics.promql.tokens import Token, depth_of, tokens_of

LONGEST = 65_536  # characters
_DEEPEST = 100
_MOST_OPERATORS = 500
_MOST_TOKENS = 20_000
_OPERATORS = frozenset("+ - * / % ^ == != >= <= < > and or unless atan2".split())
# What Prometheus knows and the library does not, or not yet.
_BEYOND = re.compile(
    r"\b(?:smoothed|anchored|fill|fill_left|fill_right|step|range|holt_winters|histogram_quantiles)\b"
    r"|\[[^\]\"]{0,100}[-+*/(][^\]\"]{0,100}\]|\boffset\s{0,9}\("
)
_BAD_REGEX = re.compile(r"illegal regex for (.*)", re.DOTALL)
_LOOK_AROUND = re.compile(r"\(\?(?:[=!]|<[=!])")


class Budget:
    """What a run spends on parsing at most: the library's time grows with the square of the operators."""

    def __init__(self, units: int = 10_000_000) -> None:
        """A unit is an operator beside another: some 0.13 microseconds."""
        self._left = units

    def spend(self, operators: int) -> bool:
        """Whether an expression of so many operators may still be parsed."""
        self._left -= operators * operators
        return self._left >= 0


class Parsed(NamedTuple):
    """An expression: its tokens, what stands where, its tree, and why there is none.

    `error` is what is wrong with it, as far as that is certain; `excuse` why it is not known: it has variables that
    may be anything, or is beyond the bounds or the library.
    """

    text: str
    tokens: list[Token]
    layout: Layout
    tree: Any = None
    error: str | None = None
    excuse: str | None = None


def parse(text: str, budget: Budget | None = None) -> Parsed:
    """Never raises, whatever the text. `budget`: shared by the expressions of a run."""
    if len(text) > LONGEST:
        return Parsed(text, [], Layout([], [], []), excuse=f"it has more than {LONGEST} characters")
    tokens = tokens_of(text)
    excuse = _too_much(tokens, budget)
    if excuse is not None:
        return Parsed(text, [], Layout([], [], []), excuse=excuse)
    layout = layout_of(tokens)
    try:
        import promql_parser
    except ModuleNotFoundError:
        return Parsed(text, tokens, layout, excuse="the library promql-parser is not installed")
    error = ""
    certain = True
    for operand in ("number", "name"):
        filled = fill(text, tokens, layout, operand=operand)
        try:
            return Parsed(text, tokens, layout, promql_parser.parse(filled.text))
        except ValueError as problem:
            error = error or str(problem).strip()
            certain = filled.certain
        if filled.text == text:
            break
    if not certain:
        return Parsed(text, tokens, layout, excuse=f"its variables decide whether it parses ({error})")
    if _is_doubtful(text, error):
        return Parsed(text, tokens, layout, excuse=f"the parser does not know all of it ({error})")
    return Parsed(text, tokens, layout, error=error)


def _too_much(tokens: list[Token], budget: Budget | None) -> str | None:
    if len(tokens) > _MOST_TOKENS:
        return f"it has more than {_MOST_TOKENS} words"
    if depth_of(tokens) > _DEEPEST:
        return f"its brackets are nested more than {_DEEPEST} deep"
    operators = sum(1 for token in tokens if token.text.lower() in _OPERATORS)
    if budget is not None and not budget.spend(operators):
        return "the expressions before it took all the time that a run has for them"
    if operators > _MOST_OPERATORS:
        return f"it has more than {_MOST_OPERATORS} operators"
    return None


def _is_doubtful(text: str, error: str) -> bool:
    """Whether Prometheus may take what the library refuses."""
    if _BEYOND.search(text):
        return True
    bad = _BAD_REGEX.match(error)
    if bad is None or _LOOK_AROUND.search(bad[1]):
        return False
    try:
        re.compile(bad[1])
    except (re.error, OverflowError, RecursionError):
        return False
    return True  # RE2 is closer to Python there than Rust: a brace may stand for itself
