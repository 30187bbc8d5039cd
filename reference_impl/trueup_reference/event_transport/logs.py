"""The transport's logger: silent until an application listens to it, or `set_up_logging` does. Never the root logger.

A record's message is the event's name with its fields as `name=value`; `record.event` and `record.fields` hold the same
for programs. No field holds a payload or a key.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TextIO

logger = logging.getLogger("trueup_reference.event_transport")
logger.addHandler(logging.NullHandler())
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_lock = threading.Lock()
_handler: logging.StreamHandler[TextIO] | None = None


def set_up_logging(level: int | str = "INFO", stream: TextIO | None = None) -> None:
    """Writes the transport's records to a stream (standard error). Called again, it changes level and stream alone."""
    global _handler  # noqa: PLW0603 - one handler for one logger, however often this is called
    with _lock:
        if _handler is None:
            _handler = logging.StreamHandler(stream or sys.stderr)
            _handler.setFormatter(logging.Formatter(_FORMAT))
        else:
            _handler.setStream(stream or sys.stderr)
        logger.setLevel(level)
        if _handler not in logger.handlers:
            logger.addHandler(_handler)


def warn(event: str, **fields: int | float | str) -> None:
    """Something that an operator should look at."""
    _emit(logging.WARNING, event, fields)


def tell(event: str, **fields: int | float | str) -> None:
    """A change of state."""
    _emit(logging.INFO, event, fields)


def warn_seldom(event: str, count: int, **fields: int | float | str) -> None:
    """The first of its kind, then every thousandth: what a peer sends must not fill a disk."""
    if count % 1000 == 1:
        warn(event, count=count, **fields)


def _emit(level: int, event: str, fields: dict[str, int | float | str]) -> None:
    if logger.isEnabledFor(level):
        text = " ".join([event, *(f"{name}={value}" for name, value in fields.items())])
        logger.log(level, "%s", text, extra={"event": event, "fields": fields}, stacklevel=3)
