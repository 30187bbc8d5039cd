"""What well-known packages do to logging when they are imported: the table of docs/contracts/logging-setup-findings.md.

python benchmarks/logging_setup.py import:torch import:requests setup:absl.logging:use_absl_handler …

Each is imported, in interpreters of its own, as it is installed beside trueup.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
from pathlib import Path

from trueup.reports.escape import visible
from trueup_contracts.errors import AdapterDiedError, NotRunError, TargetError
from trueup_contracts.logging_setup import SUITE
from trueup_contracts.marks import ATTRIBUTE
from trueup_contracts.subject import Settings, Subject, load

_MOST = 170  # characters of what was seen


def broken(subject: Subject) -> dict[str, str]:
    """The requirements that it does not meet, with what was seen."""
    found = {}
    for name, test in vars(importlib.import_module(SUITE.module)).items():
        if not name.startswith("test_"):
            continue
        requirement = SUITE.requirements[getattr(test, ATTRIBUTE)]
        if not requirement.needs <= subject.capabilities:
            continue
        try:
            subject.begin(name)
            test(subject)
        except (AssertionError, AdapterDiedError, NotRunError) as error:
            found[requirement.id] = " ".join(str(error).partition("\n    ")[0].split())
    return found


def row(target: str) -> str:
    """A row of the table, a line for each requirement that is not met."""
    try:
        subject = load(target, SUITE, "x", Settings(Path.cwd()))
    except (TargetError, AdapterDiedError) as error:
        return f"| {target.partition(':')[2]} | | not asked | | {_cell(str(error))} |"
    found = broken(subject)
    levels = {
        level: " ".join(identity for identity in found if SUITE.requirements[identity].level == level) or "none"
        for level in ("MUST", "SHOULD")
    }
    first = "<br>".join(f"{identity}: {_cell(told)}" for identity, told in _worth_telling(found).items())
    name = target.partition(":")[2]
    return f"| {name} | {subject.about.version} | {levels['MUST']} | {levels['SHOULD']} | {first} |"


def _worth_telling(found: dict[str, str]) -> dict[str, str]:
    """The first failure of each kind: a handler shows in caplog too, and so on."""
    causes = [one for one in found if one not in ("LG-010", "LG-011", "LG-012")] or list(found)
    return {one: found[one] for one in causes[:4]}


def _cell(text: str) -> str:
    text = visible(" ".join(text.split())).replace("|", "\\|").replace("<", "&lt;")
    return text[:_MOST] + ("…" if len(text) > _MOST else "")


def main() -> int:
    """Prints the table; 1 where a package cannot be asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", metavar="TARGET")
    rows = []
    sys.stdout.write(f"Python {platform.python_version()}, {platform.system()}.\n\n")
    sys.stdout.write("| package | version | MUST broken | SHOULD broken | seen |\n| --- | --- | --- | --- | --- |\n")
    for target in parser.parse_args().targets:
        rows.append(row(target))
        sys.stdout.write(rows[-1] + "\n")
        sys.stdout.flush()
    return int(any("| not asked |" in one for one in rows))


if __name__ == "__main__":
    sys.exit(main())
