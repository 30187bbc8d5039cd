"""What the locks in TOML have in common: an array of tables `package`, each with a name and a version."""

from __future__ import annotations

import bisect
import re
from functools import cached_property
from typing import Any

from trueup.locks.report import Place

_ENTRY = re.compile(r'^\[\[packages?\]\][ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*name[ \t]*=[ \t]*"([^"\n]*)"', re.MULTILINE)


class Locked:
    """The packages of a lock by name; places are looked up when they are needed."""

    def __init__(self, path: str, text: str, packages: Any) -> None:
        """`packages` is whatever stands there: entries that are no tables with a name do not count."""
        self.path = path
        self._text = text
        self.packages: list[dict[str, Any]] = [
            one
            for one in (packages if isinstance(packages, list) else ())
            if isinstance(one, dict) and isinstance(one.get("name"), str)
        ]
        self.by_name: dict[str, list[dict[str, Any]]] = {}
        for one in self.packages:
            self.by_name.setdefault(one["name"], []).append(one)

    def versions(self, name: str) -> list[str]:
        """The locked versions of a package."""
        found = (one.get("version") for one in self.by_name.get(name, ()))
        return [version for version in found if isinstance(version, str)]

    def place(self, name: str, index: int = 0) -> Place:
        """Where the package's entry begins (its `index`-th), with the line of its name."""
        offsets = self._offsets.get(name, ())
        if not offsets:
            return Place(self.path)
        offset = offsets[min(index, len(offsets) - 1)]
        return Place(self.path, bisect.bisect_right(self._line_starts, offset), 1)

    def key(self, key: str) -> Place:
        """Where a key of the top, or of a table that stands once, is written."""
        found = re.search(rf"^{re.escape(key)}[ \t]*=|^\[{re.escape(key)}\]", self._text, re.MULTILINE)
        if found is None:
            return Place(self.path)
        return Place(self.path, self._text.count("\n", 0, found.start()) + 1, 1)

    @cached_property
    def _offsets(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for one in _ENTRY.finditer(self._text):
            found.setdefault(one[1], []).append(one.start(1))
        return found

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(one.end() for one in re.finditer("\n", self._text))]
