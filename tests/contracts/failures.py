"""What a suite says of each seeded fault, a line each: `python -m contracts.failures router > …/router/failures.txt`.

The file is compared with what is said now, so that a change of a message, or a worse counter-example, is seen.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.suite_runs import verdicts
from trueup_contracts.profile import Profile

PROFILE = Profile("quick", 20261124)
# What differs from run to run or from torch to torch: memory, and threads. Each suite's `test_faults.py` judges these.
UNSTEADY = {"EC-045", "EC-046", "EC-050", "EC-051", "EC-052", "EC-061", "EC-110", "EC-111", "EC-112"}
UNSTEADY |= {"KX-060", "KX-061", "KX-062", "KX-070", "KX-071", "KX-072", "KX-127"}
UNSTEADY |= {"WS-013", "WS-060", "WS-061"}  # one of the faults has no seed
UNSTEADY |= {"LG-041", "LG-042", "LG-043"}


def failures(suite_name: str) -> Iterator[str]:
    """A line for each fault: the requirement that names it, the fault, and the first line of the failure."""
    module = importlib.import_module(f"contracts.{suite_name.replace('-', '_')}.faults")
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns often, so that a race shows
    try:
        for fault in module.FAULTS:
            if is_steady(fault):
                yield failure(suite_name, fault)
    finally:
        sys.setswitchinterval(before)


def is_steady(fault: Any) -> bool:
    """Whether the same is said of it in each run, on each machine."""
    return fault.requirement not in UNSTEADY and not getattr(fault, "needs_cuda", False)


def failure(suite_name: str, fault: Any) -> str:
    """The line of one fault. It has a factory, or asks its suite by itself (`verdicts`)."""
    if hasattr(fault, "verdicts"):
        told = fault.verdicts(PROFILE, fault.requirement)
    else:
        told = verdicts(suite_name, fault.factory, PROFILE, only=fault.requirement)
    message = told.get(fault.requirement, "nothing").partition("\n")[0]
    return f"{fault.requirement} {fault.name}: {message.removeprefix('AssertionError: ')}"


def expected(suite_name: str) -> list[str]:
    """The lines of the file."""
    path = Path(__file__).parent / suite_name.replace("-", "_") / "failures.txt"
    return path.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    print("\n".join(failures(sys.argv[1])))
