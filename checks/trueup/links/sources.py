"""From the bytes of a file to the text that an engine reads; every byte keeps its place."""

from __future__ import annotations

import bisect
import itertools
import re
from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"
_FRONT_MATTER = re.compile(rb"(---|\+\+\+)[ \t]*\r?\n(?:.*\n)*?\1[ \t]*(?:\r?\n|\Z)")
_CONTINUATION = bytes(range(0x80, 0xC0))
_FEW_PLACES = 16  # more are found sooner in an index of the lines
_LONG_LINE_BYTES = 8192
_NOT_LINE_END = re.compile(rb"[^\r\n]")


class Source(NamedTuple):
    """A decoded file. Byte `n` of `text` in UTF-8 is byte `n + bom_bytes` of the file.

    `bad_byte` is the offset in the file of the first byte that is not UTF-8; such bytes read as `?`.
    """

    text: str
    bom_bytes: int
    bad_byte: int | None


def decode(data: bytes) -> Source:
    """Text without byte-order mark and front matter (blanked, so that places stay)."""
    bom_bytes = len(_BOM) if data.startswith(_BOM) else 0
    body = data[bom_bytes:] if bom_bytes else data
    if body.startswith((b"---", b"+++")):
        body = blank_front_matter(body)
    try:
        return Source(body.decode("utf-8"), bom_bytes, None)
    except UnicodeDecodeError as error:
        text = "".join(
            "?" if "\udc80" <= char <= "\udcff" else char for char in body.decode("utf-8", "surrogateescape")
        )
        return Source(text, bom_bytes, bom_bytes + error.start)


def blank_front_matter(body: bytes) -> bytes:
    """Spaces in place of YAML or TOML front matter: GitHub shows it as a table, generators not at all."""
    found = _FRONT_MATTER.match(body)
    if found is None:
        return body
    return _NOT_LINE_END.sub(b" ", found[0]) + body[found.end() :]


class Lines:
    """Line and column (1-based, code points) of byte offsets in one file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._asked = 0
        self._starts: list[int] | None = None
        self._long_lines: dict[int, list[int]] = {}
        # A carriage return alone ends a line too; hardly any file has one, and then counting line feeds will do.
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            self._index()

    def place(self, offset: int) -> tuple[int, int]:
        """Where byte `offset` of the file stands; a byte-order mark is not counted as a column."""
        self._asked += 1
        if self._starts is None and self._asked > _FEW_PLACES:
            self._index()
        if self._starts is None:
            line = self._data.count(b"\n", 0, offset) + 1
            start = self._data.rfind(b"\n", 0, offset) + 1
        else:
            line = bisect.bisect_right(self._starts, offset)
            start = self._starts[line - 1]
        if offset - start > _LONG_LINE_BYTES:
            return line, self._column_in_long_line(start, offset)
        before = self._data[start:offset]
        if line == 1 and before.startswith(_BOM):
            before = before[len(_BOM) :]
        return line, len(before.decode("utf-8", "replace")) + 1

    def _index(self) -> None:
        self._starts = list(itertools.accumulate(map(len, self._data.splitlines(keepends=True)), initial=0))

    def _column_in_long_line(self, start: int, offset: int) -> int:
        """The column, with the code points counted once for each piece of the line; bad bytes may count less."""
        pieces = self._long_lines.setdefault(start, [])
        whole = (offset - start) // _LONG_LINE_BYTES
        while len(pieces) < whole:
            begin = start + len(pieces) * _LONG_LINE_BYTES
            counted = _code_points(self._data[begin : begin + _LONG_LINE_BYTES])
            pieces.append(counted + (pieces[-1] if pieces else 0))
        rest = _code_points(self._data[start + whole * _LONG_LINE_BYTES : offset])
        return pieces[whole - 1] + rest + 1 - (start == 0 and self._data.startswith(_BOM))


def _code_points(data: bytes) -> int:
    return len(data.translate(None, _CONTINUATION))


def count_lines(data: bytes) -> int | None:
    """How many lines GitHub shows, or `None` for what is not text (a NUL byte in its first 8,000 bytes)."""
    if b"\0" in data[:8000]:
        return None
    return data.count(b"\n") + (1 if data and not data.endswith(b"\n") else 0)
