"""What the suite says of each seeded fault: `python -m contracts.router.failures > …/failures.txt` writes it anew.

The file is compared with what is said now, so that a change of a message, or a worse counter-example, is seen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from contracts.router.faults import FAULTS
from contracts.suite_runs import verdicts
from trueup_contracts.profile import Profile

PROFILE = Profile("quick", 20261124)


def failures() -> Iterator[str]:
    """A line for each fault: the requirement that names it, the fault, and the first line of the failure."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns often, so that a race shows
    try:
        for fault in FAULTS:
            told = verdicts("router", fault.factory, PROFILE, only=fault.requirement)
            message = told.get(fault.requirement, "nothing").partition("\n")[0]
            yield f"{fault.requirement} {fault.name}: {message.removeprefix('AssertionError: ')}"
    finally:
        sys.setswitchinterval(before)


if __name__ == "__main__":
    print("\n".join(failures()))
