"""The mutation score of the reference selection under the router suite alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import trueup_reference.router.axis as axis_module
import trueup_reference.router.selection as selection_module
from contracts import mutants
from contracts.suite_runs import verdicts
from trueup_contracts.profile import Profile
from trueup_reference import adapters

# Mutants that behave as the reference does, or where no contract reaches; by what stood there and stands there now.
EXPLAINED: dict[tuple[str, str], str] = {}


def score() -> tuple[int, list[mutants.Mutant]]:
    """How many mutants there are, and those that the suite does not find."""
    survivors, total = [], 0
    for module in (axis_module, selection_module):
        for mutant in mutants.of(Path(str(module.__file__))):
            total += 1
            if not mutants.within_limit(functools.partial(_failures, mutant, module)):
                survivors.append(mutant)
    return total, survivors


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    try:
        names = mutants.loaded(mutant, module)
    except Exception as error:  # noqa: BLE001 - whatever it is: a module that cannot be loaded is no router
        return {"import": str(error)}
    # Where the changed class is looked up: by the router, or by the factory that makes routers.
    place: Any = selection_module if module is axis_module else adapters
    name = "Axis" if module is axis_module else "PoolRouter"
    kept = getattr(place, name)
    setattr(place, name, names[name])
    try:
        return verdicts("router", adapters.RouterFactory(), Profile("quick", 1))
    finally:
        setattr(place, name, kept)


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    total, survivors = score()
    print(f"\nmutants of the reference: {total - len(survivors)} of {total} found, {1 - len(survivors) / total:.1%}\n")
    print("| survivor | was | is | why it is none |\n| --- | --- | --- | --- |")
    unexplained = 0
    for one in survivors:
        why = EXPLAINED.get((one.before, one.after))
        unexplained += why is None
        print(f"| {one.place} | `{one.before[:80]}` | `{one.after[:80]}` | {why or 'UNEXPLAINED'} |")
    return unexplained
