"""The mutation score of the reference bridge under the metrics suite alone: `python -m contracts.metrics.mutation`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import ModuleType

from contracts import mutants
from contracts.suite_runs import verdicts_of
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.metrics import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters
from trueup_reference.metrics_bridge import escaping, negotiation, prefixes, renaming

# The factory would import it when it is called, and it would know a changed class for good.
from trueup_reference.metrics_bridge.exporter import BridgeExporter  # noqa: F401

MODULES = (prefixes, negotiation, escaping, renaming)
_WISHES = "beyond the contract: weights are wishes"
_TOLD = "beyond the contract: an escaping need not be told, and `underscores` always may be"
# Mutants that behave as the reference does, or that no contract reaches: the line, what stood there, what stands there.
EXPLAINED: dict[tuple[str, str, str], str] = {
    ('told = f"; escaping={self.escaping}" if self.tells_escaping else ""', "", ""): _TOLD,
    ('if offered in VERSIONS.get(media_type, ()) and _weight(found.get("q", "1")) > weight:', "", ""): _WISHES,
    ("best = Chosen(media_type, offered, DEFAULT if plain else known, scheme in SCHEMES and not plain)", "", ""): _TOLD,
    ('if scheme == "allow-utf-8" or all(map(_LEGAL.fullmatch, (family.name, *labels))):', "", ""): (
        "equal: what needs no escaping is renamed to itself"
    ),
}


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    try:
        with mutants.installed(mutant, module):
            subject = LocalSubject(SUITE, "test", "tests:factory", adapters.metrics)
            return verdicts_of(subject, Profile("quick", 1), stop=True)
    except Exception as error:  # noqa: BLE001 - whatever it is: a module that cannot be loaded is no bridge
        return {"import": str(error)}


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    logging.disable(logging.CRITICAL)  # of the bridge, which logs what it is made to fail at
    return mutants.print_score(*mutants.score(MODULES, _failures), EXPLAINED)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
