"""What stands around a name in a document: the headings above it, and the words that lead to it."""

from __future__ import annotations

import bisect
import functools
import re

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.*)$", re.MULTILINE)
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]")
_MOST_CHARACTERS = 1_000
_PAST = re.compile(
    r"deprecat|remov|renam|legacy|former|replac|no longer|obsolete|was called|old name|previous|used to|migrat"
    r"|instead of|superse|hidden|dropped|unimplemented|never implemented|→|(?<!-)->"
)


@functools.lru_cache(maxsize=4096)
def _speaks_of_the_past(words: str) -> bool:
    return _PAST.search(words.lower()) is not None


class Context:
    """Asked only where something seems wrong."""

    def __init__(self, text: str) -> None:
        self._text = text

    def tells_of_the_past(self, offset: int) -> bool:
        """Whether the line, its paragraph, what leads to its list, or a heading above it speaks of what is no more."""
        return any(_speaks_of_the_past(part) for part in self._around(offset))

    def _around(self, offset: int) -> list[str]:
        text = self._text
        start = text.rfind("\n", 0, offset) + 1
        end = text.find("\n", offset)
        line = text[start : end if end >= 0 else len(text)]
        parts = [line, *self._headings(offset)]
        if line.lstrip().startswith(("|", "#")):
            return parts
        first = max(self._block_start(start), start - _MOST_CHARACTERS)
        if _ITEM.match(line):
            # The paragraph before the list, or the item's own continuation.
            block = text[first:start].split("\n")
            lead = next((at for at, one in enumerate(block) if _ITEM.match(one)), len(block))
            before = "\n".join(block[:lead]).strip()
            if not before and self._text.endswith("\n\n", 0, first):
                before = text[self._block_start(max(text.rfind("\n", 0, first - 1), 0)) : first]
            parts.append(before[-_MOST_CHARACTERS:])
        else:
            stop = text.find("\n\n", offset, offset + _MOST_CHARACTERS)
            parts.append(text[first : stop if stop >= 0 else offset + _MOST_CHARACTERS])
        return parts

    def _block_start(self, start: int) -> int:
        least = max(0, start - _MOST_CHARACTERS)
        found = self._text.rfind("\n\n", least, max(start - 1, 0))
        return found + 2 if found >= 0 else least

    def _headings(self, offset: int) -> list[str]:
        at = bisect.bisect_right(self._chains, offset, key=lambda one: one[0]) - 1
        return self._chains[at][1] if at >= 0 else []

    @functools.cached_property
    def _chains(self) -> list[tuple[int, list[str]]]:
        """Where each heading stands, and the titles that hold below it."""
        chains: list[tuple[int, list[str]]] = []
        chain: dict[int, str] = {}
        for found in _HEADING.finditer(self._text):
            level = len(found[1])
            chain = {depth: one for depth, one in chain.items() if depth < level}
            chain[level] = found[2][:300]
            chains.append((found.start(), list(chain.values())))
        return chains
