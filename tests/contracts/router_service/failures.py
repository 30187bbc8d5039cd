"""What the suite says of each seeded fault: `python -m contracts.router_service.failures > …/failures.txt`.

The file is compared with what is said now, so that a change of a message, or a worse counter-example, is seen.
"""

from __future__ import annotations

import sys
from pathlib import Path

from contracts.router_service.faults import FAULTS, Fault
from contracts.router_service.running import IN_TIME, SOON, failure

FILE = Path(__file__).with_name("failures.txt")


def judged(fault: Fault) -> str:
    """What is said of a fault: with short limits, and with longer ones where the machine may have been too busy."""
    told = failure(fault, SOON)
    return told if told in expected() else failure(fault, IN_TIME)


def expected() -> list[str]:
    """The lines of the file."""
    return FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []


if __name__ == "__main__":
    for one in FAULTS:
        if len(sys.argv) < 2 or one.switch in sys.argv[1:]:
            said = failure(one, SOON)
            print(failure(one, IN_TIME) if said.endswith(": nothing") else said, flush=True)
