"""`make faults`: which requirement finds which seeded fault of a codec, and what correct codecs and originals are told.

`--texts` prints instead what is said of each fault, a line each: the content of failures.txt.
"""

from __future__ import annotations

import sys
from pathlib import Path

from contracts.event_transport.codec.faults import FAULTS, Fault
from contracts.event_transport.codec.hooked import Codec
from contracts.event_transport.codec.originals import ORIGINALS
from contracts.event_transport.codec.running import SUITES, verdicts
from trueup_contracts.profile import Profile

FILE = Path(__file__).with_name("failures.txt")
PROFILE = Profile("quick", 20261124)
SEEDS = range(20)
# Which counter-example is drawn depends on the version of hypothesis, and on what else has been imported.
DRAWN = {"ES-120", "ES-121", "EP-110", "EP-112"}


def text(fault: Fault) -> str:
    """A line: the requirement that names a fault, the fault, and the first line of the failure."""
    told = verdicts(fault.suite, fault.factory, PROFILE, fault.requirement)
    message = told.get(fault.requirement, "nothing").splitlines()[0]
    if fault.requirement in DRAWN and message != "nothing":
        message = "a counter-example was drawn"
    return f"{fault.requirement} {fault.name}: {message.removeprefix('AssertionError: ')}"


def main(words: list[str]) -> int:
    """Prints the tables; 1 where a fault survived or a correct codec failed."""
    if words == ["--texts"]:
        print("\n".join(map(text, FAULTS)))
        return 0
    missed = 0
    print("| fault of a codec | named | found by |\n| --- | --- | --- |")
    for fault in FAULTS:
        found = sorted(verdicts(fault.suite, fault.factory, PROFILE))
        missed += fault.requirement not in found
        print(f"| {fault.name} | {fault.requirement} | {' '.join(found) or 'nothing: it survived'} |")
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    failed = [one for seed in SEEDS for name in SUITES for one in verdicts(name, Codec(), Profile("quick", seed))]
    print(f"a correct codec, {len(SEEDS)} seeds: {len(failed)} failures\n")
    print("| an engine's own consumer | MUST failed | SHOULD failed |\n| --- | --- | --- |")
    for original in ORIGINALS:
        told = verdicts("event-subscriber", original, PROFILE)
        levels = {level: [one for one in told if _level(one) == level] for level in ("MUST", "SHOULD")}
        print(f"| {original.name} | {' '.join(levels['MUST']) or '-'} | {' '.join(levels['SHOULD']) or '-'} |")
    return 1 if missed or failed else 0


def _level(identity: str) -> str:
    return SUITES["event-subscriber"].requirements[identity].level


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
