"""The suite on one implementation, with the policy of the tests where the requirement needs one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contracts.suite_runs import verdicts_of
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.metrics import SUITE, limits
from trueup_contracts.metrics.adapters import policy
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

FOLDER = Path(__file__).parent
SETTING = "contracts_metrics_policy"


def with_policy(subject: Subject, name: str = "policy.yaml") -> Subject:
    """The same, as if the setting named this policy."""
    subject.options = {SETTING: policy(name, FOLDER)}
    subject.capabilities |= {"policy"}
    return subject


def verdicts(
    factory: Callable[..., Any], profile: Profile, only: str | None = None, policy_file: str | None = "policy.yaml"
) -> dict[str, str]:
    """The failures: requirement to what was said of it."""
    subject: Subject = LocalSubject(SUITE, "test", "tests:factory", factory)
    return verdicts_of(with_policy(subject, policy_file) if policy_file else subject, profile, only)


@contextmanager
def short_limits() -> Iterator[None]:
    """A tenth of the suite's limits of time: what hangs is found soon."""
    before = limits.SCRAPE_TIMEOUT_S, limits.QUICK_S, limits.COUNTED_S
    limits.SCRAPE_TIMEOUT_S, limits.QUICK_S, limits.COUNTED_S = (limit_s / 10 for limit_s in before)
    try:
        yield
    finally:
        limits.SCRAPE_TIMEOUT_S, limits.QUICK_S, limits.COUNTED_S = before
