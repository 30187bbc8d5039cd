"""Runs a suite's tests on an implementation without pytest: hundreds of runs in seconds."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from trueup_contracts.errors import AdapterDiedError, AdapterError, Refusal
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.marks import ATTRIBUTE
from trueup_contracts.profile import Profile
from trueup_contracts.registry import SuiteInfo, suite
from trueup_contracts.subject import Subject


def each_test(info: SuiteInfo) -> Iterator[tuple[str, Callable[..., None]]]:
    """Each test of a suite with the requirement that it names."""
    for name, test in inspect.getmembers(importlib.import_module(info.module), inspect.isfunction):
        if name.startswith("test_"):
            yield getattr(test, ATTRIBUTE), test


def verdicts(suite_name: str, factory: Callable[..., Any], profile: Profile, only: str | None = None) -> dict[str, str]:
    """The failures: requirement to what was said of it. What is not claimed is not asked."""
    return verdicts_of(LocalSubject(suite(suite_name), "test", "tests:factory", factory), profile, only)


def verdicts_of(subject: Subject, profile: Profile, only: str | None = None) -> dict[str, str]:
    """The same of a subject, in this process or over the wire. What this machine cannot show is not asked."""
    info = subject.suite
    missing = {name for name, look in info.hardware.items() if look() is not None}
    failed: dict[str, str] = {}
    for identity, test in each_test(info):
        needs = info.requirements[identity].needs
        if not needs <= subject.capabilities or (only is not None and identity != only) or needs & missing:
            continue
        subject.begin(test.__name__)
        arguments = {"trueup_subject": subject, "trueup_profile": profile}
        try:
            test(**{name: value for name, value in arguments.items() if name in inspect.signature(test).parameters})
        except (AssertionError, Refusal, AdapterError, AdapterDiedError) as error:
            failed[identity] = f"{type(error).__name__}: {error}"
    return failed
