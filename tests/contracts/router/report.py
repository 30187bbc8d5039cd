"""`make faults`: which requirement of the router suite finds which seeded fault, and what correct routers are told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contracts.router import mutation
from contracts.router.faults import FAULTS
from contracts.router.hooked import Hooked
from contracts.router.others import OTHERS, Original
from contracts.suite_runs import verdicts
from trueup_contracts.profile import Profile
from trueup_contracts.router import SUITE
from trueup_reference.adapters import router as reference

SEEDS = range(20)


def main() -> int:
    """Prints the tables; 1 where a fault or an unexplained mutant survived, or a correct router failed a MUST."""
    sys.setswitchinterval(1e-5)  # threads take turns often, so that a race shows
    missed = 0
    print("| fault | named | found by |\n| --- | --- | --- |")
    for fault in FAULTS:
        found = sorted(verdicts("router", fault.factory, Profile("quick", 20261124)))
        missed += fault.requirement not in found
        print(f"| {fault.name} | {fault.requirement} | {' '.join(found) or 'nothing: it survived'} |")
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct router | MUST failed, {len(SEEDS)} seeds | SHOULD failed |\n| --- | --- | --- |")
    correct: dict[str, Callable[..., Any]] = {"reference": reference}
    correct |= {one.__name__: one for one in (Hooked, *OTHERS, Original)}
    for name, factory in correct.items():
        levels = [
            SUITE.requirements[identity].level
            for seed in SEEDS
            for identity in verdicts("router", factory, Profile("quick", seed))
        ]
        missed += levels.count("MUST")
        print(f"| {name} | {levels.count('MUST')} | {levels.count('SHOULD')} |")
    missed += mutation.main()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
