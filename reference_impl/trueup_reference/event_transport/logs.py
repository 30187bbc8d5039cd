"""The transport's logger: silent until an application sets logging up, or `logging_setup.configure` is called.

A record's message is the event's name with its fields as `name=value`; `record.event` and `record.fields` hold the same
for programs. No field holds a payload or a key.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("trueup_reference.event_transport")
logger.addHandler(logging.NullHandler())


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
