"""Messages over the wire, for adapters in Python: an object's attributes become the keys of a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = ("endpoint", "topic", "sequence", "publisher_id", "payload")
_OPTIONAL = ("before", "replayed")


def from_wire(args: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments as they came."""
    return args


def to_wire(answer: Any) -> Any:
    """A received message as a mapping, everything else as it is."""
    return told(answer) if hasattr(answer, "payload") else answer


def told(message: Any) -> dict[str, Any]:
    """What is known of a message, be it an object or a mapping; names that it lacks are left out."""
    if isinstance(message, Mapping):
        return dict(message)
    return {name: getattr(message, name) for name in (*_NAMES, *_OPTIONAL) if hasattr(message, name)}
