"""What the suite says of each seeded fault.

`python -m contracts.event_transport.subscriber.failures > …/failures.txt` writes the file anew. It is compared with
what is said now, so that a change of a message, or a worse counter-example, is seen.
"""

from __future__ import annotations

import argparse
import re
import warnings
from pathlib import Path

from contracts.event_transport.subscriber.faults import FAULTS, Fault
from contracts.event_transport.subscriber.running import limits, verdicts

FILE = Path(__file__).with_name("failures.txt")
# What a process or a clock decides is told in other words each time.
UNSTEADY = {"ES-002", "ES-005", "ES-020", "ES-021", "ES-027", "ES-063", "ES-090", "ES-091"}
SOON = (0.5, 0.5)  # signal and margin, in seconds
_TAKES_LONGER = {"ES-007", "ES-008", "ES-028", "ES-029", "ES-072", "ES-074"}  # correct subscribers, too
_TIMES = re.compile(r"\d+(\.\d+)? (ms|s)\b")
_ENDPOINT = re.compile(r"127\.0\.0\.1:\d+")
_MOST = 240  # characters


def failure(fault: Fault, signal_s: float | None = None) -> str:
    """The requirement that names a fault, the fault, and what is said of it, cut short, without times and ports."""
    soon_s, margin_s = SOON if signal_s is None else (signal_s, signal_s)
    with limits(max(soon_s, 4.0) if fault.requirement in _TAKES_LONGER else soon_s, margin_s):
        told = verdicts(fault.factory, only=fault.requirement).get(fault.requirement, "nothing")
    text = told.removeprefix("AssertionError: ").partition("\nassert ")[0]  # pytest adds its own words behind
    text = _ENDPOINT.sub("127.0.0.1:…", _TIMES.sub(r"… \2", text))
    if fault.requirement in UNSTEADY and told != "nothing":
        text = "…"
    return f"{fault.requirement} {fault.name}: {' '.join(text.split())[:_MOST]}"


def main() -> None:
    """Prints a line for each fault, or for those of some modules, or of some names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", help="the faults of this one, such as living")
    parser.add_argument("--name", action="append", help="the fault of this name")
    parser.add_argument("--signal-s", type=float, help="wait so long for what never comes")
    asked = parser.parse_args()
    for fault in FAULTS:
        is_there = asked.module in (None, fault.factory.__module__.rpartition(".")[2])
        if is_there and (asked.name is None or fault.name in asked.name):
            print(failure(fault, asked.signal_s), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    main()
