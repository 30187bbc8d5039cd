"""The names that were probably meant."""

from __future__ import annotations

from trueup.metrics.policy import PolicySet

_ENDINGS = ("_bucket", "_sum", "_count")
_LONGEST = 300
_MOST_QUESTIONS = 3_000  # of one run
_ASKED, _TOLD = 12, 3


class NearestNames:
    """Looks names up until the run has spent enough on it."""

    def __init__(self, policies: PolicySet) -> None:
        self._policies = policies
        self._left = _MOST_QUESTIONS

    def of(self, name: str, *, families: bool = False) -> list[str]:
        """The nearest names of the same exporter, of the same ending first; `families`: without endings."""
        if self._left <= 0 or len(name) > _LONGEST:
            return []
        self._left -= 1
        ending = next((one for one in _ENDINGS if name.endswith(one)), "")
        own = self._policies.prefix(name)
        found: dict[str, bool] = {}
        for near in self._policies.nearest(name, _ASKED):
            if own is not None and self._policies.prefix(near) is not own:
                continue
            match = self._policies.series(near)
            if match is not None and match.suffix in _ENDINGS and (families or not ending):
                near = match.name + ending  # noqa: PLW2901
            found.setdefault(near, near.endswith(ending))
        return sorted(found, key=lambda one: not found[one])[:_TOLD]


def told(near: list[str]) -> str:
    """`; nearest: …`, or nothing."""
    return f"; nearest: {', '.join(f'`{one}`' for one in near)}" if near else ""
