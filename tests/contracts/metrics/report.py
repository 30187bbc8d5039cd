"""`make faults`: which requirement of the metrics suite finds which fault, and what correct exporters are told."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from contracts.metrics import mutation
from contracts.metrics.faults import FAULTS
from contracts.metrics.hooked import Hooked
from contracts.metrics.others import LineFilter, PrometheusClient, PrometheusClientWithColons
from contracts.metrics.running import short_limits, verdicts
from trueup_contracts.metrics import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters

SEEDS = range(20)
# Documented in SPEC.md: the fault of the original that users are blinded by.
KNOWN = {"prometheus-client, names with a colon": {"MX-020", "MX-022"}}


def main() -> int:
    """Prints the tables; 1 where a fault or a mutant survived, or a correct exporter failed a MUST against SPEC.md."""
    logging.disable(logging.CRITICAL)  # of the bridge, which logs what it is made to fail at
    seeds = SEEDS if len(sys.argv) < 2 else range(int(sys.argv[1]))
    missed = 0
    print("| fault | named | found |\n| --- | --- | --- |")
    with short_limits():
        for fault in FAULTS:
            told = verdicts(fault.factory, Profile("quick", 20261125), only=fault.requirement).get(fault.requirement)
            missed += told is None
            shown = " ".join((told or "nothing: it survived").split())[:160].replace("|", " ")
            print(f"| {fault.name} | {fault.requirement} | {shown} |", flush=True)
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct exporter, {len(seeds)} seeds | MUST failed | SHOULD failed |\n| --- | --- | --- |")
    correct: dict[str, Callable[..., Any]] = {
        "reference": adapters.metrics,
        "Hooked": Hooked,
        "a line filter, as Dynamo's": LineFilter,
        "prometheus-client": PrometheusClient,
        "prometheus-client, names with a colon": PrometheusClientWithColons,
    }
    for name, factory in correct.items():
        policy = "policy.yaml" if factory is Hooked else None
        failed = {one for seed in seeds for one in verdicts(factory, Profile("quick", seed), policy_file=policy)}
        must = sorted(one for one in failed if SUITE.requirements[one].level == "MUST")
        missed += len(set(must) - KNOWN.get(name, set()))
        print(f"| {name} | {' '.join(must) or 'none'} | {' '.join(sorted(failed - set(must))) or 'none'} |", flush=True)
    missed += mutation.main()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
