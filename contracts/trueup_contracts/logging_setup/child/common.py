"""What every probe needs: the package under test, marks in the output, and a user's own logging."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from trueup_contracts.logging_setup.child import state
from trueup_contracts.logging_setup.child.tracing import Trace

_CHILD_S = 8.0  # for a process that a probe has forked, before it is scaled


class Probe:
    """One run in this interpreter, as the request asks for it; `report` is what it will tell."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.module_name: str = request["module"]
        self.function_name: str = request["function"]
        self.report: dict[str, Any] = {}
        self.last: Callable[[], None] = lambda: None  # what is done once the report is written
        self.trace = Trace(self.module_name.partition(".")[0])

    def mark(self, phase: str) -> None:
        """What is written from here on belongs to this phase."""
        self.flush()
        for number in (1, 2):
            os.write(number, f"\n{self.request['mark']}{phase}\n".encode())

    @staticmethod
    def flush() -> None:
        """Writes what waits in this process."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # a package may have put anything there
                stream.flush()

    def import_it(self) -> ModuleType:
        """The module under test, imported while every call is watched."""
        with self.trace.on():
            return importlib.import_module(self.module_name)

    @property
    def function(self) -> Callable[..., Any]:
        """The set-up function, as it is now: a reload has made a new one."""
        found: Any = importlib.import_module(self.module_name)
        for part in self.function_name.split("."):
            found = getattr(found, part)
        made: Callable[..., Any] = found
        return made

    def set_up(self, **given: Any) -> None:
        """Calls it, with `json=True` for JSON where it has that parameter."""
        with self.trace.on():
            self.function(**given)

    @functools.cached_property
    def own(self) -> str:
        """The name of the logger that is set up, or of the package's."""
        name: str = self.request["logger"]
        return name

    @property
    def logger(self) -> logging.Logger:
        """A logger of the package's. It logs errors: some handlers end the process at CRITICAL, as absl's does."""
        return logging.getLogger(self.own or "trueup_app")

    def handlers(self) -> list[logging.Handler]:
        """Those that a record of the package's meets, and the root logger's."""
        found: list[logging.Handler] = []
        one: logging.Logger | None = self.logger
        while one is not None:
            found += one.handlers
            one = one.parent
        return [handler for handler in found if type(handler) is not logging.NullHandler]

    def told_handlers(self) -> list[str]:
        """The same, in words."""
        return [state.told(one) for one in self.handlers()]


def json_keywords(function: Callable[..., Any]) -> dict[str, Any]:
    """What makes a set-up function that claims `json` write JSON."""
    with contextlib.suppress(ValueError, TypeError):
        if "json" in inspect.signature(function).parameters:
            return {"json": True}
    return {}


class Keeping(logging.Handler):
    """A user's handler: it keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the record."""
        self.records.append(record)

    def count(self, text: str) -> int:
        """How many records hold this text."""
        return sum(text in one.getMessage() for one in self.records)


class Users:
    """What a user has set up before: a handler at the root, and an application's logger with all that one can have."""

    def __init__(self, root_level: int) -> None:
        self.root, self.app = Keeping(), Keeping()
        logging.root.addHandler(self.root)
        logging.root.setLevel(root_level)
        self.logger = logging.getLogger("trueup_app.service")
        self.logger.addHandler(self.app)
        self.logger.setLevel(logging.DEBUG)
        self.logger.addFilter(lambda record: "filtered" not in record.getMessage())
        logging.getLogger("trueup_app.quiet").propagate = False
        self.before = {name: state.of(one) for name, one in state.loggers().items()}

    def now(self) -> dict[str, Any]:
        """The same loggers, as they are by now."""
        found = state.loggers()
        return {name: state.of(found[name]) for name in self.before if name in found}

    def works(self) -> str:
        """Nothing where the application's records arrive as they did, else what has become of them."""
        counts = self.app.count("app token"), self.root.count("app token")
        self.logger.debug("app token")
        self.logger.debug("app token, filtered")
        if (got := self.app.count("app token") - counts[0]) != 1:
            return f"a record of logger 'trueup_app.service' reached the handler of that logger {got} times"
        if (got := self.root.count("app token") - counts[1]) != 1:
            return f"a record of logger 'trueup_app.service' reached the handler of the root logger {got} times"
        return ""


def forked(work: Callable[[], None], scale: float) -> str:
    """Runs `work` in a forked process, which ends as any interpreter does. What went wrong, or nothing."""
    Probe.flush()
    number = os.fork()
    if number == 0:
        work()
        sys.exit(0)
    deadline_s = time.monotonic() + _CHILD_S * scale
    while True:
        found, status = os.waitpid(number, os.WNOHANG)
        if found:
            return "" if status == 0 else f"ended with status {os.waitstatus_to_exitcode(status)}"
        if time.monotonic() > deadline_s:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
            return f"had not ended after {_CHILD_S * scale:g} s"
        time.sleep(0.002)
