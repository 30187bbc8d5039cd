"""How often a suite fails a correct implementation while the machine is busy: every failure is a false alarm.

python -m contracts.flakes [--runs N] [--only WORD]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from contracts.event_transport import running
from contracts.event_transport.publisher.hooked import Hooked as Publisher
from contracts.event_transport.publisher.others import Plain
from contracts.event_transport.replay.hooked import Hooked as Client
from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.others import connect_asyncio
from contracts.event_transport.subscriber.running import subject_of
from contracts.router_service import running as of_routers
from contracts.suite_runs import verdicts_of
from trueup_contracts.declarations import REFERENCE
from trueup_contracts.event_transport import PUBLISHER, REPLAY
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.profile import Profile
from trueup_contracts.registry import suite
from trueup_contracts.subject import Settings, Subject, load
from trueup_contracts.wire.client import WireSubject
from trueup_reference import adapters

BUSY = 3  # processes for each core
SERVING = [sys.executable, "-m", "trueup_contracts.serving", "trueup_reference.adapters:router"]


@contextlib.contextmanager
def busy() -> Iterator[int]:
    """Processes that compute, `BUSY` for each core; how many."""
    number = BUSY * (os.cpu_count() or 1)
    started = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield number
    finally:
        for process in started:
            process.kill()
            process.wait()


def failed(make: Callable[[], Subject], runs: int) -> list[str]:
    """The failures of `runs` runs, each with a seed of its own."""
    told = []
    for seed in range(runs):
        subject = make()
        found = verdicts_of(subject, Profile("quick", seed))
        subject.end()
        told += [f"seed {seed}: {identity}: {message[:200]}" for identity, message in sorted(found.items())]
    return told


def main() -> int:
    """Prints the rate and every false alarm; how many there were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", default="", help="what has this in its name")
    arguments = parser.parse_args()
    runs = arguments.runs
    subjects: dict[str, Callable[[], Subject]] = {
        "router, in process": lambda: LocalSubject(suite("router"), "reference", "reference:router", adapters.router),
        "router, over the wire": lambda: WireSubject(
            suite("router"), "wire", shlex.join(SERVING), Settings(Path.cwd())
        ),
        "embedding-cache, in process": lambda: LocalSubject(
            suite("embedding-cache"), "reference", "reference:embedding_cache", adapters.embedding_cache
        ),
        "kv-index, in process": lambda: LocalSubject(
            suite("kv-index"), "reference", "reference:kv_index", adapters.kv_index
        ),
        "event-subscriber, pyzmq": lambda: subject_of(Hooked),
        "event-subscriber, pyzmq's asyncio": lambda: subject_of(connect_asyncio),
        "logging-setup, in child interpreters": lambda: load(
            REFERENCE["logging-setup"], suite("logging-setup"), "reference", Settings(Path.cwd())
        ),
        "event-publisher, a thread of its own": lambda: running.subject_of(PUBLISHER, Publisher),
        "event-publisher, the caller's thread": lambda: running.subject_of(PUBLISHER, Plain),
        "event-replay, pyzmq": lambda: running.subject_of(REPLAY, Client),
        "router-service, the reference": lambda: of_routers.subject(of_routers.reference()),
        "router-service, aiohttp": lambda: of_routers.subject(of_routers.command("plain.py")),
        "router-service, three processes": lambda: of_routers.subject(
            of_routers.command("prefork.py"), of_routers.SHARED_NOTHING
        ),
        "worker-selection, in process": lambda: LocalSubject(
            suite("worker-selection"), "reference", "reference:worker_selection", adapters.worker_selection
        ),
    }
    alarms = 0
    with busy() as number:
        for name, make in subjects.items():
            if arguments.only not in name:
                continue
            told = failed(make, runs)
            alarms += len(told)
            print(f"{name}: {len(told)} false alarms in {runs} runs, beside {number} busy processes", flush=True)
            print("".join(f"  {line}\n" for line in told), end="")
    return alarms


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
