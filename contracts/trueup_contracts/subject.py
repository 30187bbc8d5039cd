"""One implementation under test, as a suite sees it: it is opened, called by operation, and closed.

The kinds: `in_process.LocalSubject` is a factory in this process, `wire.client.WireSubject` a program that answers over
the wire, `services.url.UrlSubject` what runs at a URL, `services.command.CommandSubject` a service started for a test,
`logging_setup.subject.LoggingSubject` a package that is imported in interpreters of its own.
"""

from __future__ import annotations

import abc
import importlib
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from trueup_contracts.errors import NotRunError, Refusal, TargetError
from trueup_contracts.registry import SuiteInfo, imported, way_of

# Of the calls before a failure, in what is shown of them: those that change something, and those that only ask.
MOST_CHANGES = 40
MOST_READS = 8
MOST_DEATHS = 3  # in a row; then the rest is not run


class About(NamedTuple):
    """Who an implementation says it is; `wire` is the protocol's version, or `None` in process."""

    name: str
    version: str
    language: str
    wire: int | None


@dataclass(frozen=True)
class Settings:
    """How implementations are run. `scale` stretches every deadline; `transcript`: where messages are written.

    `claims`: of what cannot say it itself, by `SUITE@LABEL`; see `claims.py`. `options`: what suites' settings name.
    """

    root: Path
    scale: float = 1.0
    transcript: Path | None = None
    claims: Mapping[str, frozenset[str]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


class Calls:
    """What is shown of a handle: how it was opened, and its last calls, as text. Bounded, and holds no values."""

    def __init__(self, opened: str) -> None:
        self.opened = opened
        self._number = 0
        self._asked = 0
        self._changes: deque[tuple[int, str]] = deque(maxlen=MOST_CHANGES)
        self._reads: deque[tuple[int, str]] = deque(maxlen=MOST_READS)

    def add(self, call: str, *, reads: bool = False) -> None:
        """One call more; whether it only asks, so that calls like it may crowd out no others."""
        self._number += 1
        self._asked += reads
        (self._reads if reads else self._changes).append((self._number, call))

    @property
    def last(self) -> list[str]:
        """In their order."""
        return [call for _, call in sorted([*self._changes, *self._reads])]

    @property
    def left_out(self) -> list[str]:
        """What is not among them, in words."""
        changes = self._number - self._asked - len(self._changes)
        reads = self._asked - len(self._reads)
        told = [f"{changes} earlier calls"] if changes else []
        return [*told, f"{reads} calls that only ask"] if reads else told


class Deaths:
    """Counts the tests in a row in which an implementation died: `happened` in this one."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._in_a_row = 0
        self.happened = False

    def begin(self) -> None:
        """A test begins. `NotRunError` after three that it has not survived: nothing brings it back."""
        self._in_a_row = self._in_a_row + 1 if self.happened else 0
        self.happened = self._in_a_row >= MOST_DEATHS
        if self.happened:
            raise NotRunError(f"{self._what} died in {MOST_DEATHS} tests one after the other; the rest is not run")


class Handle(abc.ABC):
    """One open instance. Attributes are operations without arguments; `call` makes no difference between the two."""

    @abc.abstractmethod
    def call(self, operation: str, /, **args: Any) -> Any:
        """The answer. Raises `Refusal` where the implementation refused, `AdapterError` where it failed."""

    def remark(self, text: str) -> None:  # noqa: B027 - messages of the wire have no comments
        """What happened beside the calls, to be shown among them."""


class Subject(abc.ABC):
    """An implementation: what it claims, and how it is opened."""

    in_process: bool
    log_name = "the adapter's stderr"
    suite: SuiteInfo
    label: str
    target: str
    capabilities: frozenset[str]  # claimed, and those of the way it is reached
    about: About
    options: Mapping[str, Any] = MappingProxyType({})  # by the name of the setting, loaded
    scale: float = 1.0  # of the suite's own deadlines

    @abc.abstractmethod
    def open(self, **args: Any) -> Handle:
        """A new instance from the factory, with these keywords."""

    @abc.abstractmethod
    def open_by(self, method: str, **args: Any) -> Handle:
        """A new instance from another method of the factory, such as `make_from_text`."""

    def call(self, operation: str, /, **args: Any) -> Any:
        """The answer of an operation of the factory itself, of which nothing is opened."""
        raise Refusal("unsupported", f"{operation} is asked of what was opened, here")

    @abc.abstractmethod
    def snippet(self) -> str:
        """Text that repeats what was last opened or called, from its opening on."""

    def begin(self, test: str) -> None:  # noqa: B027 - most need not know
        """A test begins. Raises `NotRunError` where the implementation is given up."""

    def done(self) -> None:  # noqa: B027 - most need not know
        """The test is over."""

    def give_up(self, thread: threading.Thread) -> None:  # noqa: B027 - most need not know
        """Nobody waits any more for the call that this thread makes."""

    @property
    def process_ids(self) -> Sequence[int]:
        """The processes that the implementation runs in, as far as they are known here."""
        return []

    def log(self) -> str:
        """What the implementation wrote for people, lately."""
        return ""

    def end(self) -> None:  # noqa: B027 - most have nothing to end
        """The run is over: processes are ended."""


def load(declared: str, suite: SuiteInfo, label: str, settings: Settings) -> Subject:
    """The implementation that a target names. `TargetError` says what is wrong with it."""
    found = _loaded(declared, suite, label, settings)
    found.scale = settings.scale
    found.options = {name: settings.options[name] for name in suite.options if name in settings.options}
    found.capabilities |= {suite.options[name].capability for name in found.options}
    if way_of(declared) in ("file", "tcp"):
        found.capabilities -= suite.assumed
    else:
        found.capabilities |= suite.assumed
    return found


def _loaded(declared: str, suite: SuiteInfo, label: str, settings: Settings) -> Subject:
    way, rest = way_of(declared), declared.partition(":")[2].strip()
    if way == "exec":
        from trueup_contracts.wire.client import WireSubject

        return WireSubject(suite, label, rest, settings)
    if way == "http":
        from trueup_contracts.services.url import UrlSubject

        return UrlSubject(suite, label, declared, settings)
    if way == "tcp":
        from trueup_contracts.services.endpoint import EndpointSubject

        return EndpointSubject(suite, label, declared, settings)
    if way == "command":
        from trueup_contracts.services.command import CommandSubject

        return CommandSubject(suite, label, rest, settings)
    if way in ("import", "setup"):
        assert suite.subject is not None, f"{suite.name} is asked of {way}: and says not how"
        made: Subject = imported(suite.subject)(suite, label, declared, settings)
        return made
    from trueup_contracts.in_process import LocalSubject, resolve

    if way == "file":
        assert suite.file is not None, f"{suite.name} is asked of files, and says not how"
        return LocalSubject(suite, label, declared, imported(suite.file)(settings.root / rest), settings.scale)
    factory = resolve(declared, settings.root, suite.adapt)
    if declared in suite.adapters.values():
        _import_adapted(factory, label)
    return LocalSubject(suite, label, declared, factory, settings.scale)


def _import_adapted(adapter: Any, label: str) -> None:
    """What a shipped adapter adapts is there, or nothing is asked: a package that is missing breaks no requirement."""
    module, package = adapter.adapts
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise TargetError(f"{label}: {module} cannot be imported: {error}", f"pip install {package}") from error


def known_capabilities(suite: SuiteInfo, label: str, claimed: Iterable[object]) -> frozenset[str]:
    """The claims of an implementation; a `TargetError` for one that the suite does not know."""
    names = frozenset(str(name) for name in claimed)
    for name in sorted(names - suite.capabilities.keys() - {"concurrent_calls"}):
        from trueup.rules import nearest_hint

        raise TargetError(
            f"{suite.name}@{label} claims {name!r}, which the suite does not know",
            nearest_hint(name, list(suite.capabilities)),
        )
    for name, option in suite.options.items():
        if option.capability in names:
            raise TargetError(f"{suite.name}@{label} claims {option.capability!r}", f"the setting {name} claims it")
    return names | suite.assumed
