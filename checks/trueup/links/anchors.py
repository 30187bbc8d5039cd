"""The anchors of one rendered page, and the one that a missing fragment was probably meant to be."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

from trueup.links.guess import Guess
from trueup.links.nearest import Nearest

_NOT_WORD = re.compile(r"[\W_]+")
_NEAR = 75  # rapidfuzz's ratio


class Anchors:
    """What a rendered page can be opened at. `exact`: its renderer never retries in lower case."""

    def __init__(
        self,
        names: frozenset[str],
        slugs_of: Callable[[str], tuple[str, ...]],
        exact: bool,
        nearest: Nearest | None = None,
    ) -> None:
        """`slugs_of`: the slugs that a text would have as a heading of the page."""
        self.names = names
        self.exact = exact
        self._slugs_of = slugs_of
        self._nearest = nearest or Nearest()
        self._guesses: dict[str, Guess | None] = {}

    def in_another_case(self, name: str) -> list[str]:
        """The anchors that differ from `name` in case at most."""
        return self._by_case.get(name.lower(), [])

    def guess(self, name: str) -> Guess | None:
        """The anchor that a missing one was probably meant to be."""
        if name not in self._guesses:
            self._guesses[name] = self._find(name)
        return self._guesses[name]

    def _find(self, name: str) -> Guess | None:
        for slug in self._slugs_of(name):
            if slug in self.names:
                return Guess(slug, True, "its slug")
        letters = _NOT_WORD.sub("", name).casefold()
        same = self._by_letters.get(letters, []) if letters else []
        if len(same) == 1:
            return Guess(same[0], True, "the only anchor with these letters")
        nearest = self._nearest.of(name.lower(), self._ordered, _NEAR)
        return None if nearest is None else Guess(nearest, False, "the nearest anchor")

    @functools.cached_property
    def _ordered(self) -> list[str]:
        return sorted(self.names)

    @functools.cached_property
    def _by_case(self) -> dict[str, list[str]]:
        return _grouped(self._ordered, str.lower)

    @functools.cached_property
    def _by_letters(self) -> dict[str, list[str]]:
        # Slugs hold hyphens and underscores only beside word characters, and this runs over every anchor.
        return _grouped(self._ordered, lambda anchor: anchor.replace("-", "").replace("_", "").casefold())


def _grouped(names: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups
