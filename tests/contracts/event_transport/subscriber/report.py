"""`make faults`: which requirement of the suite finds which fault of a subscriber, and what correct ones are told.

python -m contracts.event_transport.subscriber.report [SEEDS]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from contracts.event_transport.subscriber.failures import failure
from contracts.event_transport.subscriber.faults import FAULTS
from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.others import Pump, connect_asyncio
from contracts.event_transport.subscriber.running import verdicts
from contracts.suite_runs import verdicts_over_the_wire
from trueup_contracts.event_transport import SUBSCRIBER
from trueup_contracts.profile import Profile

SEEDS = 20


def main() -> int:
    """Prints both tables; 1 where a fault survived, or a correct subscriber failed."""
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
    missed = 0
    print("| fault | named | found |\n| --- | --- | --- |")
    for fault in FAULTS:
        told = failure(fault).removeprefix(f"{fault.requirement} {fault.name}: ")
        missed += told == "nothing"
        shown = ("nothing: it survived" if told == "nothing" else told)[:160].replace("|", " ")
        print(f"| {fault.name} | {fault.requirement} | {shown} |", flush=True)
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct subscriber, {len(seeds)} seeds | MUST failed | SHOULD failed |\n| --- | --- | --- |")
    module = "contracts.event_transport.subscriber.over_the_wire"
    with tempfile.TemporaryDirectory() as folder:
        correct: dict[str, Callable[[Profile], dict[str, str]]] = {
            "pyzmq": lambda profile: verdicts(Hooked, profile),
            "pyzmq's asyncio": lambda profile: verdicts(connect_asyncio, profile),
            "a pump thread": lambda profile: verdicts(Pump, profile),
            "a pump thread, over the wire": lambda profile: verdicts_over_the_wire(
                "event-subscriber", module, "Pump", profile, Path(folder)
            ),
        }
        for name, run in correct.items():
            failed = {one for seed in seeds for one in run(Profile("quick", seed))}
            must = sorted(one for one in failed if SUBSCRIBER.requirements[one].level == "MUST")
            missed += len(failed)
            print(
                f"| {name} | {' '.join(must) or 'none'} | {' '.join(sorted(failed - set(must))) or 'none'} |",
                flush=True,
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
