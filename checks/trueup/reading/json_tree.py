"""JSON with the place of every key and value, every duplicate key, and Python's `NaN` and `Infinity`.

Strict but for that (RFC 8259): what the original's parser lets in must be seen to be refused. Besides,
`${VAR}` may stand in the place of a value, as templates have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from trueup.reading.tree import Member, Node, Object, Placeholder, Value

DEEPEST = 64  # a grid is six levels deep
_SPACE = re.compile(r"[ \t\n\r]*+")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*+))(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_WORD = re.compile(r"-?[A-Za-z_][\w.+-]*+|-?[0-9][\w.+-]*+")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+(?P<closed>")?+')
_PLACEHOLDER = re.compile(r"\$\{[^{}\s\"]{1,200}+\}")
_WORDS: dict[str, Value] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
# Python refuses to convert longer ones; beyond every bound they are in any case.
_MOST_DIGITS = 400


class NotJson(Exception):
    """The text is no JSON; `offset` is where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def read(text: str, place: Callable[[int], int] = lambda offset: offset) -> Node:
    """The tree of a text; `place` turns an offset in it into one of the file. Raises `NotJson`."""
    reader = _Reader(text, place)
    node = reader.value(0)
    end = reader.skip(reader.position)
    if end < len(text):
        raise NotJson("something follows the end of the configuration", place(end))
    return node


class _Reader:
    def __init__(self, text: str, place: Callable[[int], int]) -> None:
        self.text = text
        self.position = 0
        self._place = place

    def skip(self, position: int) -> int:
        found = _SPACE.match(self.text, position)
        assert found is not None  # it matches the empty text
        return found.end()

    def value(self, depth: int) -> Node:
        """The value that begins at or behind `position`, which then stands behind it."""
        start = self.position = self.skip(self.position)
        sign = self.text[start : start + 1]
        if depth > DEEPEST:
            raise self._wrong(f"it is nested more than {DEEPEST} levels deep")
        if sign == "{":
            value: Value = self._object(depth)
        elif sign == "[":
            value = self._list(depth)
        elif sign == '"':
            value = self._string()
        else:
            value = self._plain(start)
        return Node(value, self._place(start), self._place(self.position))

    def _plain(self, start: int) -> Value:
        text = self.text
        placeholder = _PLACEHOLDER.match(text, start)
        if placeholder is not None:
            self.position = placeholder.end()
            return Placeholder(placeholder[0])
        word = _WORD.match(text, start)
        written = word[0] if word is not None else text[start : start + 1]
        if not written:
            raise self._wrong("the text ends where a value should stand" if text.strip() else "it is empty")
        number = _NUMBER.fullmatch(written)
        self.position = start + len(written)
        if number is not None:
            if number[2] is None and number[3] is None:
                return int(written) if len(written) <= _MOST_DIGITS else 10**_MOST_DIGITS
            return float(written)
        if written in _WORDS:
            return _WORDS[written]
        self.position = start
        raise self._wrong(f"{written[:40]!r} is no value in JSON")

    def _string(self) -> str:
        start = self.position
        found = _STRING.match(self.text, start)
        assert found is not None  # a quote stands there
        self.position = found.end()
        if found["closed"] is None:
            if self.position >= len(self.text):
                self.position = start
                raise self._wrong("a string is not closed")
            wrong = self.text[self.position]
            raise self._wrong("an escape that JSON does not know" if wrong == "\\" else "a line end inside a string")
        return str(json.loads(found[0]))

    def _list(self, depth: int) -> Value:
        items: list[Node] = []
        self.position = self.skip(self.position + 1)
        if self._takes("]"):
            return items
        while True:
            items.append(self.value(depth + 1))
            if self._takes("]"):
                return items
            self._expect(",", "a comma or ']'")
            if self._looks_at("]"):
                raise self._wrong("a comma before ']'")

    def _object(self, depth: int) -> Value:
        members: list[Member] = []
        self.position = self.skip(self.position + 1)
        if self._takes("}"):
            return Object(members)
        while True:
            if not self._looks_at('"'):
                raise self._wrong("a comma before '}'" if members and self._looks_at("}") else "a key in quotes is due")
            start = self.position
            key = self._string()
            end = self.position
            self._expect(":", "a colon")
            members.append(Member(key, self._place(start), self._place(end), self.value(depth + 1)))
            if self._takes("}"):
                return Object(members)
            self._expect(",", "a comma or '}'")

    def _looks_at(self, sign: str) -> bool:
        self.position = self.skip(self.position)
        return self.text.startswith(sign, self.position)

    def _takes(self, sign: str) -> bool:
        if not self._looks_at(sign):
            return False
        self.position += 1
        return True

    def _expect(self, sign: str, words: str) -> None:
        if not self._takes(sign):
            raise self._wrong(f"{words} is due here" if self.position < len(self.text) else "the text ends too early")

    def _wrong(self, message: str) -> NotJson:
        return NotJson(message, self._place(min(self.position, len(self.text))))
