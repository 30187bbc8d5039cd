"""Runs a suite's tests on an implementation without pytest: hundreds of runs in seconds."""

from __future__ import annotations

import importlib
import inspect
import shlex
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from trueup_contracts.errors import AdapterDiedError, AdapterError, Refusal
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.marks import ATTRIBUTE
from trueup_contracts.profile import Profile
from trueup_contracts.registry import SuiteInfo, suite
from trueup_contracts.subject import Settings, Subject
from trueup_contracts.wire.client import WireSubject


def each_test(info: SuiteInfo) -> Iterator[tuple[str, Callable[..., None]]]:
    """Each test of a suite with the requirement that it names, in pytest's order: some share what is in a row."""
    for name, test in vars(importlib.import_module(info.module)).items():
        if name.startswith("test_") and inspect.isfunction(test):
            yield getattr(test, ATTRIBUTE), test


def verdicts(suite_name: str, factory: Callable[..., Any], profile: Profile, only: str | None = None) -> dict[str, str]:
    """The failures: requirement to what was said of it. What is not claimed is not asked."""
    return verdicts_of(LocalSubject(suite(suite_name), "test", "tests:factory", factory), profile, only)


def verdicts_over_the_wire(
    suite_name: str, module: str, name: str, profile: Profile, root: Path, only: str | None = None
) -> dict[str, str]:
    """The same of what `python -m MODULE NAME` serves, with `tests` on its path."""
    code = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), None, '__main__')"
    argv = [sys.executable, "-c", code, str(Path(__file__).parents[1]), module, name]
    subject = WireSubject(suite(suite_name), "wire", shlex.join(argv), Settings(root))
    try:
        return verdicts_of(subject, profile, only)
    finally:
        subject.end()


def verdicts_of(
    subject: Subject, profile: Profile, only: str | None = None, *, but: Collection[str] = (), stop: bool = False
) -> dict[str, str]:
    """The same of a subject, in this process or over the wire. What this machine cannot show is not asked.

    `but`: requirements that are not asked either; `stop`: at the first failure.
    """
    info = subject.suite
    missing = {name for name, look in info.hardware.items() if look() is not None}
    failed: dict[str, str] = {}
    for identity, test in each_test(info):
        needs = info.requirements[identity].needs
        if not needs <= subject.capabilities or (only is not None and identity != only) or needs & missing:
            continue
        if identity in but or (stop and failed):
            continue
        subject.begin(test.__name__)
        arguments = {"trueup_subject": subject, "trueup_profile": profile}
        try:
            test(**{name: value for name, value in arguments.items() if name in inspect.signature(test).parameters})
        except (AssertionError, Refusal, AdapterError, AdapterDiedError) as error:
            failed[identity] = f"{type(error).__name__}: {error}"
    return failed
