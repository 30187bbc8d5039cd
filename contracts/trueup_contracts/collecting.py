"""What pytest collects with `--contracts`: one module of tests per implementation, and nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from trueup_contracts.declarations import Declaration
from trueup_contracts.errors import TargetError
from trueup_contracts.marks import ATTRIBUTE
from trueup_contracts.registry import Requirement, SuiteInfo, suite
from trueup_contracts.states import Ledger
from trueup_contracts.subject import Subject, load

ROOT = "contracts"


class Contracts(pytest.Collector):
    """The one collector under the session."""

    declarations: list[Declaration]
    ledgers: dict[str, Ledger]

    @classmethod
    def make(cls, session: pytest.Session, declarations: list[Declaration], ledgers: dict[str, Ledger]) -> Contracts:
        """The collector for these implementations; what becomes of them is written into `ledgers`."""
        made: Contracts = cls.from_parent(session, name=ROOT, nodeid=ROOT)
        made.declarations = declarations
        made.ledgers = ledgers
        return made

    def collect(self) -> Iterable[pytest.Collector]:
        """A module for each implementation."""
        for declaration in self.declarations:
            yield SuiteModule.make(self, declaration, self.ledgers)


class SuiteModule(pytest.Module):
    """A suite's tests, for one implementation."""

    subject: Subject
    suite: SuiteInfo
    ledger: Ledger
    _declaration: Declaration
    _ledgers: dict[str, Ledger]

    @classmethod
    def make(cls, parent: Contracts, declaration: Declaration, ledgers: dict[str, Ledger]) -> SuiteModule:
        """The module; nothing of the implementation is imported yet."""
        info = suite(declaration.suite)
        pytest.register_assert_rewrite(info.module.rpartition(".")[0])
        path = Path(str(importlib.import_module(info.module).__file__))
        name = f"{declaration.suite}@{declaration.label}"
        made: SuiteModule = cls.from_parent(parent, path=path, name=name, nodeid=f"{ROOT}::{name}")
        made.suite = info
        made._declaration = declaration
        made._ledgers = ledgers
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
            self.subject = load(declared.target, self.suite, declared.label, self.config.rootpath)
        except TargetError as error:
            raise self.CollectError(str(error)) from error
        claimed = self.subject.capabilities
        self.ledger = Ledger(declared.suite, declared.label, declared.target, sorted(claimed))
        self._ledgers[self.ledger.name] = self.ledger
        for item in super().collect():
            requirement = requirement_of(item)
            if requirement is not None and requirement.needs <= claimed:
                self.ledger.collected.append(requirement.id)
                # For JUnit reports, and whoever else reads them.
                assert isinstance(item, pytest.Item)
                item.user_properties += [("requirement", requirement.id), ("implementation", self.ledger.name)]
                yield item


def requirement_of(item: Any) -> Requirement | None:
    """The requirement that a test of a suite proves."""
    module = item.getparent(SuiteModule) if isinstance(item, pytest.Item) else None
    if module is None:
        return None
    identity = getattr(item.obj, ATTRIBUTE)
    requirement: Requirement = module.suite.requirements[identity]
    return requirement
