"""Lines and columns of byte offsets, however they are found: counted, from an index, or piece by piece."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.links.sources import Lines

TEXT = st.text(st.sampled_from("ab é漢😀\t\n\r"), max_size=60)
BOM = "\ufeff".encode()


def counted(data: bytes, offset: int) -> tuple[int, int]:
    """The same by definition: the line ends before it, and the code points since the last of them."""
    # A line feed belongs to the carriage return before it, so a place between the two is on the line that they end.
    ends = [found.end() for found in re.finditer(rb"\r\n|\r|\n", data) if found.end() <= offset]
    before = data[ends[-1] if ends else 0 : offset].decode("utf-8")
    return len(ends) + 1, len(before.removeprefix("\ufeff") if not ends else before) + 1


def offsets(data: bytes) -> list[int]:
    """The offsets at which a character begins."""
    return [at for at in range(len(data)) if data[at] & 0xC0 != 0x80]


@given(TEXT, st.booleans())
def test_every_place_of_a_text_asked_for_often_and_once(text: str, has_bom: bool) -> None:
    data = (BOM if has_bom else b"") + text.encode()
    indexed = Lines(data)
    for offset in offsets(data)[has_bom:]:
        expected = counted(data, offset)
        assert Lines(data).place(offset) == expected
        assert indexed.place(offset) == expected


@pytest.mark.parametrize("before", ["", "first\n", "\ufeff", "\ufeff#\r\n"])
def test_columns_in_a_long_line_in_any_order(before: str) -> None:
    data = (before + "aé漢😀 " * 9_000 + "\nlast\n").encode()
    lines = Lines(data)
    places = list(itertools.islice(offsets(data)[bool(before.startswith("\ufeff")) :], 0, None, 977))
    for offset in [*places[::-2], *places[::3], len(data) - 2]:
        assert lines.place(offset) == counted(data, offset)
