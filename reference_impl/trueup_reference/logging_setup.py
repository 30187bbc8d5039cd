"""Sets up logging for what runs on its own: a service, a worker, a demo. Importing this package sets up nothing.

```python
from trueup_reference.logging_setup import configure

configure()                        # the level of TRUEUP_LOG_LEVEL, or INFO; text on the standard error
configure("DEBUG", json=True)      # later, and anywhere: the same handler, with another level and form
```

It may be called as often as anybody likes, from any thread, and again in a forked or spawned process: there is one
handler, and nothing that an application has set up is touched. Records go on to the root logger too, unless
`propagate=False`.
"""

from __future__ import annotations

import json as json_module
import logging
import math
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

LEVEL_VARIABLE = "TRUEUP_LOG_LEVEL"
LOGGER = "trueup_reference"
_NAME = "trueup_reference.logging_setup"  # of the handler, by which it is found again after a reload of this module
_FORM = "%(asctime)s %(levelname)s %(name)s[%(process)d] %(message)s"
_DEPTH = 8  # of what an extra holds
_MOST = 200  # members of one collection in an extra
_MOST_BITS = 1 << 12  # of a number that is written as one
_MASK = "***"
# Keys and tokens by their form, and whatever stands in an environment variable that is named like a secret.
_SECRETS = re.compile(
    r"\b(?:hf_|sk-|ghp_|gho_|github_pat_|xox[abp]-|glpat-|AKIA|ASIA)[\w-]{12,}|(?<=Bearer )[\w.~+/=-]{8,}", re.ASCII
)
_SECRET_NAMES = re.compile(r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_KEY|ACCESS_KEY)(?:_|$)")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _lock() -> threading.Lock:
    """One lock for the life of the process, a reload of this module and forks of the process included."""
    kept = globals().get("_LOCK")
    if kept is not None:
        return kept  # type: ignore[no-any-return]
    made = threading.Lock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=made.acquire, after_in_parent=made.release, after_in_child=made.release)
    return made


_LOCK = _lock()


def configure(
    level: str | int | None = None, *, json: bool = False, propagate: bool = True, logger: str = LOGGER
) -> logging.Logger:
    """Writes records of this logger to the standard error, from this level on; the logger.

    `level`: a name, in capitals or not, or a number; `None` for what `TRUEUP_LOG_LEVEL` says, or INFO. `json`: one JSON
    object a line. `propagate`: whether the root logger's handlers get the records too. Secrets are masked. `ValueError`
    for a level that does not exist; nothing is set up then.
    """
    number = level_number(level)
    chosen = logging.getLogger(logger)
    with _LOCK:
        handler = next((one for one in chosen.handlers if one.get_name() == _NAME), None)
        if handler is None:
            handler = StandardErrorHandler()
            handler.set_name(_NAME)
            chosen.addHandler(handler)
        handler.setFormatter(JsonFormatter() if json else MaskingFormatter(_FORM))
        chosen.setLevel(number)
        chosen.propagate = propagate
    return chosen


# What the suite `logging-setup` is told.
configure.capabilities = frozenset({"level", "environment", "json", "redaction"})  # type: ignore[attr-defined]
configure.level_variable = LEVEL_VARIABLE  # type: ignore[attr-defined]


def level_number(level: str | int | None) -> int:
    """The number of a level; of the environment's for `None`. `ValueError` names what is wrong, and the levels."""
    given, where = level, "level"
    if given is None:
        given, where = os.environ.get(LEVEL_VARIABLE) or "INFO", LEVEL_VARIABLE
    known = logging.getLevelNamesMapping()
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise TypeError(f"{where} is a {type(given).__name__}; a name or a number is due")
    if isinstance(given, int):
        return given
    text = given.strip().upper()
    if text.isdecimal():
        return int(text)
    if text not in known:
        raise ValueError(
            f"{where}={given!r} is no level: {', '.join(sorted(known, key=known.__getitem__))}, or a number"
        )
    return known[text]


class StandardErrorHandler(logging.StreamHandler[TextIO]):
    """Writes to what the standard error is when it writes, each record by one write."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """The standard error, as it is now."""
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        raise AttributeError("this handler always writes to the standard error")

    def flush(self) -> None:
        """Writes what waits; there may be no standard error any more."""
        if sys.stderr is not None:
            super().flush()


def masked(text: str) -> str:
    """The text with every secret in it masked."""
    for name, value in os.environ.items():
        if len(value) >= 8 and value in text and _SECRET_NAMES.search(name.upper()):
            text = text.replace(value, _MASK)
    return _SECRETS.sub(_MASK, text)


class MaskingFormatter(logging.Formatter):
    """Text, with secrets masked, the lines of one record kept apart from other records by an indent."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, and those of its exception."""
        text = super().format(record).encode("utf-8", "backslashreplace").decode()
        return masked(text).replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """One JSON object, whatever the record holds: time (UTC, ISO 8601), level, logger, message, process, extra."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        found: dict[str, Any] = {
            "time": f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": _message(record),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        elif record.exc_text:
            found["exception"] = record.exc_text
        if record.stack_info:
            found["stack"] = self.formatStack(record.stack_info)
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if extra:
            found["extra"] = extra
        # Escaped to ASCII, and so in UTF-8 whatever the text: half a surrogate pair is written as its escape.
        return json_module.dumps(_plain(found, _DEPTH), allow_nan=False)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - somebody's __str__ or a wrong format, and the record must be written
        return f"{_shown(record.msg)} % {_shown(record.args)} ({type(error).__name__}: {_shown(error)})"


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - somebody's __repr__
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _plain(value: Any, depth: int) -> Any:
    """The value as JSON has it, with secrets masked; what it has no form for, as a text."""
    if value is None or isinstance(value, bool | int):
        # Python writes no more than some thousands of digits.
        return hex(value) if value is not None and value.bit_length() > _MOST_BITS else value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if depth > 0 and isinstance(value, Mapping):
        return {masked(str(key)): _plain(one, depth - 1) for key, one in [*value.items()][:_MOST]}
    if depth > 0 and isinstance(value, list | tuple | set | frozenset):
        return [_plain(one, depth - 1) for one in [*value][:_MOST]]
    return masked(_shown(value))
