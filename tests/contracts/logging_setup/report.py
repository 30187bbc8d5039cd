"""`make faults`: which requirement of the suite logging-setup finds which fault, and what correct packages are told."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from contracts.logging_setup import mutation
from contracts.logging_setup.faults import FAULTS
from contracts.logging_setup.others import OTHERS
from contracts.logging_setup.packages import QUICK
from contracts.suite_runs import verdicts_of
from trueup_contracts.declarations import REFERENCE
from trueup_contracts.logging_setup import SUITE
from trueup_contracts.subject import Settings, load

RUNS = 3  # nothing is drawn by a seed: what differs is what the machine does to processes and threads


def main() -> int:
    """Prints the tables; 1 where a fault survived, or a correct package failed."""
    missed = 0
    print("| fault | named | found |\n| --- | --- | --- |")
    for fault in FAULTS:
        told = fault.verdicts(QUICK, fault.requirement).get(fault.requirement)
        missed += told is None
        shown = " ".join((told or "nothing: it survived").removeprefix("AssertionError: ").split())
        print(f"| {fault.name} | {fault.requirement} | {shown[:160].replace('|', ' ')} |", flush=True)
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct package, {RUNS} runs | failed |\n| --- | --- |")
    for name, package in OTHERS.items():
        failed: set[str] = set()
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory(prefix="trueup-faults-") as folder:
                failed |= package.verdicts(Path(folder)).keys()
        missed += len(failed)
        print(f"| {name} | {' '.join(sorted(failed)) or 'none'} |", flush=True)
    failed = set()
    for _ in range(RUNS):
        failed |= verdicts_of(load(REFERENCE["logging-setup"], SUITE, "ours", Settings(Path.cwd())), QUICK).keys()
    print(f"| the reference | {' '.join(sorted(failed)) or 'none'} |")
    missed += len(failed) + mutation.main()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
