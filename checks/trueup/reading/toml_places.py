"""Where the keys and values of a TOML text stand; the standard library's parser does not tell.

The text has been parsed by `tomllib` before, so this scanner trusts it and refuses nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
      (?P<string> \"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<word> [^\s\[\]{}=,.\#"']+ )
    | (?P<mark> [\[\]{}=,.\n] )
    | \#[^\n]*
    """,
    re.VERBOSE | re.DOTALL,
)


class Places(NamedTuple):
    """`lines` are those of keys, tables and array elements, from 1; `values` are `[start, end)` of single values.

    Offsets count code points; a string's are those of its quotes.
    """

    lines: dict[KeyPath, int]
    values: dict[KeyPath, tuple[int, int]]


def places_of(text: str) -> Places:
    """The places by path: `("project", "dependencies", 0)`."""
    scanner = _Scanner(text)
    return Places(scanner.lines, scanner.values)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.values: dict[KeyPath, tuple[int, int]] = {}
        self._tables: dict[KeyPath, int] = {}  # arrays of tables: the index of the last one so far
        self._tokens: list[tuple[str, int, int]] = []  # text, line, offset
        line = 1
        for token in _TOKEN.finditer(text):
            if token.lastgroup is not None:
                self._tokens.append((token[0], line, token.start()))
            line += token[0].count("\n")
        self._tokens.append(("", line, len(text)))
        self._at = 0
        prefix: KeyPath = ()
        while self._skip_newlines():
            prefix = self._header() if self._next == "[" else self._statement(prefix)

    @property
    def _next(self) -> str:
        return self._tokens[self._at][0]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _skip_newlines(self) -> bool:
        """Whether anything follows."""
        while self._next == "\n":
            self._at += 1
        return self._next != ""

    def _note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self._tokens[self._at][1])

    def _key(self, end: str) -> list[str]:
        parts = []
        while (text := self._take()) not in (end, ""):
            if text != ".":
                parts.append(_unquoted(text))
        return parts

    def _header(self) -> KeyPath:
        self._take()
        is_array = self._next == "["
        if is_array:
            self._take()
        start = self._at
        parts = self._key("]")
        end, self._at = self._at + is_array, start  # what follows notes the line of the header
        path: KeyPath = ()
        for part in parts:
            path = (*path, self._tables[path], part) if path in self._tables else (*path, part)
            self._note(path)
        if is_array:
            self._tables[path] = self._tables.get(path, -1) + 1
        if path in self._tables:
            path = (*path, self._tables[path])
            self._note(path)
        self._at = end
        return path

    def _statement(self, prefix: KeyPath) -> KeyPath:
        """`key = value` in this table; answers with the table."""
        start = self._at
        parts = self._key("=")
        end, self._at = self._at, start
        path = prefix
        for part in parts:
            path = (*path, part)
            self._note(path)
        self._at = end
        self._value(path)
        return prefix

    def _value(self, path: KeyPath) -> None:
        if self._next == "[":
            self._take()
            index = 0
            while self._skip_newlines() and self._next != "]":
                if self._next == ",":
                    self._take()
                    index += 1
                else:
                    self._note((*path, index))
                    self._value((*path, index))
            self._take()
        elif self._next == "{":
            self._take()
            while self._skip_newlines() and self._next != "}":
                if self._next == ",":
                    self._take()
                else:
                    self._statement(path)
            self._take()
        else:
            start = self._tokens[self._at][2]
            end = start
            while self._next not in (",", "]", "}", "\n", ""):
                text, _, offset = self._tokens[self._at]
                end = offset + len(text)
                self._at += 1
            self.values.setdefault(path, (start, end))


def _unquoted(text: str) -> str:
    import tomllib

    if text[0] == "'":
        return text[1:-1]
    return next(iter(tomllib.loads(f"{text} = 0"))) if text[0] == '"' else text
