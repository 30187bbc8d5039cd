"""Implementations in this process: a factory, found by its import string."""

from __future__ import annotations

import importlib
import os
import platform
import pprint
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trueup_contracts.errors import AdapterDiedError, AdapterError, Refusal, TargetError, code_of
from trueup_contracts.registry import SuiteInfo, imported, way_of
from trueup_contracts.subject import About, Calls, Deaths, Handle, Subject, known_capabilities
from trueup_contracts.watch import WATCH

CALL_S = 30.0  # deadline, before it is scaled: generous, since nothing else here measures time
_MOST_SHOWN = 20_000  # of a text or of bytes


class LocalHandle(Handle):
    """An object that the factory made."""

    def __init__(self, made: Any, subject: LocalSubject, opened: str) -> None:
        """The subject is told this handle's calls at each of them, so that the last handle called is known."""
        self.object = made
        self._subject = subject
        self._calls = Calls(opened)

    def call(self, operation: str, /, **args: Any) -> Any:
        """The answer of a method, or the value of an attribute."""
        __tracebackhide__ = True
        reads = operation in self._subject.suite.reads
        self._calls.add(_as_python(self.object, operation, args, reads=reads), reads=reads)
        self._subject.note(self._calls)
        given = {name: value.to_local() if hasattr(value, "to_local") else value for name, value in args.items()}
        return self._subject.run(lambda: operate(self.object, operation, given), operation)

    def remark(self, text: str) -> None:
        """As a comment."""
        self._calls.add(f"# {text}")


class LocalSubject(Subject):
    """A factory, and what it claims."""

    in_process = True

    def __init__(
        self, suite: SuiteInfo, label: str, target: str, factory: Callable[..., Any], scale: float = 1.0
    ) -> None:
        """Raises `TargetError` for a capability that the suite does not know. `scale` stretches the deadline."""
        self.suite = suite
        self.label = label
        self.target = target
        self._factory = factory
        self._limit_s = CALL_S * scale
        self._deaths = Deaths("the implementation")
        claimed = known_capabilities(suite, label, claims(factory))
        self.capabilities = claimed | {"in_process"}
        name = str(getattr(factory, "name", None) or getattr(factory, "__name__", type(factory).__name__))
        version = str(getattr(factory, "version", ""))
        self.about = About(name, version, f"Python {platform.python_version()}", None)
        self._calls = Calls("")

    def open(self, **args: Any) -> LocalHandle:
        """A new instance from the factory, with these keywords."""
        __tracebackhide__ = True
        return self._opened("make", self._factory, args)

    def open_by(self, method: str, **args: Any) -> LocalHandle:
        """A new instance from another method of the factory, such as `make_from_text`."""
        __tracebackhide__ = True
        made_by = getattr(self._factory, method, None)
        if made_by is None:
            raise AdapterError(f"the factory claims what needs its method {method!r}, and has none")
        return self._opened(method, made_by, args)

    def call(self, operation: str, /, **args: Any) -> Any:
        """The answer of a method of the factory."""
        __tracebackhide__ = True
        return LocalHandle(self._factory, self, f"subject = {self.target.partition(':')[2]}").call(operation, **args)

    def begin(self, test: str) -> None:
        """What earlier tests called says nothing about this one. After three that hung, the rest is not run."""
        self._calls = Calls("")
        self._deaths.begin()
        WATCH.begin()

    def done(self) -> None:
        """The test is over: nothing of it is waited for."""
        WATCH.done()

    def give_up(self, thread: threading.Thread) -> None:
        """The watch forgets its call; the test counts as one that hung."""
        WATCH.leave(thread)
        self._deaths.happened = True

    @property
    def process_ids(self) -> Sequence[int]:
        """This one."""
        return [os.getpid()]

    def end(self) -> None:
        """The run is over."""
        WATCH.stop()

    def run(self, work: Callable[[], Any], what: str) -> Any:
        """The answer of the implementation, within the deadline; what it raises as `guarded` says."""
        __tracebackhide__ = True
        try:
            return WATCH.run(lambda: guarded(work, what), what, self._limit_s)
        except AdapterDiedError:
            self._deaths.happened = True
            raise

    def note(self, calls: Calls) -> None:
        """These are the last calls."""
        self._calls = calls

    def snippet(self) -> str:
        """Python that repeats the last calls."""
        module, _, name = self.target.partition(":")
        left_out = self._calls.left_out
        before = [f"# left out: {' and '.join(left_out)}"] if left_out else []
        lines = [self._calls.opened, *before, *self._calls.last]
        uses_fill = any("Fill(" in line for line in lines)
        imports = [f"from {self.suite.module.rpartition('.')[0]} import Fill"] if uses_fill else []
        if way_of(self.target) == "file":
            return "\n".join([f"# {self.target}", *lines[1:]])
        if self.suite.adapt is not None and f" {self._adapter}(" in self._calls.opened:
            imports.append(f"from {self.suite.adapt.partition(':')[0]} import {self._adapter}")
        return "\n".join([f"from {module} import {name.partition('.')[0]}", *imports, "", *lines])

    @property
    def _adapter(self) -> str:
        return (self.suite.adapt or "").partition(":")[2]

    def _opened(self, method: str, factory: Callable[..., Any], args: Mapping[str, Any]) -> LocalHandle:
        __tracebackhide__ = True
        name = self.target.partition(":")[2] + ("" if method == "make" else f".{method}")
        opened = name if isinstance(factory, Given) else f"{name}({arguments(args)})"
        self.note(Calls(f"subject = {opened}"))
        made, adapted = self.run(lambda: self._made(factory, args), method)
        if adapted is not made:
            opened, made = f"{self._adapter}({opened})", adapted
        return LocalHandle(made, self, f"subject = {opened}")

    def _made(self, factory: Callable[..., Any], args: Mapping[str, Any]) -> tuple[Any, Any]:
        __tracebackhide__ = True
        made = factory(**args)
        return made, made if self.suite.adapt is None else imported(self.suite.adapt)(made)


