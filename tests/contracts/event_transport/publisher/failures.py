"""What the suite says of each seeded fault.

`python -m contracts.event_transport.publisher.failures > …/failures.txt` writes the file anew. It is compared with what
is said now, so that a change of a message, or a worse counter-example, is seen.
"""

from __future__ import annotations

from pathlib import Path

from contracts.event_transport.publisher.faults import FAULTS
from contracts.event_transport.running import print_failures
from trueup_contracts.event_transport import PUBLISHER

FILE = Path(__file__).with_name("failures.txt")
# What threads or a clock decide is told in other words each time.
UNSTEADY = {"EP-042", "EP-043", "EP-064", "EP-085", "EP-092"}

if __name__ == "__main__":
    print_failures(PUBLISHER, FAULTS, unsteady=UNSTEADY)
