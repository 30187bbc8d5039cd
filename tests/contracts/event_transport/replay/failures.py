"""What the suite says of each seeded fault: `python -m contracts.event_transport.replay.failures > …/failures.txt`."""

from __future__ import annotations

from pathlib import Path

from contracts.event_transport.replay.faults import FAULTS
from contracts.event_transport.running import print_failures
from trueup_contracts.event_transport import REPLAY

FILE = Path(__file__).with_name("failures.txt")

if __name__ == "__main__":
    print_failures(REPLAY, FAULTS)
