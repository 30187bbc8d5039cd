"""The nearest of many names, with a bound on what a run spends on it."""

from __future__ import annotations

from collections.abc import Sequence

# About a second. Ten thousand broken links into a folder of ten thousand files would be ten thousand times that many.
_MOST_COMPARISONS = 5_000_000


class Nearest:
    """One budget of comparisons; where it is spent, nothing is near any more, and a finding goes without a guess."""

    def __init__(self, comparisons: int = _MOST_COMPARISONS) -> None:
        self._left = comparisons

    def spend(self, comparisons: int) -> bool:
        """Whether so many are left; they are gone then."""
        if comparisons > self._left:
            return False
        self._left -= comparisons
        return True

    def of(self, word: str, names: Sequence[str], least: int) -> str | None:
        """The name most like `word`, if it is as like as `least` (rapidfuzz's ratio, 0 to 100); the first of equals."""
        if not names or not self.spend(len(names)):
            return None
        from rapidfuzz import fuzz, process

        found = process.extractOne(word, names, scorer=fuzz.ratio, score_cutoff=least)
        return None if found is None else str(found[0])
