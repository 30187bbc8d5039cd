"""`make faults`: what finds which fault of publishers and replay clients, and what correct ones are told."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from contracts.event_transport.publisher import faults as of_publishers
from contracts.event_transport.publisher.hooked import Hooked as Publisher
from contracts.event_transport.publisher.others import Plain
from contracts.event_transport.publisher.others import in_loop as publisher_in_loop
from contracts.event_transport.replay import faults as of_clients
from contracts.event_transport.replay.hooked import Hooked as Client
from contracts.event_transport.replay.others import in_loop as client_in_loop
from contracts.event_transport.running import PROFILE, verdicts
from trueup_contracts.event_transport import PUBLISHER, REPLAY
from trueup_contracts.profile import Profile
from trueup_contracts.registry import SuiteInfo, imported

SEEDS = range(20)
SCALE = 0.3  # of the suites' limits, for what is wrong
_REFERENCE = "trueup_reference.adapters:"
FAULTS = {PUBLISHER.name: of_publishers.FAULTS, REPLAY.name: of_clients.FAULTS}
CORRECT: Mapping[str, Mapping[str, str | Callable[..., Any]]] = {
    PUBLISHER.name: {
        "reference": f"{_REFERENCE}event_publisher",
        "reference, in an event loop": f"{_REFERENCE}event_publisher_asyncio",
        "pyzmq, a thread of its own": Publisher,
        "pyzmq, the caller's thread": Plain,
        "zmq.asyncio": publisher_in_loop,
    },
    REPLAY.name: {
        "reference": f"{_REFERENCE}event_replay",
        "reference, in an event loop": f"{_REFERENCE}event_replay_asyncio",
        "pyzmq": Client,
        "zmq.asyncio": client_in_loop,
    },
}


def main() -> int:
    """Prints the tables; 1 where a fault survived, or a correct one failed a MUST."""
    logging.disable(logging.CRITICAL)
    seeds = SEEDS if len(sys.argv) < 2 else range(int(sys.argv[1]))
    return 1 if sum(_faults(suite) + _correct(suite, seeds) for suite in (PUBLISHER, REPLAY)) else 0


def _faults(suite: SuiteInfo) -> int:
    missed = 0
    print(f"| fault of {suite.name} | named | found |\n| --- | --- | --- |")
    for fault in FAULTS[suite.name]:
        told = verdicts(suite, fault.factory, PROFILE, fault.requirement, scale=SCALE).get(fault.requirement)
        missed += told is None
        shown = " ".join((told or "nothing: it survived").split())[:160].replace("|", " ")
        print(f"| {fault.name} | {fault.requirement} | {shown} |", flush=True)
    print(f"\n{len(FAULTS[suite.name])} faults, {missed} not found by the requirement that names them\n")
    return missed


def _correct(suite: SuiteInfo, seeds: range) -> int:
    missed = 0
    print(f"| correct {suite.name}, {len(seeds)} seeds | MUST failed | SHOULD failed |\n| --- | --- | --- |")
    for name, given in CORRECT[suite.name].items():
        target = given if isinstance(given, str) else None
        factory = imported(given) if isinstance(given, str) else given
        failed = {one for seed in seeds for one in verdicts(suite, factory, Profile("quick", seed), target=target)}
        must = sorted(one for one in failed if suite.requirements[one].level == "MUST")
        missed += len(must)
        print(f"| {name} | {' '.join(must) or 'none'} | {' '.join(sorted(failed - set(must))) or 'none'} |", flush=True)
    print()
    return missed


if __name__ == "__main__":
    sys.exit(main())
