"""`make faults`: which requirement of the embedding-cache suite finds which fault, and what correct caches are told.

On a machine with a GPU the faults of CUDA are among them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from contracts.embedding_cache import mutation
from contracts.embedding_cache.faults import FAULTS
from contracts.embedding_cache.hooked import Hooked, OnCuda
from contracts.embedding_cache.others import OnCachetools, Sharded
from contracts.suite_runs import verdicts
from trueup_contracts.embedding_cache import SUITE
from trueup_contracts.embedding_cache.hardware import cuda_missing
from trueup_contracts.profile import Profile
from trueup_reference import adapters

SEEDS = range(20)


def main() -> int:
    """Prints the tables; 1 where a fault survived or a correct cache failed a requirement."""
    missing = cuda_missing()
    seeds = SEEDS if len(sys.argv) < 2 else range(int(sys.argv[1]))
    missed = 0
    print("| fault | named | found |\n| --- | --- | --- |")
    for fault in FAULTS:
        if fault.needs_cuda and missing:
            print(f"| {fault.name} | {fault.requirement} | not asked: {missing} |")
            continue
        found = verdicts("embedding-cache", fault.factory, Profile("quick", 20261124), only=fault.requirement)
        missed += not found
        told = next(iter(found.values()), "nothing: it survived").partition("\n")[0]
        print(f"| {fault.name} | {fault.requirement} | {told[:160].replace('|', ' ')} |", flush=True)
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct cache | MUST failed, {len(seeds)} seeds | SHOULD failed |\n| --- | --- | --- |")
    correct: dict[str, Callable[..., Any]] = {
        "reference, copying": adapters.embedding_cache,
        "reference, sharing": adapters.embedding_cache_sharing,
        "Hooked" if missing else "OnCuda": Hooked if missing else OnCuda,
        "over cachetools 8": OnCachetools,
        "linked list, sharded locks": Sharded,
    }
    for name, factory in correct.items():
        failed = [one for seed in seeds for one in verdicts("embedding-cache", factory, Profile("quick", seed)).items()]
        levels = [SUITE.requirements[identity].level for identity, _ in failed]
        missed += levels.count("MUST")
        print(f"| {name} | {levels.count('MUST')} | {levels.count('SHOULD')} |", flush=True)
        for identity, told in failed:
            print(f"  {identity}: {told}")
    return 1 if mutation.main() or missed else 0


if __name__ == "__main__":
    sys.exit(main())
