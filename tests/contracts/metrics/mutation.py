"""The mutation score of the reference bridge under the metrics suite alone: `python -m contracts.metrics.mutation`."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from contracts import mutants
from contracts.metrics.running import verdicts
from trueup_contracts.profile import Profile
from trueup_reference import adapters
from trueup_reference.metrics_bridge import bridge, escaping, exporter, negotiation, prefixes, renaming

# A module, the name of it that others use, and where they look it up.
PLACES: dict[ModuleType, tuple[str, tuple[ModuleType, ...]]] = {
    prefixes: ("Prefixes", (exporter,)),
    negotiation: ("choose", (bridge,)),
    escaping: ("escaped_families", (bridge,)),
    renaming: ("renamed", (prefixes, escaping)),
}
_WISHES = "beyond the contract: weights are wishes, and the text format is always allowed"
_TOLD = "beyond the contract: an escaping need not be told, and `underscores` always may be"
_ONCE = "equal: an offer that is not known is passed over either way"
# Mutants that behave as the reference does, or that no contract reaches: the line, what stood there, what stands there.
EXPLAINED: dict[tuple[str, str, str], str] = {}


def score() -> tuple[int, list[mutants.Mutant]]:
    """How many mutants there are, and those that the suite does not find."""
    survivors, total = [], 0
    for module in PLACES:
        for mutant in mutants.of(Path(str(module.__file__))):
            total += 1
            if not mutants.within_limit(functools.partial(_failures, mutant, module)):
                survivors.append(mutant)
    return total, survivors


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    try:
        names = mutants.loaded(mutant, module)
    except Exception as error:  # noqa: BLE001 - whatever it is: a module that cannot be loaded is no bridge
        return {"import": str(error)}
    name, places = PLACES[module]
    kept = getattr(places[0], name)
    for place in places:
        setattr(place, name, names[name])
    try:
        return verdicts(adapters.metrics, Profile("quick", 1), policy_file=None)
    finally:
        for place in places:
            setattr(place, name, kept)


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    logging.disable(logging.CRITICAL)  # of the bridge, which logs what it is made to fail at
    total, survivors = score()
    print(f"\nmutants of the reference: {total - len(survivors)} of {total} found, {1 - len(survivors) / total:.1%}\n")
    print("| survivor | was | is | why it is none |\n| --- | --- | --- | --- |")
    unexplained = 0
    for one in survivors:
        why = EXPLAINED.get((one.line, one.before, one.after)) or EXPLAINED.get((one.line, "", ""))
        unexplained += why is None
        print(f"| {one.place} | `{one.before[:80]}` | `{one.after[:80]}` | {why or 'UNEXPLAINED'} |")
    return unexplained


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
