"""Runs the suite on a subscriber of the tests, under a target that a program of its own can import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from contracts.suite_runs import verdicts_of
from trueup_contracts import budgets
from trueup_contracts.event_transport import SUBSCRIBER
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.profile import Profile

PROFILE = Profile("quick", 20261125)


def subject_of(factory: Callable[..., Any], scale: float = 1.0) -> LocalSubject:
    """The factory, by the name under which it can be imported."""
    name = getattr(factory, "__qualname__", type(factory).__name__)
    subject = LocalSubject(SUBSCRIBER, "test", f"{factory.__module__}:{name}", factory, scale)
    subject.scale = scale
    return subject


def verdicts(
    factory: Callable[..., Any], profile: Profile = PROFILE, only: str | None = None, scale: float = 1.0
) -> dict[str, str]:
    """The failures: requirement to what was said of it. What is not claimed is not asked."""
    subject = subject_of(factory, scale)
    try:
        return verdicts_of(subject, profile, only)
    finally:
        subject.end()


@contextmanager
def limits(signal_s: float, margin_s: float) -> Iterator[None]:
    """Other budgets: what never comes is given up soon."""
    before = budgets.SIGNAL_S, budgets.MARGIN_S
    budgets.SIGNAL_S, budgets.MARGIN_S = signal_s, margin_s
    try:
        yield
    finally:
        budgets.SIGNAL_S, budgets.MARGIN_S = before
