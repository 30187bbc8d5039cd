"""Runs the suites of publishers and of replay clients, under targets that a program of its own can import."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from contracts.event_transport.publisher.seeding import Fault
from contracts.suite_runs import verdicts_of
from fix_repository import PROJECT
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.profile import Profile
from trueup_contracts.registry import SuiteInfo

PROFILE = Profile("quick", 20261125)
SOON, IN_TIME = 0.1, 1.0  # how far the suites' limits are stretched, at first and where a machine is busy
_TIMES = re.compile(r"\d+(\.\d+)? s\b")
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+(\.\d+)?")
_HEX = re.compile(r"\b[0-9a-f]{6,}…?")
_MOST = 200  # characters


def subject_of(
    suite: SuiteInfo, factory: Callable[..., Any], scale: float = 1.0, target: str | None = None
) -> LocalSubject:
    """The factory, by the name under which it can be imported: its own, or `target`."""
    name = target or f"{factory.__module__}:{factory.__qualname__}"
    # A call in this process has 30 s, which is no limit of the suite's: it is not shortened as far.
    subject = LocalSubject(suite, "test", name, factory, max(scale, 0.5))
    subject.scale = scale
    return subject


def verdicts(
    suite: SuiteInfo,
    factory: Callable[..., Any],
    profile: Profile = PROFILE,
    only: str | None = None,
    *,
    scale: float = 1.0,
    but: Collection[str] = (),
    target: str | None = None,
) -> dict[str, str]:
    """The failures: requirement to what was said of it. What is not claimed is not asked."""
    subject = subject_of(suite, factory, scale, target)
    try:
        return verdicts_of(subject, profile, only, but=but)
    finally:
        subject.end()


def failure(suite: SuiteInfo, fault: Fault, scale: float = SOON, *, unsteady: Collection[str] = ()) -> str:
    """The requirement that names a fault, the fault, and what is said of it, cut short, without numbers."""
    told = verdicts(suite, fault.factory, only=fault.requirement, scale=scale).get(fault.requirement, "nothing")
    text = told.removeprefix("AssertionError: ").partition("\nassert ")[0]  # pytest adds its own words behind
    text = _NUMBERS.sub("N", _HEX.sub("H", _TIMES.sub("N s", text)))
    text = re.sub(r"N( to N)?(, (N( to N)?|…))*", "N", text)  # how many there are differs from run to run
    if fault.requirement in unsteady and told != "nothing":
        text = "…"
    return f"{fault.requirement} {fault.name}: {' '.join(text.split())[:_MOST]}"


def print_failures(suite: SuiteInfo, faults: Iterable[Fault], *, unsteady: Collection[str] = ()) -> None:
    """The program of a `failures.py`: a line for each fault, or for those of a module, or of some names."""
    warnings.simplefilter("ignore", ResourceWarning)  # what they leave behind is part of the fault
    parser = argparse.ArgumentParser()
    parser.add_argument("--module", help="the faults of this one, such as faults_of_delivery")
    parser.add_argument("--name", action="append", help="the fault of this name")
    parser.add_argument("--but", action="append", default=[], help="not those of this requirement")
    parser.add_argument("--scale", type=float, default=SOON, help="of the suite's limits")
    asked = parser.parse_args()
    for fault in faults:
        is_there = asked.module in (None, module_of(fault)) and fault.requirement not in asked.but
        if is_there and (asked.name is None or fault.name in asked.name):
            print(failure(suite, fault, asked.scale, unsteady=unsteady), flush=True)


def module_of(fault: Fault) -> str:
    """Where it stands."""
    return fault.factory.__module__.rpartition(".")[2]


def judged(program: str, file: Path, *words: str) -> tuple[list[str], list[str]]:
    """Of the faults that `words` choose, those that survived, and what is said otherwise than in the file."""
    expected = file.read_text(encoding="utf-8").splitlines()
    told = _told(program, *words)
    assert told, words
    # A machine that is busy may have taken longer than these short limits: once more, with longer ones.
    others = [line.partition(" ")[2].partition(": ")[0] for line in told if line not in expected]
    names = [word for name in others for word in ("--name", name)]
    again = _told(program, "--scale", str(IN_TIME), *names) if others else []
    survived = [line for line in again if line.endswith(": nothing")]
    return survived, [line for line in again if line not in expected and line not in survived]


def judged_at_once(program: str, file: Path, choices: Iterable[Sequence[str]]) -> tuple[list[str], list[str]]:
    """The same of several choices, together: each spends its time waiting."""
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda words: judged(program, file, *words), choices))
    return [line for survived, _ in found for line in survived], [line for _, changed in found for line in changed]


def _told(program: str, *words: str) -> list[str]:
    """In a process of its own: threads and sockets that faults leave behind would be there in every later test."""
    argv = [sys.executable, "-W", "ignore", "-m", program, *words]
    done = subprocess.run(argv, cwd=PROJECT / "tests", capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