class Given:
    """An object in the place of a factory: every opening gives the same one."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def __call__(self) -> Any:
        """The object."""
        return self._found


def claims(factory: object) -> frozenset[str]:
    """The names in a factory's attribute `capabilities`: a collection of texts, or one text of several words.

    `TargetError` for anything else.
    """
    claimed: Any = getattr(factory, "capabilities", frozenset())
    if not isinstance(claimed, Iterable):
        raise TargetError(
            f"capabilities is a {type(claimed).__name__}, on {getattr(factory, '__name__', type(factory).__name__)}",
            "a set of names is due, on the factory itself: it is asked before anything is made",
        )
    return frozenset(str(name) for name in (claimed.split() if isinstance(claimed, str) else claimed))


def resolve(declared: str, root: Path, adapt: str | None = None) -> Callable[..., Any]:
    """What an import string `MODULE:ATTRIBUTE` names. `TargetError` says what is wrong with it.

    An object that `adapt` (see `SuiteInfo`) knows is the one that every opening gives.
    """
    module_name, colon, attribute = declared.partition(":")
    if not colon or not attribute or not all(part.isidentifier() for part in f"{module_name}.{attribute}".split(".")):
        raise TargetError(
            f"{declared!r} is no target",
            "a target is MODULE:ATTRIBUTE, as in my_engine.router:make, or exec: PROGRAM ARGUMENT …",
        )
    added = str(root) not in sys.path
    if added:  # `pytest` alone does not put the root folder there, `python -m pytest` does
        sys.path.insert(0, str(root))
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise TargetError(f"{declared!r} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:
        places = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith("<frozen")]
        where = "" if isinstance(error, SyntaxError) else f"\n{places[-1].filename}:{places[-1].lineno}"
        raise TargetError(
            f"{declared!r} cannot be imported: it raised {type(error).__name__}: {error}{where}"
        ) from error
    finally:
        if added and str(root) in sys.path:
            sys.path.remove(str(root))
    for part in attribute.split("."):
        if not hasattr(found, part):
            from trueup.rules import nearest_hint

            public = [name for name in dir(found) if not name.startswith("_")]
            raise TargetError(f"{declared!r}: {found.__name__} has no {part!r}", nearest_hint(part, public[:50]))
        found = getattr(found, part)
    if not callable(found) and adapt is not None and imported(adapt)(found) is not found:
        return Given(found)
    if not callable(found):
        raise TargetError(f"{declared!r} is no factory: a {type(found).__name__} cannot be called")
    made: Callable[..., Any] = found
    return made


def operate(subject: Any, operation: str, args: Mapping[str, Any]) -> Any:
    """An operation of an object: a method, an attribute, `len` or `contains`. `Refusal` for one that it lacks."""
    __tracebackhide__ = True
    if operation == "len":
        return len(subject)
    if operation == "contains":
        return args["key"] in subject
    member = None if operation.startswith("_") else getattr(subject, operation, None)
    if member is None:
        raise Refusal("unsupported", f"{type(subject).__name__} has no operation {operation!r}")
    return member(**args) if callable(member) else member


def guarded(work: Callable[[], Any], what: str) -> Any:
    """The answer of `work`; its exceptions as a `Refusal`, or as an `AdapterError` for those that are none."""
    __tracebackhide__ = True
    try:
        return work()
    except Refusal:
        raise
    except (Exception, SystemExit) as error:
        code = code_of(error)
        if code == "internal":
            raise AdapterError(f"{what} raised {type(error).__name__}: {error}") from error
        raise Refusal(code, str(error), getattr(error, "data", None)) from error


def _as_python(subject: Any, operation: str, args: Mapping[str, Any], *, reads: bool) -> str:
    """The call as it is written in Python: `len`, `in` and attributes have forms of their own."""
    if operation == "len":
        return "len(subject)"
    if operation == "contains":
        return f"{_argument(args['key'])} in subject"
    is_attribute = reads and not args and not callable(getattr(type(subject), operation, None))
    return f"subject.{operation}" if is_attribute else f"subject.{operation}({arguments(args)})"


def arguments(args: Mapping[str, Any]) -> str:
    """Keywords as they stand in a call, for people to repeat it."""
    return ", ".join(f"{name}={_argument(value)}" for name, value in args.items())


def _argument(value: Any) -> str:
    if hasattr(value, "untyped_storage"):  # a tensor: its values would have to be fetched from its device
        if value.is_nested:  # it has no shape
            return f"torch.nested.nested_tensor(…, dtype={value.dtype}, device={str(value.device)!r})"
        return f"torch.empty({list(value.shape)}, dtype={value.dtype}, device={str(value.device)!r})"
    if isinstance(value, bytes | str) and len(value) > _MOST_SHOWN:
        return f"{value[:100]!r}  # and {len(value) - 100} more"
    return pprint.pformat(value, width=100, sort_dicts=False)
