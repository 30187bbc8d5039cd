"""`make faults`: which requirement of the worker-selection suite finds which fault, and what correct ones are told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contracts.suite_runs import verdicts
from contracts.worker_selection import mutation
from contracts.worker_selection.faults import FAULTS
from contracts.worker_selection.hooked import Hooked
from contracts.worker_selection.others import OTHERS, Original
from trueup_contracts.kv_index.selection import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters

SEEDS = range(20)


def main() -> int:
    """Prints the tables; 1 where a fault or an unexplained mutant survived, or a correct selector failed a MUST."""
    sys.setswitchinterval(1e-5)  # threads take turns often, so that a race shows
    seeds = SEEDS if len(sys.argv) < 2 else range(int(sys.argv[1]))
    missed = 0
    print("| fault | named | found |\n| --- | --- | --- |")
    for fault in FAULTS:
        found = verdicts("worker-selection", fault.factory, Profile("quick", 20261124), only=fault.requirement)
        missed += not found
        told = next(iter(found.values()), "nothing: it survived").partition("\n")[0]
        print(f"| {fault.name} | {fault.requirement} | {told[:160].replace('|', ' ')} |", flush=True)
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct selector | MUST failed, {len(seeds)} seeds | SHOULD failed |\n| --- | --- | --- |")
    correct: dict[str, Callable[..., Any]] = {"reference": adapters.worker_selection}
    correct |= {one.__name__: one for one in (Hooked, *OTHERS, Original)}
    for name, factory in correct.items():
        levels = [
            SUITE.requirements[identity].level
            for seed in seeds
            for identity in verdicts("worker-selection", factory, Profile("quick", seed))
        ]
        missed += levels.count("MUST")
        print(f"| {name} | {levels.count('MUST')} | {levels.count('SHOULD')} |", flush=True)
    return 1 if mutation.main() or missed else 0


if __name__ == "__main__":
    sys.exit(main())
