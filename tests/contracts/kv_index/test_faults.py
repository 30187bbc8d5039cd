"""The suite's strength: every seeded fault is found, by the requirement that names it; nothing correct fails.

Those of which the same is said in each run are judged by `contracts/test_failures.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.failures import is_steady
from contracts.kv_index.faults import FAULTS, Fault
from contracts.kv_index.modes import Hooked
from contracts.kv_index.others import LACKS, OTHERS
from contracts.suite_runs import each_test, verdicts
from trueup_contracts.kv_index import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters

QUICK = Profile("quick", 20261124)
RACES = {"KX-070", "KX-071", "KX-072"}


@pytest.mark.parametrize("fault", [one for one in FAULTS if not is_steady(one)], ids=lambda fault: fault.name)
def test_a_fault_is_found_by_the_requirement_that_names_it(fault: Fault) -> None:
    # Whether threads meet is chance, whatever is done for it: a race has some tries more.
    seeds = range(QUICK.seed, QUICK.seed + (8 if fault.requirement in RACES else 1))
    assert any(verdicts("kv-index", fault.factory, Profile("quick", seed), only=fault.requirement) for seed in seeds)


def test_there_are_many_faults_and_they_reach_every_requirement() -> None:
    assert len(FAULTS) >= 125
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []
    tested = {one.id for one in SUITE.requirements.values() if not one.untestable}
    assert {fault.requirement for fault in FAULTS} == tested


def test_the_page_says_how_many_there_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "contracts" / "kv-index.md").read_text(encoding="utf-8")
    levels = Counter(one.level for one in SUITE.requirements.values())
    number = sum(levels.values())
    assert f"{number} requirements (`trueup contracts list kv-index`): {levels['MUST']} MUST and" in page
    assert f"{len(FAULTS)} indexes with one fault each" in page


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUITE)]
    assert sorted(named) == sorted(one.id for one in SUITE.requirements.values() if not one.untestable)


# `make test-slow` and `make faults` try twenty seeds.
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 1 else []) for seed in range(20)]
CORRECT: dict[str, Callable[..., Any]] = {"reference": adapters.kv_index, "hooked": Hooked}
CORRECT |= {one.__name__: one for one in OTHERS}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CORRECT)
def test_correct_indexes_never_fail(name: str, seed: int) -> None:
    assert set(verdicts("kv-index", CORRECT[name], Profile("quick", seed))) == LACKS.get(name, set())
