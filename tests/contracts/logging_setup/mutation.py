"""The mutation score of the reference's set-up under its suite alone: `python -m contracts.logging_setup.mutation`."""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from contracts import mutants
from contracts.logging_setup.packages import QUICK, Package
from contracts.suite_runs import verdicts_of
from trueup_contracts.errors import TargetError
from trueup_reference import logging_setup

# Mutants that behave as the reference does, or that no contract reaches: the line, what stood there, what stands there.
EXPLAINED: dict[tuple[str, str, str], str] = {}


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    """Written as a package of its own: it is asked in child interpreters."""
    del module
    source = ast.unparse(mutant.tree).replace("'trueup_reference'", "'mylib'")
    package = Package(logs=f"{source}\nsetup = configure\n")
    with tempfile.TemporaryDirectory(prefix="trueup-mutants-") as folder:
        try:
            return verdicts_of(package.subject(Path(folder), 0.2), QUICK, stop=True)
        except TargetError as error:
            return {"import": str(error)}


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    return mutants.print_score(*mutants.score([logging_setup], _failures), EXPLAINED)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
