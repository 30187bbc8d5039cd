"""Runs the suites of publishers and of replay clients, under targets that a program of its own can import."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from contracts.event_transport.publisher.seeding import Fault
from contracts.suite_runs import verdicts_of
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
