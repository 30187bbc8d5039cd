"""TOML of a checked repository as plain values: the standard library's parser, kept from what it cannot bear.

It takes quadratic time for a key of many parts, recurses into arrays, and lets Python's own refusal of a very long
number through.
"""

from __future__ import annotations

import re
from typing import Any

MOST_KEY_PARTS = 64  # nobody writes as many

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
# From the start of a word or a quoted part only: from every letter of a long word it would be quadratic itself.
_DEEP_KEY = re.compile(r"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}""")
_MANY_DOTS = re.compile(r"^(?:[^.\n]*+\.){63}", re.MULTILINE)  # the quick question before the slow one
_LONG_NUMBER = re.compile(r"(?<!\w)[-+]?\d[\d_]{4299}")  # Python's limit for a number in digits


class NotToml(Exception):
    """The text cannot be read. `offset` is where that shows, in code points; `None` where no place tells it."""

    def __init__(self, message: str, offset: int | None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def parse(text: str) -> dict[str, Any]:
    """The values of a text. Raises `NotToml`."""
    import tomllib

    deep = _DEEP_KEY.search(text) if _MANY_DOTS.search(text) else None
    if deep is not None:
        raise NotToml(f"a key has more than {MOST_KEY_PARTS} parts", deep.start())
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = _PLACE.search(message)
        said = message[: found.start()] if found else message
        offset = _offset(text, int(found[1]), int(found[2])) if found and found[1] else len(text)
        raise NotToml(said[:1].lower() + said[1:], offset) from None
    except ValueError:
        long = _LONG_NUMBER.search(text)
        raise NotToml("a number has more digits than can be read", long.start() if long else None) from None
    except RecursionError:
        raise NotToml("it is nested too deeply", None) from None


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The place of an offset, from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return min(start + column - 1, len(text))
