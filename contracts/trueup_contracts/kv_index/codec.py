"""Events, requests and answers over the wire: every hash and worker id there is `{"int": "…"}`, however small.

A number that is sometimes tagged and sometimes not is an adapter's first bug in JavaScript, where 7 and 7n differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trueup_contracts.wire.values import encoded

_TAGGED = frozenset({"worker_id", "parent_hash", "block_hash", "tokens_hash", "block_hashes", "local_hashes"})
_MOST_SHOWN = 12  # of a list


class Tagged:
    """An integer that is tagged over the wire whatever its size."""

    def __init__(self, value: int) -> None:
        self._value = value

    def to_wire(self) -> dict[str, str]:
        """The message's form."""
        return {"int": str(self._value)}


class Sent:
    """An argument of a call: as it is in process, tagged over the wire, and as Python in what is shown."""

    def __init__(self, name: str, value: Any) -> None:
        self._name = name
        self._value = value

    def to_local(self) -> Any:
        """What an implementation in this process is given."""
        return self._value

    def to_wire(self) -> Any:
        """The message's form."""
        return encoded(_tagged(self._value, self._name))

    def __repr__(self) -> str:
        """Python, with long lists cut."""
        return _python(self._value)


def from_wire(value: Any) -> Any:
    """The arguments of a message, as a Python adapter hands them on: they have lost their tags already."""
    return value


def to_wire(value: Any) -> Any:
    """An answer: matches as a list of objects, hashes and worker ids tagged."""
    if isinstance(value, Mapping) and all(isinstance(key, tuple) for key in value):
        value = [{"worker_id": key[0], "dp_rank": key[1], "depth": depth} for key, depth in value.items()]
    return _tagged(value, "")


def _tagged(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _tagged(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tagged(item, name) for item in value]
    return Tagged(value) if type(value) is int and name in _TAGGED else value


def _python(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_python(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        shown = [_python(item) for item in value[:_MOST_SHOWN]]
        more = [f"...  # and {len(value) - _MOST_SHOWN:,} more\n"] if len(value) > _MOST_SHOWN else []
        return f"[{', '.join([*shown, *more])}]"
    return f"{value:#x}" if type(value) is int and value >= 1 << 32 else repr(value)
