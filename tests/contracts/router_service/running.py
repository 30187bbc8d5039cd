"""Runs the suite on a router that is a program of these tests, without pytest."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.router_service.seeding import Fault
from contracts.suite_runs import verdicts_of
from fix_repository import PROJECT
from trueup_contracts.declarations import REFERENCE
from trueup_contracts.profile import Profile
from trueup_contracts.router_service import SUITE
from trueup_contracts.services.command import CommandSubject
from trueup_contracts.subject import Settings

OTHERS = Path(__file__).parent / "others"
PLACEHOLDERS = "--config {config} --discovery {discovery} --service {service} --host {host} --port {port}"
ALL = frozenset(SUITE.capabilities)
SHARED_NOTHING = ALL - {"admission", "ejection", "metrics"}  # what processes that share nothing can claim
PROFILE = Profile("quick", 20261126)
# What is said of these depends on which of two things a busy machine does first.
UNSTEADY = frozenset({"RS-092", "RS-094", "RS-124"})


def command(program: str, *words: str) -> str:
    """Of a program in `others/`."""
    return f"{shlex.join([sys.executable, str(OTHERS / program)])} {PLACEHOLDERS} {shlex.join(words)}".strip()


def reference() -> str:
    """Of the reference, over a discovery file."""
    return REFERENCE[SUITE.name].removeprefix("command: ")


def subject(started: str, claims: Collection[str] = ALL, scale: float = 1.0) -> CommandSubject:
    """A service that is started by this command. It is to be ended."""
    # A start has its whole time: on a busy machine a correct router takes as long as a wrong one.
    settings = Settings(PROJECT, max(scale, 1.0), claims={f"{SUITE.name}@x": frozenset(claims)})
    found = CommandSubject(SUITE, "x", started, settings)
    found.scale = scale
    return found


@contextmanager
def subject_of(started: str, claims: Collection[str] = ALL, scale: float = 1.0) -> Iterator[CommandSubject]:
    """The same, ended."""
    found = subject(started, claims, scale)
    try:
        yield found
    finally:
        found.end()


def verdicts(
    started: str,
    only: str | None = None,
    *,
    claims: Collection[str] = ALL,
    scale: float = 1.0,
    profile: Profile = PROFILE,
) -> dict[str, str]:
    """The failures: requirement to what was said of it."""
    with subject_of(started, claims, scale) as subject:
        return verdicts_of(subject, profile, only)


SOON, IN_TIME = 0.3, 1.0  # how far the suite's limits are stretched, at first and where a machine is busy
_IDS = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_FOLDERS = re.compile(r"\S*trueup-contracts-\S*")
_CAME = re.compile("; (?:so far|it got|it wrote|it has written)")  # what else came differs from run to run
_NUMBERS = re.compile(r"\d+(\.\d+)?")
_MOST = 140  # characters


def failure(fault: Fault, scale: float = SOON) -> str:
    """The requirement that names a fault, the fault, and what is said of it: cut short, without numbers."""
    started = command("faulty.py", "--fault", fault.switch)
    told = verdicts(started, fault.requirement, scale=scale).get(fault.requirement, "nothing")
    text = told.removeprefix("AssertionError: ").partition("\nassert ")[0]  # pytest adds its own words behind
    text = _CAME.split(_NUMBERS.sub("N", _IDS.sub("ID", _FOLDERS.sub("FILE", text))))[0]
    if fault.requirement in UNSTEADY and told != "nothing":
        text = "…"
    return f"{fault.requirement} {fault.name}: {' '.join(text.split())[:_MOST]}"
