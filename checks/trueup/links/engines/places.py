"""From places in the texts that markdown-it-py hands on to places in the source.

The library normalises line ends, strips the marks of quotes and lists, and unescapes table cells.
Everything here counts characters, up to `Places.to_bytes`.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable

Place = Callable[[int], int]

_LINE_END = re.compile(r"\r\n?|\n")


class Places:
    """The lines of one source. Line numbers are 0-based, as markdown-it-py's."""

    def __init__(self, source: str) -> None:
        """`source` is the text that the library was given."""
        self._source = source
        self._row_line = -1  # whose cells are in `_row`
        self._row: list[list[int]] = []
        self._starts = [0]
        self._ends = []
        self._normalised_starts = [0]
        for found in _LINE_END.finditer(source):
            self._ends.append(found.start())
            self._starts.append(found.end())
            line_length = found.start() - self._starts[-2]
            self._normalised_starts.append(self._normalised_starts[-1] + line_length + 1)
        self._ends.append(len(source))

    def of_normalised(self, offset: int, line: int) -> int:
        """Of a place in the library's own text of the whole source, where every line ends in one character."""
        return self._starts[line] + offset - self._normalised_starts[line]

    def of_run(self, start: int, line: int) -> Place:
        """Of places in a text that stands in one piece from `start` (in the normalised text) on."""
        first = self.of_normalised(start, line)
        return lambda offset: first + offset

    def of_lines(self, text: str, first_line: int, line_count_end: int) -> Place:
        """Of places in a text each of whose lines is the *end* of a source line, but for white space."""
        starts: list[int] = []
        shifts: list[int] = []
        position = 0
        for number, line in enumerate(text.split("\n")):
            source_line = min(first_line + number, line_count_end - 1, len(self._starts) - 1)
            written = self._source[self._starts[source_line] : self._ends[source_line]]
            starts.append(position)
            shifts.append(self._starts[source_line] + len(written.rstrip()) - len(line.rstrip()) - position)
            position += len(line) + 1
        return lambda offset: offset + shifts[bisect.bisect_right(starts, offset) - 1]

    def of_cell(self, row: tuple[int, int], line: int, number: int, text: str) -> Place:
        """Of places in the text of cell `number` of a table's row, in which `\\|` has become `|`."""
        if line != self._row_line:
            self._row_line, self._row = line, self._cells(*(self.of_normalised(offset, line) for offset in row))
        cell = self._row[number] if number < len(self._row) else []
        first = max(0, "".join(self._source[position] for position in cell).find(text))
        return lambda offset: cell[first + offset]

    def _cells(self, start: int, end: int) -> list[list[int]]:
        """The places of each cell's characters, in a row that stands at `[start, end)`."""
        cells: list[list[int]] = [[]]
        escaped = False
        for position in range(start, end):
            char = self._source[position]
            if char == "|" and not escaped:
                cells.append([])
            elif char == "|":
                cells[-1][-1] = position
            else:
                cells[-1].append(position)
            escaped = char == "\\"
        if self._source[start:end].lstrip(" \t").startswith("|"):
            del cells[0]
        return cells

    def to_bytes(self, offsets: Iterable[int]) -> dict[int, int]:
        """The byte offset, in UTF-8, of each of these character offsets."""
        if self._source.isascii():
            return {offset: offset for offset in offsets}
        result: dict[int, int] = {}
        byte = char = 0
        for offset in sorted(set(offsets)):
            byte += len(self._source[char:offset].encode("utf-8", "surrogatepass"))
            char = offset
            result[offset] = byte
        return result
