"""The mutation score of the reference selection under the suite worker-selection alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType

import trueup_reference.worker_selection.loads as loads_module
import trueup_reference.worker_selection.requests as requests_module
import trueup_reference.worker_selection.selector as selector_module
from contracts import mutants
from contracts.suite_runs import verdicts_of
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.kv_index.selection import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters

MODULES = (requests_module, loads_module, selector_module)
# Slow, or of what is counted rather than of what is decided: asked last.
SLOW = {"WS-012", "WS-014", "WS-015", "WS-016", "WS-042", "WS-060", "WS-061"}
# Calls of the reference that the suite does not have: costs, loads, outcomes, the context manager, names.
BEYOND = re.compile(r"_outcomes|outcomes|def costs|found\.items\(\)|slots\[worker\]|len\(self\._requests\)|self\.name")
CPU_LIMIT_S = 60  # the whole suite takes seconds
# Mutants that behave as the reference does: the line, what stood there, what stands there.
EXPLAINED: dict[tuple[str, str, str], str] = {}


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    try:
        with mutants.installed(mutant, module):
            return _verdicts()
    except Exception as error:  # noqa: BLE001 - whatever it is: a module that cannot be loaded is no selector
        return {"import": str(error)}


def _verdicts() -> Mapping[str, str]:
    fast = {one.id for one in SUITE.requirements.values()} - SLOW
    for asked in (fast, SLOW):
        subject = LocalSubject(SUITE, "test", "tests:factory", adapters.worker_selection)
        but = {one for one in SUITE.requirements if one not in asked}
        failed = verdicts_of(subject, Profile("quick", 1), but=but, stop=True)
        if failed:
            return failed
    return {}


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    print(f"not counted: mutants of lines that match {BEYOND.pattern}")
    total, survivors = mutants.score(MODULES, _failures, left_out=BEYOND, cpu_limit_s=CPU_LIMIT_S)
    return mutants.print_score(total, survivors, EXPLAINED)
