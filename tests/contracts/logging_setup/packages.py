"""Small packages, written to a folder and asked there."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

from contracts.suite_runs import verdicts_of
from trueup_contracts.logging_setup import SUITE
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings, Subject, load

QUICK = Profile("quick", 20261125)


class Package(NamedTuple):
    """A package `mylib`: the text of its `__init__.py`, and of its `logs.py`, where `setup` stands."""

    init: str = ""
    logs: str = ""

    @property
    def target(self) -> str:
        """How the suite asks it."""
        return "setup:mylib.logs:setup" if self.logs else "import:mylib"

    def write(self, root: Path) -> None:
        """Writes it below `root`."""
        folder = root / "mylib"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(textwrap.dedent(self.init), encoding="utf-8")
        if self.logs:
            (folder / "logs.py").write_text(textwrap.dedent(self.logs), encoding="utf-8")

    def subject(self, root: Path, scale: float = 1.0) -> Subject:
        """The package in `root`, loaded as a run would."""
        self.write(root)
        return load(self.target, SUITE, "mylib", Settings(root, scale))

    def verdicts(self, root: Path, profile: Profile = QUICK, only: str | None = None) -> dict[str, str]:
        """The failures: requirement to what was said of it."""
        return verdicts_of(self.subject(root), profile, only)
