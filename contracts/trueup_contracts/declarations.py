"""Which implementations a run is about: `SUITE[@LABEL] = TARGET`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trueup_contracts.errors import TargetError
from trueup_contracts.registry import FOLDERS, suite

REFERENCE = {"router": "trueup_reference.adapters:router"}
_FORM = re.compile(r"\s*([\w-]+)(?:@([\w.-]+))?\s*=\s*(\S.*?)\s*")
NOT_YET = ("exec:", "http://", "https://", "command:")
LINES = """\
name the implementation in pyproject.toml:

    [tool.pytest.ini_options]
    contracts = ["router = my_engine.router:make_router"]

or on the command line: --contracts-impl "router = my_engine.router:make_router"
a demo: --contracts-impl reference"""


@dataclass(frozen=True)
class Declaration:
    """One implementation."""

    suite: str
    label: str
    target: str


def parse(lines: Sequence[str]) -> list[Declaration]:
    """The declarations; a `TargetError` for none at all, for one that cannot be read, and for equal ones."""
    found: list[Declaration] = []
    for line in lines:
        if line.strip() == "reference":
            found += [Declaration(name, "reference", REFERENCE[name]) for name in FOLDERS]
        elif line.strip():
            found.append(_declaration(line))
    if not found:
        raise TargetError("--contracts: no implementation is declared", LINES)
    names = [(one.suite, one.label) for one in found]
    for name in names:
        if names.count(name) > 1:
            raise TargetError(f"{name[0]}@{name[1]} is declared twice", "give them labels: SUITE@LABEL = TARGET")
    return found


def _declaration(line: str) -> Declaration:
    form = _FORM.fullmatch(line)
    if form is None:
        raise TargetError(f"{line!r} is no declaration", "write SUITE = MODULE:ATTRIBUTE, or SUITE@LABEL = …")
    name, label, target = form[1], form[2], form[3]
    suite(name)
    if target == "reference":
        target = REFERENCE[name]
    if target.startswith(NOT_YET):
        raise TargetError(f"{target!r}: only targets in this process, MODULE:ATTRIBUTE, are supported so far")
    return Declaration(name, label or re.split(r"[:.]", target)[-1] or name, target)
