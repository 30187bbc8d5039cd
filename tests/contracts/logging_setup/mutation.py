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
_BOUND = "beyond the contract: how much of an extra is written"
_TYPE = "beyond the contract: levels that are neither a name nor a whole number"
_ENVIRONMENT = "beyond the contract: secrets that have no known form"
EXPLAINED: dict[tuple[str, str, str], str] = {
    ("_DEPTH = 8  # of what an extra holds", "", ""): _BOUND,
    ("_MOST = 200  # members of one collection in an extra", "", ""): _BOUND,
    ("if depth > 0 and isinstance(value, Mapping):", "", ""): _BOUND,
    ("if depth > 0 and isinstance(value, list | tuple | set | frozenset):", "", ""): _BOUND,
    ("return {masked(str(key)): _plain(one, depth - 1) for key, one in [*value.items()][:_MOST]}", "", ""): _BOUND,
    ("return [_plain(one, depth - 1) for one in [*value][:_MOST]]", "", ""): _BOUND,
    ("return masked(_shown(value))", "", ""): "beyond the contract: what stands in the place of an object",
    ("return chosen", "", ""): "beyond the contract: what the function answers",
    ("if isinstance(given, bool) or not isinstance(given, str | int):", "", ""): _TYPE,
    ('raise TypeError(f"{where} is a {type(given).__name__}; a name or a number is due")', "", ""): _TYPE,
    ("return int(text)", "", ""): _TYPE,
    ('raise AttributeError("this handler always writes to the standard error")', "", ""): "nobody sets it",
    ("if sys.stderr is not None:", "", ""): "beyond the contract: a process without a standard error",
    ("if len(value) >= 8 and value in text and _SECRET_NAMES.search(name.upper()):", "", ""): _ENVIRONMENT,
    ("_MOST_BITS = 1 << 12  # of a number that is written as one", "", ""): _BOUND,
    ("return hex(value) if value is not None and value.bit_length() > _MOST_BITS else value", "", ""): _BOUND,
    ('return f"{_shown(record.msg)} % {_shown(record.args)} ({type(error).__name__}: {_shown(error)})"', "", ""): (
        "beyond the contract: arguments that do not fit the message"
    ),
    ('return f"<{type(value).__name__}: {type(error).__name__}>"', "", ""): "beyond the contract: a broken __repr__",
}


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
