"""The suite's strength: every seeded fault is found, by the requirement that names it; nothing correct fails.

Those of which the same is said in each run are judged by `contracts/test_failures.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.embedding_cache.faults import FAULTS, Fault
from contracts.embedding_cache.hooked import Hooked, OnCuda
from contracts.embedding_cache.others import OTHERS
from contracts.failures import is_steady
from contracts.suite_runs import each_test, verdicts
from trueup_contracts.embedding_cache import SUITE
from trueup_contracts.embedding_cache.hardware import cuda_missing
from trueup_contracts.profile import Profile
from trueup_reference import adapters

QUICK = Profile("quick", 20261124)


@pytest.mark.parametrize("fault", [one for one in FAULTS if not is_steady(one)], ids=lambda fault: fault.name)
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    if fault.needs_cuda and cuda_missing():
        pytest.skip(f"a fault of CUDA: {cuda_missing()}")
    # Whether threads meet, and what the heap has left, is chance, whatever is done for it: some tries more.
    seeds = range(QUICK.seed, QUICK.seed + 4)
    found = (verdicts("embedding-cache", fault.factory, Profile("quick", one), only=fault.requirement) for one in seeds)
    assert any(found)


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    assert len(FAULTS) >= 85
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {one.id for one in SUITE.requirements.values() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested


def test_the_page_says_how_many_there_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "contracts" / "embedding-cache.md").read_text(encoding="utf-8")
    levels = Counter(one.level for one in SUITE.requirements.values())
    number = sum(levels.values())
    assert f"{number} requirements (`trueup contracts list embedding-cache`): {levels['MUST']} MUST and" in page
    here = sum(not fault.needs_cuda for fault in FAULTS)
    assert f"{len(FAULTS)} caches with one fault each, {here} of them without a GPU" in page


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUITE)]
    assert sorted(named) == sorted(one.id for one in SUITE.requirements.values() if not one.untestable)


# Threads that take turns between instructions are slow: `make test-slow` and `make faults` try twenty seeds.
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 1 else []) for seed in range(20)]
CORRECT: dict[str, Callable[..., Any]] = {
    "reference": adapters.embedding_cache,
    "reference, sharing": adapters.embedding_cache_sharing,
    "hooked": Hooked if cuda_missing() else OnCuda,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CORRECT)
def test_correct_caches_never_fail(name: str, seed: int) -> None:
    assert verdicts("embedding-cache", CORRECT[name], Profile("quick", seed)) == {}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.__name__)
def test_caches_of_other_constructions_meet_every_must(other: type[Any], seed: int) -> None:
    failed = verdicts("embedding-cache", other, Profile("quick", seed))
    # What they lack: they do not look after forks, nor after memory that runs out.
    assert set(failed) <= {"EC-045", "EC-046"}
