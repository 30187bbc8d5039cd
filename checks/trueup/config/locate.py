"""In which line of a TOML text a key stands."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from trueup.reading.toml_places import KeyPath, places_of

__all__ = ["KeyPath", "lines_of", "nearest_line"]


@functools.lru_cache(maxsize=2)
def lines_of(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every key, table and array element, by path: `("ignore", 0, "reason")`."""
    return places_of(text).lines


def nearest_line(lines: dict[KeyPath, int], path: Sequence[str | int]) -> int | None:
    """The line of the value at this path, or of the nearest thing around it; `None` if there is none."""
    return next((line for end in range(len(path), 0, -1) if (line := lines.get(tuple(path[:end])))), None)
