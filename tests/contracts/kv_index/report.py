"""`make faults`: which requirement of the kv-index suite finds which fault, and what correct indexes are told."""

from __future__ import annotations

import sys

from contracts.kv_index import mutation
from contracts.kv_index.faults import FAULTS
from contracts.kv_index.test_faults import CORRECT
from contracts.suite_runs import verdicts
from trueup_contracts.kv_index import SUITE
from trueup_contracts.profile import Profile

SEEDS = range(20)


def main() -> int:
    """Prints the tables; 1 where a fault survived or a correct index failed a requirement."""
    seeds = SEEDS if len(sys.argv) < 2 else range(int(sys.argv[1]))
    missed = 0
    print("| fault | named | found |\n| --- | --- | --- |")
    for fault in FAULTS:
        found = verdicts("kv-index", fault.factory, Profile("quick", 20261124), only=fault.requirement)
        missed += not found
        told = next(iter(found.values()), "nothing: it survived").partition("\n")[0]
        print(f"| {fault.name} | {fault.requirement} | {told[:160].replace('|', ' ')} |", flush=True)
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct index | MUST failed, {len(seeds)} seeds | SHOULD failed |\n| --- | --- | --- |")
    for name, factory in CORRECT.items():
        failed = [one for seed in seeds for one in verdicts("kv-index", factory, Profile("quick", seed)).items()]
        levels = [SUITE.requirements[identity].level for identity, _ in failed]
        missed += levels.count("MUST")
        print(f"| {name} | {levels.count('MUST')} | {levels.count('SHOULD')} |", flush=True)
        for identity in sorted({identity for identity, _ in failed}):
            print(f"  {identity}: {dict(failed)[identity].partition(chr(10))[0]}")
    return 1 if mutation.main() or missed else 0


if __name__ == "__main__":
    sys.exit(main())
