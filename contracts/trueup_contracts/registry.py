"""The requirements of a suite, read from the one table of its SPEC.md."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trueup_contracts.errors import TargetError

# Where each suite is declared; imported when it is asked for, not before. Several in one folder: `MODULE:ATTRIBUTE`.
FOLDERS = {
    "router": "trueup_contracts.router",
    "embedding-cache": "trueup_contracts.embedding_cache",
    "metrics": "trueup_contracts.metrics",
    "kv-index": "trueup_contracts.kv_index",
    "worker-selection": "trueup_contracts.kv_index.selection",
    "event-subscriber": "trueup_contracts.event_transport:SUBSCRIBER",
    "event-publisher": "trueup_contracts.event_transport:PUBLISHER",
    "event-replay": "trueup_contracts.event_transport:REPLAY",
    "logging-setup": "trueup_contracts.logging_setup",
    "router-service": "trueup_contracts.router_service",
}
# Not claimed by the name alone: it depends on the way an implementation is reached.
WAYS = {
    "in_process": "reached in this process",
    "concurrent_calls": "over the wire: replies may come in any order",
    "http": "reached at a URL",
    "command": "a service that the suite starts and stops",
    "import": "a package, imported in fresh interpreters",
    "setup": "a set-up function, called in fresh interpreters",
    "tcp": "reached at an endpoint of ZeroMQ",
}
# How an implementation can be reached, and how its target is written.
TARGETS = {
    "module": "MODULE:ATTRIBUTE",
    "exec": "exec: PROGRAM ARGUMENT …",
    "http": "http://HOST:PORT/PATH",
    "command": "command: PROGRAM --port {port} …",
    "file": "file: PATH",
    "import": "import:PACKAGE",
    "setup": "setup:PACKAGE.MODULE:FUNCTION",
    "tcp": "tcp://HOST:PORT",
}
COLUMNS = ["id", "since", "level", "kind", "needs", "statement", "why"]
LEVELS = ("MUST", "SHOULD", "MAY")
_ROW = re.compile(r"^\|(.*)\|\s*$")
_EDITION = re.compile(r"^Edition: (\d+\.\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Requirement:
    """One row. `needs` are the capabilities without which it is not asked; `untestable` is the reason, or empty."""

    id: str
    since: str
    level: str
    provisional: bool
    stochastic: bool
    untestable: str
    needs: frozenset[str]
    statement: str
    why: str


@dataclass(frozen=True)
class Service:
    """How a suite asks what it reaches at a URL.

    `client`: import string of a class, made with `(url, limit_s)`, whose methods are the operations; without one the
    tests send requests to the handle's `url` themselves. `claimable`: what can be claimed for a URL at all.
    `placeholders`: name to meaning, of `command:`, besides `{host}` and `{port}`. A service that was started is ready
    when `ready_path` answers 200, or, where it is empty, when its port is open.
    """

    client: str | None = None
    claimable: frozenset[str] = frozenset()
    placeholders: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = ""
    start_s: float = 10.0


class Option(NamedTuple):
    """A setting of pytest that a suite reads, and the capability that is claimed where it is set.

    `load`: import string of a function of the setting's text and the root folder; it raises `TargetError`.
    """

    capability: str
    load: str


@dataclass(frozen=True)
class SuiteInfo:
    """What a suite's folder declares.

    `section`: of a SPEC.md that several suites share, the heading under which this one's table stands.
    `capabilities`: name to what is claimed by it. `wire_schema`: the operations' arguments and results over the wire.
    `hardware`: capability to a function that says why this machine cannot show it, or nothing where it can. `modules`:
    what the suite imports to ask an implementation in this process, with the extra that brings it; `kit_modules`: to
    ask any. `shared_schemas`: documents that `wire_schema` refers to. `ways`: how implementations can be reached, of
    `TARGETS`; for `http` and `command` the `service` says more. `adapters`: name of
    a shipped adapter to its import string; its attribute `adapts` names a module and the package that brings it.
    `codec`: the module whose `from_wire` and `to_wire` make the arguments and answers of an adapter in Python.
    `assumed`: claimed for everything but a file or an endpoint.
    `options`: by the name of the setting. `adapt`: import string of a
    function that makes an object with the protocol's calls of what a target names or a factory makes, and answers with
    others as they are. `file`: of a factory's maker, for a path. `reads`: operations that only ask, of which few are
    shown. `subject`: import string of the `Subject` of `import` and `setup`, made with `(suite, label, target,
    settings)`.
    """

    name: str
    module: str
    capabilities: Mapping[str, str]
    spec: Path
    wire_schema: Path | None = None
    hardware: Mapping[str, Callable[[], str | None]] = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    kit_modules: Mapping[str, str] = field(default_factory=dict)
    shared_schemas: tuple[Path, ...] = ()
    codec: str | None = None
    reads: frozenset[str] = frozenset()
    ways: frozenset[str] = frozenset({"module", "exec"})
    service: Service = field(default_factory=Service)
    assumed: frozenset[str] = frozenset()
    options: Mapping[str, Option] = field(default_factory=dict)
    adapt: str | None = None
    file: str | None = None
    subject: str | None = None
    section: str = ""

    def missing_module(self, *, in_process: bool) -> str | None:
        """Why implementations, in this process or elsewhere, cannot be asked here, or nothing where they can."""
        for module, extra in {**self.kit_modules, **(self.modules if in_process else {})}.items():
            if importlib.util.find_spec(module) is None:
                return f"{module} is not installed: pip install 'trueup[{extra}]'"
        return None

    @functools.cached_property
    def edition(self) -> str:
        """The edition of the contract."""
        found = _EDITION.search(self.spec.read_text(encoding="utf-8"))
        assert found is not None, f"{self.spec} names no edition"
        return found[1]

    @functools.cached_property
    def requirements(self) -> dict[str, Requirement]:
        """Every requirement by id, in the order of the table."""
        text = self.spec.read_text(encoding="utf-8")
        if self.section:
            _, heading, text = text.partition(f"\n## {self.section}\n")
            assert heading, f"{self.spec} has no section {self.section!r}"
            text = text.partition("\n## ")[0]
        return _parsed(text, frozenset(self.capabilities) | WAYS.keys())


def imported(declared: str) -> Any:
    """What an import string of the kit's own names: `MODULE:ATTRIBUTE`."""
    module, _, name = declared.partition(":")
    return getattr(importlib.import_module(module), name)


