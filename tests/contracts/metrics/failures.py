"""What the suite says of each seeded fault: `python -m contracts.metrics.failures > …/failures.txt` writes it anew.

The file is compared with what is said now, so that a change of a message, or a worse counter-example, is seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from contracts.metrics.faults import FAULTS, Fault
from contracts.metrics.running import short_limits, verdicts
from trueup_contracts.profile import Profile

PROFILE = Profile("quick", 20261125)
FILE = Path(__file__).with_name("failures.txt")
# What threads or a clock decide is told in other words each time.
UNSTEADY = {"MX-031", "MX-034", "MX-042"}
_MOST = 240  # characters


def failure(fault: Fault) -> str:
    """The requirement that names a fault, the fault, and what is said of it, cut short."""
    with short_limits():
        told = verdicts(fault.factory, PROFILE, only=fault.requirement).get(fault.requirement, "nothing")
    text = told.removeprefix("AssertionError: ").partition("\nassert ")[0]  # pytest adds its own words behind
    if fault.requirement in UNSTEADY and told != "nothing":
        text = "…"
    return f"{fault.requirement} {fault.name}: {' '.join(text.split())[:_MOST]}"


def failures() -> Iterator[str]:
    """A line for each fault."""
    yield from map(failure, FAULTS)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print("\n".join(failures()))
