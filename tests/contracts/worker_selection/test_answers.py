"""What a failure says beside the numbers, where something before it explains them."""

from __future__ import annotations

from typing import Any

from contracts.suite_runs import verdicts
from contracts.worker_selection.others import Recomputing
from trueup_contracts.profile import Profile

PROFILE = Profile("quick", 20261124)


class IgnoresPins(Recomputing):
    """As a selection that was written before requests could be pinned."""

    def select(self, request: Any, overlaps: Any, candidates: Any) -> Any:
        return super().select({**request, "pinned": None}, overlaps, candidates)


class KnowsNoId(Recomputing):
    """Of an id that is not under way it raises what a dictionary does."""

    def prefill_done(self, id: str) -> None:
        if all(name != id for name, *_ in self.list):
            raise KeyError(id)
        super().prefill_done(id)


def test_a_load_that_a_pin_explains_says_so() -> None:
    told = verdicts("worker-selection", IgnoresPins, PROFILE, only="WS-047")["WS-047"]
    assert "; 'r0' was pinned to [1, 0] before, and [2, 0] was answered" in told


def test_an_error_where_a_refusal_may_be_says_which_would_be_right() -> None:
    told = verdicts("worker-selection", KnowsNoId, PROFILE, only="WS-036")["WS-036"]
    assert "KeyError: 'never'; to refuse it by a ValueError or a TypeError would be right too" in told
