"""One implementation under test, as a suite sees it: it is opened, called by operation, and closed."""

from __future__ import annotations

import importlib
import pprint
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trueup_contracts.errors import AdapterError, Refusal, TargetError, code_of
from trueup_contracts.registry import SuiteInfo

_MOST_CALLS = 8  # of those before a failure, in what is shown of them


class Handle:
    """One open instance. Attributes are operations without arguments; `call` makes no difference between the two."""

    def __init__(self, made: Any, opened: str, note: Callable[[list[str]], None]) -> None:
        """`note` is told this handle's calls at each of them, so that the last handle called is known."""
        self.object = made
        self._calls = [opened]
        self._note = note

    def call(self, operation: str, /, **args: Any) -> Any:
        """The answer. Raises `Refusal` where the implementation refused, `AdapterError` where it failed."""
        self._calls.append(f"subject.{operation}({_arguments(args)})")
        self._note(self._calls)
        member = getattr(self.object, operation, None)
        if member is None:
            raise AdapterError(f"{type(self.object).__name__} has no operation {operation!r}")
        return _guarded(lambda: member(**args) if callable(member) else member, operation)


class Subject:
    """An implementation in this process: a factory, and what it claims."""

    in_process = True

    def __init__(self, suite: SuiteInfo, label: str, target: str, factory: Callable[..., Any]) -> None:
        """Raises `TargetError` for a capability that the suite does not know."""
        self.suite = suite
        self.label = label
        self.target = target
        self._factory = factory
        self.capabilities = _capabilities(suite, label, factory)
        self._calls: list[str] = []

    def open(self, **args: Any) -> Handle:
        """A new instance from the factory, with these keywords."""
        return self._opened("make", self._factory, args)

    def open_by(self, method: str, **args: Any) -> Handle:
        """A new instance from another method of the factory, such as `make_from_text`."""
        made_by = getattr(self._factory, method, None)
        if made_by is None:
            raise AdapterError(f"the factory claims what needs its method {method!r}, and has none")
        return self._opened(method, made_by, args)

    def snippet(self) -> str:
        """Python that repeats what was last opened or called, from its opening on."""
        module, _, name = self.target.partition(":")
        opened, calls = self._calls[:1], self._calls[1:]
        left_out = [f"# and {len(calls) - _MOST_CALLS} calls before these"] if len(calls) > _MOST_CALLS else []
        lines = [*opened, *left_out, *calls[-_MOST_CALLS:]]
        return "\n".join([f"from {module} import {name.partition('.')[0]}", "", *lines])

    def _opened(self, method: str, factory: Callable[..., Any], args: Mapping[str, Any]) -> Handle:
        name = self.target.partition(":")[2] + ("" if method == "make" else f".{method}")
        opened = f"subject = {name}({_arguments(args)})"
        self._note([opened])
        return Handle(_guarded(lambda: factory(**args), method), opened, self._note)

    def _note(self, calls: list[str]) -> None:
        self._calls = calls


def load(declared: str, suite: SuiteInfo, label: str, root: Path) -> Subject:
    """The implementation that a target `module:attribute` names. `TargetError` says what is wrong with it."""
    import sys

    module_name, colon, attribute = declared.partition(":")
    if not colon or not attribute or not all(part.isidentifier() for part in f"{module_name}.{attribute}".split(".")):
        raise TargetError(f"{declared!r} is no target", "a target is MODULE:ATTRIBUTE, as in my_engine.router:make")
    added = str(root) not in sys.path
    if added:  # `pytest` alone does not put the root folder there, `python -m pytest` does
        sys.path.insert(0, str(root))
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise TargetError(f"{declared!r} cannot be imported: {error}") from error
    finally:
        if added and str(root) in sys.path:
            sys.path.remove(str(root))
    for part in attribute.split("."):
        if not hasattr(found, part):
            from trueup.rules import nearest_hint

            public = [name for name in dir(found) if not name.startswith("_")]
            raise TargetError(f"{declared!r}: {found.__name__} has no {part!r}", nearest_hint(part, public[:50]))
        found = getattr(found, part)
    if not callable(found):
        raise TargetError(f"{declared!r} is no factory: a {type(found).__name__} cannot be called")
    return Subject(suite, label, declared, found)


def _capabilities(suite: SuiteInfo, label: str, factory: object) -> frozenset[str]:
    claimed: Any = getattr(factory, "capabilities", frozenset())
    if isinstance(claimed, str):
        claimed = claimed.split()
    names = frozenset(str(name) for name in claimed)
    for name in sorted(names - suite.capabilities.keys()):
        from trueup.rules import nearest_hint

        raise TargetError(
            f"{suite.name}@{label} claims {name!r}, which the suite does not know",
            nearest_hint(name, list(suite.capabilities)),
        )
    return names


def _guarded(work: Callable[[], Any], what: str) -> Any:
    try:
        return work()
    except Exception as error:
        code = code_of(error)
        if code == "internal":
            raise AdapterError(f"{what} raised {type(error).__name__}: {error}") from error
        raise Refusal(code, str(error)) from error


def _arguments(args: Mapping[str, Any]) -> str:
    shown = [f"{name}={pprint.pformat(value, width=100, sort_dicts=False)}" for name, value in args.items()]
    return ", ".join(shown)
