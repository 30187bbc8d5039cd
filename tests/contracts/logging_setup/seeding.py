"""How a faulty package is added to the list."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from contracts.logging_setup.packages import Package
from trueup_contracts.profile import Profile


class Fault(NamedTuple):
    """A fault: what is wrong, the requirement that names it, and the package."""

    name: str
    requirement: str
    package: Package

    def verdicts(self, profile: Profile, only: str | None = None) -> dict[str, str]:
        """The failures, in a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="trueup-faults-") as folder:
            return self.package.verdicts(Path(folder), profile, only)


FAULTS: list[Fault] = []


def importing(requirement: str, name: str, init: str) -> None:
    """A package whose import has a fault."""
    FAULTS.append(Fault(name, requirement, Package(init=init)))


def setting_up(requirement: str, name: str, logs: str, init: str = "") -> None:
    """A package whose function `mylib.logs.setup` has a fault."""
    FAULTS.append(Fault(name, requirement, Package(init=init, logs=logs)))
