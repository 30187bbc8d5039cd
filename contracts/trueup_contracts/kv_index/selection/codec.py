"""Ids and hashes of 64 bits as the wire carries them: always `{"int": "…"}`, however small they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


class Told:
    """An argument: as it is in this process, and over the wire with its ids and hashes tagged by `tagged`."""

    def __init__(self, value: Any, tagged: Callable[[Any], Any]) -> None:
        self._value = value
        self._tagged = tagged

    def to_local(self) -> Any:
        """As it is."""
        return self._value

    def to_wire(self) -> Any:
        """With tags."""
        from trueup_contracts.wire.values import encoded

        return encoded(self._tagged(self._value))

    def __repr__(self) -> str:
        """Python that makes the value."""
        return repr(self._value)


class _Id:
    def __init__(self, number: int) -> None:
        self._number = number

    def to_wire(self) -> dict[str, str]:
        return {"int": str(self._number)}


def request(value: Any) -> Told:
    """A request for `select`."""
    return Told(value, _request)


def overlaps(value: Any) -> Told:
    """The overlaps for `select`."""
    return Told(value, lambda given: _each(given, _overlap))


def candidates(value: Any) -> Told:
    """The candidates for `select`."""
    return Told(value, lambda given: _each(given, _worker))


def worker(value: Any) -> Told:
    """A worker for `active`."""
    return Told(value, _worker)


def worker_id(value: Any) -> Told:
    """A worker's id for `remove_worker`."""
    return Told(value, _tagged)


def from_wire(value: Any) -> Any:
    """The arguments of a message, whose tags have been read already."""
    return value


def to_wire(value: Any) -> Any:
    """An answer, with the worker's id tagged."""
    is_worker = isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == 2
    return _worker(value) if is_worker else value


def _tagged(value: Any) -> Any:
    return _Id(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _worker(value: Any) -> Any:
    is_pair = isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == 2
    return [_tagged(value[0]), value[1]] if is_pair else value


def _each(values: Any, of: Callable[[Any], Any]) -> Any:
    is_list = isinstance(values, Sequence) and not isinstance(values, str | bytes)
    return [of(value) for value in values] if is_list else values


def _overlap(value: Any) -> Any:
    if not isinstance(value, Mapping) or "worker_id" not in value:
        return value
    return {**value, "worker_id": _tagged(value["worker_id"])}


def _request(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    told = dict(value)
    if "seq_hashes" in told:
        told["seq_hashes"] = _each(told["seq_hashes"], _tagged)
    if "pinned" in told:
        told["pinned"] = _worker(told["pinned"])
    return told
