"""The mutation score of the reference selection under the router suite alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import trueup_reference.router.axis as axis_module
import trueup_reference.router.selection as selection_module
from contracts import mutants
from contracts.suite_runs import verdicts
from trueup_contracts.profile import Profile
from trueup_reference import adapters

_SHORT = "equal: it closes or moves the short way, and the long way answers the same"
_LATER = "equal: refused a line later"
_HUGE = "equal: beyond every bound either way"
_BEYOND = "beyond the contract: the names of defaults that do not exist"
# Mutants that behave as the reference does, or that no contract reaches: the line, what stood there, what stands there.
EXPLAINED = {
    ("_LARGEST = 1 << 53  # up to it a number is the same as an integer and in binary64", "1", "2"): _SHORT,
    ("_LARGEST = 1 << 53  # up to it a number is the same as an integer and in binary64", "53", "54"): _SHORT,
    ("return pools[bisect_right(rows, row)][bisect_right(columns, column)]  # type: ignore[type-var]", "", ""): _SHORT,
    ('return rows.edges, columns.edges, cast("tuple[tuple[int, ...], ...]", phase.pools)', "", ""): _SHORT,
    ("table is None", "table is None", "table is not None"): _SHORT,
    ("if priority is None and isl is None:", "isl is None", "isl is not None"): _SHORT,
    ("or not 0 <= row <= _LARGEST  # type: ignore[operator]", "", ""): _SHORT,
    ("or not 0 <= column <= _LARGEST  # type: ignore[operator]", "", ""): _SHORT,
    (
        'raise ValueError("isl is missing: the grid has an axis of input lengths")',
        "",
        "",
    ): _LATER,
    ("return float(min(value, 1 << 1000))  # beyond every bound, and no float holds more", "", ""): _HUGE,
    ("return float(min(value, 1 << 1000))", "", ""): _HUGE,
    ('raise ValueError(f"there is no default {sorted(given)[0]!r}: ttft_target_ms, itl_target_ms")', "", ""): _BEYOND,
}


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
    return mutants.print_score(*mutants.score((axis_module, selection_module), _failures), EXPLAINED)
