"""Where in a file the targets stand that were found wrong.

Walking the parser's events is exact and slow. Most targets need no walk: where a target is written in
the file exactly as often as the file links to it, and in no other spelling, each of those places is a link.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from html import unescape

import msgspec

from trueup.links.document import Dialect, Engine
from trueup.links.sources import Lines, decode

# What can stand before and behind a destination, a comma in `srcset`; a definition's is told apart below. Whatever
# is missing here makes a link that is not counted, for which the same letters in some code may then be taken.
_BEFORE = frozenset(b"(<:\"'=, \t\r\n\f")
# HTML knows some entities without their semicolon.
_ENTITY = re.compile(rb"&(?:#|[A-Za-z0-9]+;|(?:[Aa]mp|AMP|[lg]t|[LG]T|quot|QUOT|nbsp|copy|reg|shy|sect))")
# Up to so many targets are found sooner by searching for each than by one walk.
_FEW = 500
_BEHIND = frozenset(b")>\"', \t\r\n\f")


class Spot(msgspec.Struct, frozen=True, array_like=True):
    """Bytes `[start, end)` of a file, as lines and columns (1-based, code points), and what is written there."""

    start_byte: int
    end_byte: int
    line: int
    column: int
    end_line: int
    end_column: int
    written: bytes


class LazyLines:
    """Spots of one file; its lines are counted at the first question."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @functools.cached_property
    def _lines(self) -> Lines:
        return Lines(self._data)

    def spot(self, start_byte: int, end_byte: int) -> Spot:
        """The spot of bytes `[start, end)` of the file."""
        line, column = self._lines.place(start_byte)
        end_line, end_column = self._lines.place(end_byte)
        return Spot(start_byte, end_byte, line, column, end_line, end_column, self._data[start_byte:end_byte])


def spots_of(engine: Engine, data: bytes, dialect: Dialect, wanted: Mapping[str, int]) -> dict[str, list[Spot]]:
    """Where each wanted target stands (`wanted`: how often it is linked), in order.

    Uses of one reference definition are one spot, at the definition.
    """
    source = decode(data)
    lines = LazyLines(data)
    body = source.text.encode("utf-8", "surrogatepass")
    few = len(wanted) <= _FEW
    places = {target: _written_plainly(body, target, count) if few else None for target, count in wanted.items()}
    unsure = frozenset(target for target, found in places.items() if found is None)
    walked: dict[str, dict[int, int]] = {target: {} for target in unsure}
    if unsure:
        for link in engine.places(source.text, dialect, unsure):
            walked[link.target][link.start_byte] = link.end_byte
    return {
        target: [
            lines.spot(start + source.bom_bytes, end + source.bom_bytes)
            for start, end in (walked[target].items() if found is None else found)
        ]
        for target, found in places.items()
    }


def _written_plainly(body: bytes, target: str, count: int) -> list[tuple[int, int]] | None:
    """The places of a target when they are certain without parsing; else `None`."""
    word = target.encode("ascii")
    # A percent sign may stand for a letter written as it is; a URL may be a bare one, in running text.
    if not word or b"%" in word or word.startswith((b"http", b"www.")):
        return None
    found = _occurrences(body, word)
    if len(found) != count or (count > 1 and any(_is_definition(body, start) for start in found)):
        return None
    # Written in another way elsewhere (`a\\_b.md`, `a&#46;md`), while the same letters stand in some code?
    plain = _plain(body)
    if plain is not body and len(_occurrences(plain, word)) != len(found):
        return None
    return [(start, start + len(word)) for start in found]


def _occurrences(body: bytes, word: bytes) -> list[int]:
    found: list[int] = []
    start = body.find(word)
    while start >= 0:
        end = start + len(word)
        if start > 0 and body[start - 1] in _BEFORE and (end == len(body) or body[end] in _BEHIND):
            found.append(start)
        start = body.find(word, start + 1)
    return found


def _is_definition(body: bytes, start: int) -> bool:
    return body[max(0, start - 64) : start].rstrip(b" \t\r\n<").endswith(b"]:")


@functools.lru_cache(maxsize=1)
def _plain(body: bytes) -> bytes:
    """The text without what can hide a letter: backslashes and entities. The same object when there is neither."""
    plain = body.replace(b"\\", b"") if b"\\" in body else body
    if _ENTITY.search(plain):
        plain = unescape(plain.decode("utf-8", "replace")).encode("utf-8", "surrogatepass")
    return plain