def way_of(target: str) -> str:
    """How the implementation that a target names is reached: one of `TARGETS`."""
    kind, _, rest = target.partition(":")
    if kind == "setup":  # a module may have this name
        return "setup" if ":" in rest else "module"
    if kind in ("http", "https"):
        return "http"
    return kind if kind in ("exec", "command", "file", "import", "tcp") else "module"


def suite(name: str) -> SuiteInfo:
    """The suite of this name; a `TargetError` with the nearest one where there is none."""
    if name not in FOLDERS:
        from trueup.rules import nearest_hint

        raise TargetError(f"there is no suite {name!r}", nearest_hint(name, list(FOLDERS)))
    module, _, attribute = FOLDERS[name].partition(":")
    found = getattr(importlib.import_module(module), attribute or "SUITE")
    assert isinstance(found, SuiteInfo)
    return found


def _parsed(text: str, capabilities: frozenset[str]) -> dict[str, Requirement]:
    rows = [_cells(line) for line in text.splitlines() if _ROW.match(line)]
    start = rows.index(COLUMNS)
    requirements: dict[str, Requirement] = {}
    for row in rows[start + 2 :]:
        assert len(row) == len(COLUMNS), f"a row of {len(row)} cells: {row}"
        identity, since, level, kind, needs, statement, why = row
        bare = level.removesuffix(" (provisional)")
        assert bare in LEVELS, f"{identity}: level {level!r}"
        assert identity not in requirements, f"{identity} stands there twice"
        assert kind in ("tested", "stochastic") or kind.startswith("untestable: "), f"{identity}: kind {kind!r}"
        assert set(needs.split()) <= capabilities, f"{identity} needs {needs!r}"
        requirements[identity] = Requirement(
            identity,
            since,
            bare,
            level != bare,
            kind == "stochastic",
            kind.removeprefix("untestable: ") if kind.startswith("untestable: ") else "",
            frozenset(needs.split()),
            statement,
            why,
        )
    return requirements


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]
