"""Who configures logging: each call and assignment with the line that made it."""

from __future__ import annotations

import functools
import importlib
import linecache
import logging
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_WATCHED = frozenset({"level", "propagate", "disabled", "handlers"})
# They set what belongs to the whole process.
_FUNCTIONS = ("captureWarnings", "disable", "setLoggerClass", "setLogRecordFactory", "addLevelName")
_LOGGING = os.path.dirname(logging.__file__)
# What stands between whoever calls and what is watched.
_INSIDE = ("<frozen", _LOGGING, os.path.dirname(__file__), importlib.__file__, warnings.__file__)


class Trace:
    """The events while it is on: `{"what", "logger", "place", "source", "by", "own"}`.

    `own`: not empty where the line is the package's; `by`: else, the package's line that led there.
    """

    def __init__(self, package: str) -> None:
        """`package`: the import name, whose own lines are told beside those of what it imports."""
        self.events: list[dict[str, str]] = []
        self._parts = f"{os.sep}{package}{os.sep}", f"{os.sep}{package}.py"
        self._is_on = False

    def add(self, what: str, logger: str) -> None:
        """An event happens now."""
        if not self._is_on:
            return
        outside = [frame for frame in _frames(sys._getframe(2)) if _is_outside(frame)]
        first = outside[0] if outside else None
        own = next((one for one in outside if self._is_own(one)), None)
        place, source = _told(first)
        by = "" if own is None or own is first else ": ".join(_told(own))
        told = {"what": what, "logger": logger, "place": place, "source": source, "by": by}
        event = {**told, "own": "own" if own is not None and own is first else ""}
        if event not in self.events:
            self.events.append(event)

    def _is_own(self, frame: FrameType) -> bool:
        return any(part in frame.f_code.co_filename for part in self._parts)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watches within the block. What has taken hold of a watched function keeps a working one."""
        logger_class: Any = logging.Logger
        module = logging.__class__
        before = {name: getattr(logging, name) for name in _FUNCTIONS}
        methods = {name: getattr(logger_class, name) for name in ("addHandler", "removeHandler")}
        for name, function in before.items():
            setattr(logging, name, self._watched(function, name))
        for name, method in methods.items():
            setattr(logger_class, name, self._watched_method(method, name))
        logger_class.__setattr__ = self._setting
        logging.__class__ = self._module()
        streams = [(sys.stdout, "sys.stdout"), (sys.stderr, "sys.stderr")]
        for stream, name in streams:
            stream.write = self._writing(stream.write, name)  # type: ignore[method-assign]
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False
            for stream, _ in streams:
                del stream.write
            logging.__class__ = module
            del logger_class.__setattr__
            for name, method in methods.items():
                setattr(logger_class, name, method)
            for name, function in before.items():
                setattr(logging, name, function)

    def _watched(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def watched(*args: Any, **keywords: Any) -> Any:
            self.add(f"logging.{name}", "")
            return function(*args, **keywords)

        return watched

    def _writing(self, write: Callable[[str], int], name: str) -> Callable[[str], int]:
        def writing(text: str) -> int:
            self.add(name, "")
            return write(text)

        return writing

    def _watched_method(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(method)
        def watched(logger: logging.Logger, handler: logging.Handler) -> Any:
            self.add(name, logger.name)
            return method(logger, handler)

        return watched

    @property
    def _setting(self) -> Callable[..., None]:
        def setting(logger: logging.Logger, name: str, value: Any) -> None:
            had = logger.__dict__
            if name in _WATCHED and name in had and had[name] is not value:
                self.add(name, logger.name)
            object.__setattr__(logger, name, value)

        return setting

    def _module(self) -> type[types.ModuleType]:
        trace = self

        class Watched(types.ModuleType):
            def __setattr__(self, name: str, value: Any) -> None:
                trace.add(f"logging.{name} =", "")
                super().__setattr__(name, value)

        return Watched


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_outside(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return not name.startswith(_INSIDE)


def _told(frame: FrameType | None) -> tuple[str, str]:
    if frame is None or frame.f_code.co_filename == "<string>":
        return "", ""
    name = frame.f_code.co_filename
    source = linecache.getline(name, frame.f_lineno, frame.f_globals).strip()
    return f"{short(name)}:{frame.f_lineno}", source[:200]


def short(path: str) -> str:
    """A path as people write it: from the folder of installed packages on, or from here."""
    for folder in ("site-packages", "dist-packages"):
        _, found, rest = path.rpartition(f"{os.sep}{folder}{os.sep}")
        if found:
            return rest
    here = os.getcwd() + os.sep
    return path.removeprefix(here)
