"""Where the strings of a JSON text stand, found for the few that are asked for.

A text is parsed by the standard library, which is fast and knows no places. Whoever has to tell of a value in it asks
here: one walk over the words of the text, at the first question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Path = tuple[str | int, ...]

_WORD = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


class JsonPlaces:
    """The places of the string values of one valid JSON text, under some keys."""

    def __init__(self, text: str, keys: Iterable[str], base: int = 0) -> None:
        """`keys`: those under which the strings stand that may be asked for. `base`: where a larger text begins."""
        self._text = text
        self._keys = frozenset(keys)
        self._base = base
        self._found: dict[Path, tuple[int, int]] | None = None

    def of(self, path: Path) -> tuple[int, int] | None:
        """`[start, end)` of a string's content, without its quotes; of the last one where a key stands there twice."""
        if self._found is None:
            self._found = self._walk()
        return self._found.get(path)

    def _walk(self) -> dict[Path, tuple[int, int]]:
        found: dict[Path, tuple[int, int]] = {}
        path: list[str | int] = []
        objects: list[bool] = []
        key_is_due = False
        keys = self._keys
        for word in _WORD.finditer(self._text):
            sign = word[0]
            if sign == ",":
                if objects[-1]:
                    key_is_due = True
                else:
                    path[-1] += 1  # type: ignore[operator]
            elif sign == "{":
                objects.append(True)
                path.append("")
                key_is_due = True
            elif sign == "[":
                objects.append(False)
                path.append(0)
                key_is_due = False
            elif sign in ("}", "]"):
                objects.pop()
                path.pop()
                key_is_due = False
            elif sign == ":":
                key_is_due = False
            elif key_is_due:
                path[-1] = unescaped(sign[1:-1])
            elif any(step in keys for step in path[-2:]):
                found[tuple(path)] = (self._base + word.start() + 1, self._base + word.end() - 1)
        return found


def unescaped(written: str) -> str:
    """What a string's content means."""
    if "\\" not in written:
        return written
    import json

    return str(json.loads(f'"{written}"', strict=False))


def inner_offset(written: str, offset: int) -> int:
    """Where character `offset` of a string begins in its content as it is `written`, with escapes."""
    if "\\" not in written:
        return offset
    position = 0
    while offset > 0 and position < len(written):
        escape = written.find("\\", position)
        if escape < 0 or escape - position >= offset:
            return position + offset
        offset -= escape - position
        position = escape
        if offset > 0:
            found = _PAIR.match(written, position) or _ESCAPE.match(written, position)
            position = found.end() if found is not None else position + 1
            offset -= 1
    return position


def duplicate_keys(text: str) -> list[tuple[str, int]]:
    """Every key that stands in its object a second time, and where, in a valid JSON text."""
    found: list[tuple[str, int]] = []
    levels: list[set[str] | None] = []
    key_is_due = False
    for word in _WORD.finditer(text):
        sign = word[0]
        if sign == "{":
            levels.append(set())
            key_is_due = True
        elif sign == "[":
            levels.append(None)
            key_is_due = False
        elif sign in ("}", "]"):
            levels.pop()
            key_is_due = False
        elif sign == ",":
            key_is_due = levels[-1] is not None
        elif sign == ":":
            key_is_due = False
        elif key_is_due:
            known = levels[-1]
            key = unescaped(sign[1:-1])
            if known is not None:
                if key in known:
                    found.append((key, word.start()))
                known.add(key)
    return found
