"""The words of a PromQL expression with their places, variables of templates among them.

The parser that judges expressions knows no places, and no variables; this tokenizer knows little else. It never fails:
what it does not know is a token of the kind `other`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

# Grafana's `$x`, `${x}`, `${x.y:regex}` and `[[x:csv]]` (but not the groups `$1` of a regular expression), the
# `<<.Series>>` of prometheus-adapter, and the `{{ … }}` of Helm and Go templates.
VARIABLE = (
    r"(?:\$[A-Za-z_]\w*+|\$\{[^{}\n]{1,200}\}|\[\[\s*+\w++(?::[\w:]*+)?\s*+\]\]"
    r"|<<[^<>\n]{1,200}>>|\{\{[^{}\n]{1,200}\}\})"
)
_VARIABLE = re.compile(VARIABLE)
# A Go template inside a string may hold quotes of its own.
_TEMPLATE = r"\{\{[^{}\n]{0,200}\}\}"
_DOUBLE, _SINGLE = rf""""(?:{_TEMPLATE}|[^"\\\n]|\\.)*+""", rf"""'(?:{_TEMPLATE}|[^'\\\n]|\\.)*+"""
_STRING = rf""" {_DOUBLE}" | {_SINGLE}' | `[^`]*+` """
# Taken whole: were only the quote taken, each of thousands would be followed to the end again.
_UNCLOSED = rf"{_DOUBLE} | {_SINGLE} | `[^`]*+"
_NUMBER = r"0[xX][0-9a-fA-F_]++ | (?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[eE][+-]?[0-9]++)?+"


def _pattern(name_part: str, inside_brackets: bool) -> re.Pattern[str]:
    # `5m`, `1h30m`, `${n}s`: in brackets whatever begins with a digit; outside, a number may be a duration too.
    number = rf"[0-9](?:[\w.]|{VARIABLE})*+" if inside_brackets else rf"[0-9][0-9]*+(?:ms|[smhdwy])[\w]*+ | {_NUMBER}"
    return re.compile(
        rf"""
          (?P<space> \s++ | \#[^\n]*+ )
        | (?P<string> {_STRING} )
        | (?P<name> (?: {name_part} | {VARIABLE} ) (?: {name_part} | [0-9] | {VARIABLE} )*+ )
        | (?P<number> {number} )
        | (?P<sign> =~ | !~ | != | == | >= | <= | [=<>+\-*/%^@:(){{}}\[\],] )
        | (?P<other> {_UNCLOSED} | . )
        """,
        re.VERBOSE | re.DOTALL,
    )


_PLAIN = _pattern(r"[A-Za-z_:]", inside_brackets=False)
_IN_BRACKETS = _pattern(r"[A-Za-z_]", inside_brackets=True)


class Token(NamedTuple):
    """One word. `kind`: `name` (of whatever), `number` (or duration), `string` (with its quotes), `sign`, `other`."""

    kind: str
    start: int
    end: int
    text: str

    @property
    def variables(self) -> list[tuple[int, int]]:
        """The places of the variables in it, from the expression's start."""
        if "$" not in self.text and "[[" not in self.text and "<<" not in self.text and "{{" not in self.text:
            return []
        return [(self.start + one.start(), self.start + one.end()) for one in _VARIABLE.finditer(self.text)]


def tokens_of(text: str) -> list[Token]:
    """Every word but space and comments, in order."""
    found: list[Token] = []
    position, brackets = 0, 0
    while position < len(text):
        match = (_IN_BRACKETS if brackets else _PLAIN).match(text, position)
        assert match is not None  # any character is `other`
        kind, position = str(match.lastgroup), match.end()
        if kind == "space":
            continue
        word = match[0]
        if kind == "sign":
            brackets += (word == "[") - (word == "]" and brackets > 0)
        found.append(Token(kind, match.start(), position, word))
    return found


def depth_of(tokens: Sequence[Token]) -> int:
    """How deep the brackets of all kinds are nested."""
    depth = deepest = 0
    for token in tokens:
        if token.kind == "sign":
            if token.text in "([{":
                depth += 1
                deepest = max(deepest, depth)
            elif token.text in ")]}":
                depth -= 1
    return deepest
