"""A file's text and the places in it."""

from __future__ import annotations

import bisect
import codecs
import functools
import itertools


class Text:
    """A file's text and the places in it."""

    def __init__(self, data: bytes) -> None:
        """Bytes that are not UTF-8 read as U+FFFD; `bad_byte` is the offset of the first."""
        self.has_bom = data.startswith(codecs.BOM_UTF8)
        body = data.removeprefix(codecs.BOM_UTF8)
        self.bad_byte: int | None = None
        try:
            self.text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            self.bad_byte = error.start + 3 * self.has_bom
            self.text = body.decode("utf-8", "replace")

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [0, *itertools.accumulate(len(line) + 1 for line in self.text.split("\n"))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, in code points."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def byte(self, offset: int) -> int:
        """The offset in the file's bytes."""
        return len(self.text[:offset].encode("utf-8")) + 3 * self.has_bom
