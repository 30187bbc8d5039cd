"""The mutation score of the reference index under the kv-index suite alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType

import trueup_reference.kv_index.approximate as approximate_module
import trueup_reference.kv_index.dumping as dumping_module
import trueup_reference.kv_index.following as following_module
import trueup_reference.kv_index.index as index_module
import trueup_reference.kv_index.matching as matching_module
import trueup_reference.kv_index.packing as packing_module
import trueup_reference.kv_index.reading as reading_module
import trueup_reference.kv_index.segments as segments_module
import trueup_reference.kv_index.shape as shape_module
import trueup_reference.kv_index.tree as tree_module
from contracts import mutants
from contracts.suite_runs import verdicts_of
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.kv_index import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters

MODULES = (
    tree_module,
    shape_module,
    segments_module,
    packing_module,
    matching_module,
    index_module,
    reading_module,
    dumping_module,
    approximate_module,
    following_module,
)
# Slow, and of what is kept or raced rather than of what is decided: asked last.
SLOW = {"KX-060", "KX-061", "KX-062", "KX-070", "KX-071", "KX-072", "KX-127"}
BEYOND = re.compile(r"$^")
CPU_LIMIT_S = 40  # the whole suite takes seconds
EXPLAINED: dict[tuple[str, str, str], str] = {}


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    try:
        with mutants.installed(mutant, module):
            return _verdicts()
    except Exception as error:  # noqa: BLE001 - whatever it is: a module that cannot be loaded is no index
        return {"import": str(error)}


def _verdicts() -> Mapping[str, str]:
    fast = SUITE.requirements.keys() - SLOW
    for asked in (fast, SLOW):
        subject = LocalSubject(SUITE, "test", "tests:factory", adapters.kv_index)
        but = SUITE.requirements.keys() - asked
        failed = verdicts_of(subject, Profile("quick", 1), but=but, stop=True)
        if failed:
            return failed
    return {}


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    total, survivors = mutants.score(MODULES, _failures, left_out=BEYOND, cpu_limit_s=CPU_LIMIT_S)
    return mutants.print_score(total, survivors, EXPLAINED)
