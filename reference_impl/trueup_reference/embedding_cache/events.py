"""Structured log events of the cache, on its own logger, which is silent until an application listens to it.

A record's message is the event's name with its fields as `name=value`, for people; `record.event` and `record.fields`
hold the same for programs. No field ever holds a key, a tensor or anything else that a user sent.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("trueup_reference.embedding_cache")
logger.addHandler(logging.NullHandler())


def warn(event: str, **fields: int | float | str) -> None:
    """Something that an operator should look at."""
    _emit(logging.WARNING, event, fields)


def tell(event: str, **fields: int | float | str) -> None:
    """A change of state."""
    _emit(logging.INFO, event, fields)


def _emit(level: int, event: str, fields: dict[str, int | float | str]) -> None:
    if logger.isEnabledFor(level):
        text = " ".join([event, *(f"{name}={value}" for name, value in fields.items())])
        logger.log(level, "%s", text, extra={"event": event, "fields": fields}, stacklevel=3)
