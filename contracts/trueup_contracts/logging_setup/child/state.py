"""What logging is set to, as plain data, before and after something that should have left it alone."""

from __future__ import annotations

import logging
import warnings
from typing import Any

_CLASSES = (
    "Filter",
    "Filterer",
    "FileHandler",
    "Formatter",
    "Handler",
    "LogRecord",
    "Logger",
    "Manager",
    "StreamHandler",
)


def loggers() -> dict[str, logging.Logger]:
    """Every logger by name, the root logger as `""`."""
    named = logging.root.manager.loggerDict.items()
    return {"": logging.root, **{name: one for name, one in named if isinstance(one, logging.Logger)}}


def told(handler: logging.Handler) -> str:
    """A handler, as people know it."""
    formatter = handler.formatter
    written = (
        f", {type(formatter).__name__}" if formatter is not None and type(formatter) is not logging.Formatter else ""
    )
    return f"{handler!r}{written}"


def of(logger: logging.Logger) -> dict[str, Any]:
    """A logger's settings; `ids` tell handlers and filters apart that look the same."""
    return {
        "level": logging.getLevelName(logger.level),
        "propagate": bool(logger.propagate),
        "disabled": bool(logger.disabled),
        "handlers": [told(one) for one in logger.handlers],
        "null": [type(one) is logging.NullHandler for one in logger.handlers],
        "ids": [id(one) for one in (*logger.handlers, *logger.filters)],
    }


def all_loggers() -> dict[str, dict[str, Any]]:
    """The settings of every logger."""
    return {name: of(one) for name, one in loggers().items()}


class Switches:
    """What holds for the whole process."""

    def __init__(self) -> None:
        """As it is now."""
        self._classes = {name: dict(vars(getattr(logging, name))) for name in _CLASSES}
        self._switches = self._now()
        self._warnings = warnings.showwarning

    def changed(self) -> dict[str, Any]:
        """What is otherwise by now: `switches` and `classes` in words, and whether `warnings` go elsewhere."""
        now = self._now()
        switches = [
            f"{name}: {self._switches[name]}, now {now[name]}" for name in now if now[name] != self._switches[name]
        ]
        classes = []
        for name, before in self._classes.items():
            after = vars(getattr(logging, name))
            for attribute in before:
                if attribute not in after or after[attribute] is not before[attribute]:
                    was, found = _shown(before[attribute]), _shown(after.get(attribute, "gone"))
                    classes.append(f"logging.{name}.{attribute}: {was}, now {found}")
        shows: Any = warnings.showwarning
        elsewhere = "" if shows is self._warnings else _shown(shows)
        return {"switches": switches, "classes": classes, "warnings": elsewhere}

    @staticmethod
    def _now() -> dict[str, str]:
        names = {logging.getLevelName(level) for level in (10, 20, 30, 40, 50)}
        last: Any = logging.lastResort
        return {
            "logging.getLoggerClass()": _shown(logging.getLoggerClass()),
            "the class of new loggers": _shown(logging.root.manager.loggerClass or logging.getLoggerClass()),
            "logging.getLogRecordFactory()": _shown(logging.getLogRecordFactory()),
            "logging.disable": logging.getLevelName(logging.root.manager.disable),
            "logging.lastResort": f"{last!r}",
            "logging.raiseExceptions": f"{logging.raiseExceptions}",
            "the names of the levels": " ".join(sorted(map(ascii, names))),
            "logging.root": f"{logging.root!r}".partition(" (")[0],
        }


def _shown(value: Any) -> str:
    if isinstance(value, str | int | bool | None):
        return repr(value)
    module = getattr(value, "__module__", "")
    return f"{module}.{getattr(value, '__qualname__', type(value).__name__)}"
