"""Indexes that are built otherwise than most, and break no law; and the originals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from contracts.kv_index.modes import Hooked
from contracts.kv_index.originals import BREAKS, ORIGINALS
from contracts.suite_runs import verdicts
from trueup_contracts.kv_index import SUITE
from trueup_contracts.profile import Profile

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 1 else []) for seed in range(20)]
MUST = {one.id for one in SUITE.requirements.values() if one.level == "MUST"}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("original", ORIGINALS, ids=lambda one: one.__name__)
def test_an_original_breaks_no_must_but_those_that_are_known(original: type[Any], seed: int) -> None:
    failed = {one for one in verdicts("kv-index", original, Profile("quick", seed)) if one in MUST}
    breaks = BREAKS[original.__name__]
    assert failed - ({"KX-026", "KX-027"} if breaks else set()) == breaks  # sequences meet it too, now and then


class RefusesUnknownRemovals(Hooked):
    """It removes what is held, and then says that something was not."""

    capabilities = frozenset({"opaque_hashes", "threads"})

    def remove(self, worker: tuple[int, int], names: Iterable[int], tier: str | None) -> None:
        before = self.unknown_removals
        super().remove(worker, names, tier)
        if self.unknown_removals > before:
            raise ValueError("not all of them were held")


class IgnoresOrphans(Hooked):
    """Of an unknown parent it says nothing: KX-120, a SHOULD, is all that it breaks."""

    capabilities = frozenset({"opaque_hashes"})  # what threads send has no unknown parent

    def refuse_orphan(self, parent: int) -> None:
        pass


class ClearsAllRanks(Hooked):
    """Cleared is of the worker with all of its ranks, and it says so."""

    capabilities = frozenset({"opaque_hashes", "clears_all_ranks"})

    def take(self, worker: tuple[int, int], inner: Any) -> None:
        for one in self.ranks(worker[0]) or [worker] if inner["data"] == "cleared" else [worker]:
            super().take(one, inner)


@pytest.mark.parametrize(
    ("index", "due"), [(RefusesUnknownRemovals, set()), (IgnoresOrphans, {"KX-120"}), (ClearsAllRanks, set())]
)
def test_what_systems_differ_in_is_no_must(index: type[Any], due: set[str]) -> None:
    assert set(verdicts("kv-index", index, Profile("quick", 20261125))) == due
