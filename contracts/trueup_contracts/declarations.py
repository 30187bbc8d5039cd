"""Which implementations a run is about: `SUITE[@LABEL] = TARGET`."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trueup_contracts.errors import TargetError
from trueup_contracts.registry import FOLDERS, TARGETS, suite, way_of
from trueup_contracts.services.urls import parsed

REFERENCE = {
    "router": "trueup_reference.adapters:router",
    "embedding-cache": "trueup_reference.adapters:embedding_cache",
    "metrics": "trueup_reference.adapters:metrics",
    "kv-index": "trueup_reference.adapters:kv_index",
    "worker-selection": "trueup_reference.adapters:worker_selection",
    "event-subscriber": "trueup_reference.adapters:event_subscriber",
    "event-publisher": "trueup_reference.adapters:event_publisher",
    "event-replay": "trueup_reference.adapters:event_replay",
    "logging-setup": "setup:trueup_reference.logging_setup:configure",
    "router-service": f"command: {shlex.quote(sys.executable)} -m trueup_reference.router --config {{config}} "
    "--discovery {discovery} --service {service} --host {host} --port {port} --model-name reference",
}
_FORM = re.compile(r"\s*([\w-]+)(?:@([\w.-]+))?\s*=\s*(\S.*?)\s*")
LINES = """\
name the implementation in pyproject.toml:

    [tool.pytest.ini_options]
    contracts = ["router = my_engine.router:make_router"]

in any other language: contracts = ["router = exec: ./router-adapter"]
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


def only(found: list[Declaration], suites: Sequence[str]) -> list[Declaration]:
    """Those of these suites, or all where none is named; a `TargetError` for a suite without a declaration."""
    for name in suites:
        suite(name)
        if all(one.suite != name for one in found):
            declared = ", ".join(sorted({one.suite for one in found}))
            raise TargetError(f"--contracts-suite {name}: no implementation of it is declared", f"declared: {declared}")
    return [one for one in found if not suites or one.suite in suites]


def _declaration(line: str) -> Declaration:
    form = _FORM.fullmatch(line)
    if form is None:
        raise TargetError(f"{line!r} is no declaration", "write SUITE = MODULE:ATTRIBUTE, or SUITE@LABEL = …")
    name, label, target = form[1], form[2], form[3]
    info = suite(name)
    if target == "reference":
        return Declaration(name, label or "reference", REFERENCE[name])
    if target in info.adapters:
        return Declaration(name, label or target, info.adapters[target])
    way = way_of(target)
    if way not in info.ways:
        written = " or ".join(text for each, text in TARGETS.items() if each in info.ways)
        raise TargetError(f"the suite {name} is not asked this way: {way}", f"write {name} = {written}")
    if way == "http":
        parsed(target)
    if way == "tcp":
        from trueup_contracts.services import endpoint

        endpoint.parsed(target)
    return Declaration(name, label or _default_label(target) or name, target)


def _default_label(target: str) -> str:
    """The last name of an import string; a program's name, without its folder and ending; a URL's host and port."""
    way = way_of(target)
    if way in ("http", "tcp"):
        target = target.partition("?")[0]
        return re.sub(r"[^\w.-]", "-", target.partition("//")[2].partition("/")[0].rpartition("@")[2]).strip("-")
    if way in ("module", "import", "setup"):
        return re.split(r"[:.]", target)[-1]
    words = [word for word in target.partition(":")[2].split() if not word.startswith("-") and "{" not in word]
    return re.sub(r"[^\w.-]", "", Path(words[-1] if words else "").stem)
