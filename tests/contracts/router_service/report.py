"""`make faults`: which requirement of the suite router-service finds which fault, and what correct routers are told."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import fix_etcd
from contracts.router_service.faults import FAULTS, Fault
from contracts.router_service.running import ALL, IN_TIME, SHARED_NOTHING, SOON, command, reference, verdicts
from trueup_contracts.profile import Profile
from trueup_contracts.router_service import SUITE

RUNS = 3  # seeds draw some of the requests; most of what differs is what the machine does to processes


def main() -> int:
    """Prints the tables; 1 where a fault survived, or a correct router failed. An argument: so many runs of each."""
    runs = RUNS if len(sys.argv) < 2 else int(sys.argv[1])
    missed = 0
    print("| fault | named | found |\n| --- | --- | --- |")
    for fault in FAULTS:
        told = found(fault)
        missed += told is None
        shown = " ".join((told or "nothing: it survived").removeprefix("AssertionError: ").split())
        print(f"| {fault.name} | {fault.requirement} | {shown[:160].replace('|', ' ')} |", flush=True)
    print(f"\n{len(FAULTS)} faults, {missed} not found by the requirement that names them\n")
    print(f"| correct router, {runs} runs | MUST failed | SHOULD failed |\n| --- | --- | --- |")
    with routers() as correct:
        for name, (started, claims) in correct.items():
            profiles = [Profile("quick", seed) for seed in range(runs)]
            failed = {one for profile in profiles for one in verdicts(started, claims=claims, profile=profile)}
            must = sorted(one for one in failed if SUITE.requirements[one].level == "MUST")
            missed += len(failed)
            shown = " ".join(sorted(failed - set(must))) or "none"
            print(f"| {name} | {' '.join(must) or 'none'} | {shown} |", flush=True)
    return 1 if missed else 0


def found(fault: Fault) -> str | None:
    """What is said of a fault; with longer limits where a busy machine has hidden it from short ones."""
    started = command("faulty.py", "--fault", fault.switch)
    for scale in (SOON, IN_TIME):
        told = verdicts(started, fault.requirement, scale=scale).get(fault.requirement)
        if told is not None:
            return told
    return None


@contextmanager
def routers() -> Iterator[Mapping[str, tuple[str, frozenset[str]]]]:
    """The start commands of what is correct, and the claims; the reference with etcd where that is installed."""
    correct = {
        "reference": (reference(), ALL),
        "aiohttp": (command("plain.py"), ALL),
        "aiohttp, three processes": (command("prefork.py"), SHARED_NOTHING),
    }
    if fix_etcd.BINARY is None:
        yield correct
        return
    for server in fix_etcd.served():
        yield {**correct, "reference, with etcd": (command("over_etcd.py", "--etcd", server.address), ALL)}


if __name__ == "__main__":
    sys.exit(main())
