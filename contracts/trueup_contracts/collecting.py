"""What pytest collects with `--contracts`: one module of tests per implementation, and nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trueup_contracts.declarations import Declaration
from trueup_contracts.errors import TargetError
from trueup_contracts.marks import ATTRIBUTE
from trueup_contracts.registry import Requirement, SuiteInfo, suite
from trueup_contracts.states import Ledger, State
from trueup_contracts.subject import Settings, Subject, load

ROOT = "contracts"


@dataclass
class Plan:
    """What a run is about, and what becomes of it: `ledgers` by name, and the subjects that were started."""

    declarations: list[Declaration]
    settings: Settings
    edition: tuple[int, ...] | None
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    subjects: list[Subject] = field(default_factory=list)


class Contracts(pytest.Collector):
    """The one collector under the session."""

    plan: Plan

    @classmethod
    def make(cls, session: pytest.Session, plan: Plan) -> Contracts:
        """The collector of a plan."""
        made: Contracts = cls.from_parent(session, name=ROOT, nodeid=ROOT)
        made.plan = plan
        return made

    def collect(self) -> Iterable[pytest.Collector]:
        """A module for each implementation."""
        for declaration in self.plan.declarations:
            yield SuiteModule.make(self, declaration, self.plan)


class SuiteModule(pytest.Module):
    """A suite's tests, for one implementation."""

    subject: Subject
    suite: SuiteInfo
    ledger: Ledger
    _declaration: Declaration
    _plan: Plan

    @classmethod
    def make(cls, parent: Contracts, declaration: Declaration, plan: Plan) -> SuiteModule:
        """The module; nothing of the implementation is imported yet."""
        info = suite(declaration.suite)
        pytest.register_assert_rewrite(info.module.rpartition(".")[0])
        path = Path(str(importlib.import_module(info.module).__file__))
        name = f"{declaration.suite}@{declaration.label}"
        made: SuiteModule = cls.from_parent(parent, path=path, name=name, nodeid=f"{ROOT}::{name}")
        made.suite = info
        made._declaration = declaration
        made._plan = plan
        return made

    def _getobj(self) -> ModuleType:
        return importlib.import_module(self.suite.module)

    def istestfunction(self, obj: object, name: str) -> bool:
        """Suites' tests are functions named `test_…`, whatever the user's own are called."""
        return name.startswith("test_") and hasattr(obj, ATTRIBUTE)

    def istestclass(self, obj: object, name: str) -> bool:
        """Suites have no classes."""
        return False

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The tests of the requirements whose capabilities are claimed."""
        declared = self._declaration
        try:
            self.subject = load(declared.target, self.suite, declared.label, self._plan.settings)
        except TargetError as error:
            raise self.CollectError(str(error)) from error
        self._plan.subjects.append(self.subject)
        claimed = self.subject.capabilities
        about = self.subject.about._asdict()
        self.ledger = Ledger(declared.suite, declared.label, declared.target, sorted(claimed), about=about)
        self._plan.ledgers[self.ledger.name] = self.ledger
        module = self.suite.missing_module(in_process=self.subject.in_process)
        if module is not None:
            self.ledger.not_run_because = module
            return
        missing = {name: why for name, look in self.suite.hardware.items() if name in claimed and (why := look())}
        for item in super().collect():
            requirement = requirement_of(item)
            if requirement is not None and requirement.needs <= claimed and self._is_asked(requirement, missing):
                self.ledger.collected.append(requirement.id)
                # For JUnit reports, and whoever else reads them.
                assert isinstance(item, pytest.Item)
                item.user_properties += [("requirement", requirement.id), ("implementation", self.ledger.name)]
                yield item

    def _is_asked(self, requirement: Requirement, missing: Mapping[str, str]) -> bool:
        """Whether this run asks it; where not, the ledger says why."""
        if self._plan.edition is not None and _numbers(requirement.since) > self._plan.edition:
            self.ledger.add(requirement.id, State.DESELECTED)
            return False
        absent = sorted(requirement.needs & missing.keys())
        if absent:
            self.ledger.add(requirement.id, State.NOT_RUN, f"{absent[0]}: {missing[absent[0]]}")
        return not absent


def edition_of(text: str | None) -> tuple[int, ...] | None:
    """An edition as numbers; a `TargetError` for what is none."""
    if text is None:
        return None
    if not all(part.isascii() and part.isdigit() for part in text.split(".")):
        raise TargetError(f"--contracts-edition {text!r} is no edition", "write numbers with a point, such as 1.0")
    return _numbers(text)


def _numbers(edition: str) -> tuple[int, ...]:
    return tuple(int(part) for part in edition.split("."))


def requirement_of(item: Any) -> Requirement | None:
    """The requirement that a test of a suite proves."""
    module = item.getparent(SuiteModule) if isinstance(item, pytest.Item) else None
    if module is None:
        return None
    identity = getattr(item.obj, ATTRIBUTE)
    requirement: Requirement = module.suite.requirements[identity]
    return requirement
