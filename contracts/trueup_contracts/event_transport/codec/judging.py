"""Whether what an implementation says of a message is what the message says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trueup_contracts.event_transport.codec.fields import I64_MAX, by_name

_MISSING = object()


def same(found: Any, due: Any, *, keeps_unknown: bool = True) -> str | None:
    """What differs, in words; nothing where they say the same.

    `{"i64": "1"}` and `{"u64": "1"}` are the same bytes. A field of nil and one that is not there mean the same, and
    a field may be told by its name or under `unknown`. `keeps_unknown`: what only some readers know has to be there.
    """
    if not isinstance(found, Mapping):
        return f"it answered {found!r}; a mapping is due"
    for name in ("topic", "sequence", "publisher_id"):
        told, right = found.get(name, _MISSING), due[name]
        if type(told) is not type(right) or told != right:
            return _differs(name, told, right)
    batch, right = found.get("batch"), due["batch"]
    if not isinstance(batch, Mapping):
        return _differs("batch", batch, "a mapping")
    if "events" not in right:
        return _plane(batch, right)
    return _batch(batch, right, keeps_unknown)


def _plane(batch: Mapping[str, Any], due: Mapping[str, Any]) -> str | None:
    for name, right in due.items():
        told = batch.get(name, _MISSING)
        if (bytes(told) if isinstance(told, bytearray | memoryview) else told) != right:
            return _differs(f"batch.{name}", told, right)
    return None


def _batch(batch: Mapping[str, Any], due: Mapping[str, Any], keeps_unknown: bool) -> str | None:
    told = batch.get("ts", _MISSING)
    if not isinstance(told, float) or not equal(told, due["ts"]):
        return _differs("batch.ts", told, due["ts"])
    if batch.get("data_parallel_rank") != due["data_parallel_rank"]:
        return _differs("batch.data_parallel_rank", batch.get("data_parallel_rank"), due["data_parallel_rank"])
    events = batch.get("events")
    if not isinstance(events, Sequence) or isinstance(events, str):
        return _differs("batch.events", events, "a list")
    tags = [event.get("type") if isinstance(event, Mapping) else event for event in events]
    right = [event["type"] for event in due["events"]]
    if not keeps_unknown:  # who does not know an event may leave it out
        events = [event for event, tag in zip(events, tags, strict=True) if tag not in right or by_name(str(tag))]
        due_events = [event for event in due["events"] if by_name(event["type"])]
        tags, right = [event["type"] for event in events], [event["type"] for event in due_events]
    else:
        due_events = due["events"]
    if tags != right:
        return _differs("the types of the events", tags, right)
    for index, (event, wanted) in enumerate(zip(events, due_events, strict=True)):
        wrong = _event(event, wanted, keeps_unknown)
        if wrong is not None:
            return f"batch.events[{index}].{wrong}"
    return _unknown("batch.unknown", batch, due, {}) if keeps_unknown else None


def _event(event: Mapping[str, Any], due: Mapping[str, Any], keeps_unknown: bool) -> str | None:
    told = {**event.get("unknown", {}), **event}
    for name, right in due.items():
        if name in ("type", "unknown"):
            continue
        found = told.get(name)
        if name == "block_hashes":
            wrong = _hashes(found, right)
        elif name == "parent_block_hash":
            wrong = hash_differs(found, right)
        else:
            wrong = None if equal(found, right) else ""
        if wrong is not None:
            return _differs(f"{name}{wrong}", found, right) if wrong == "" else f"{name}{wrong}"
    extra = [
        name
        for name, value in event.items()
        if name not in ("type", "unknown") and name not in due and name not in due["unknown"] and value is not None
    ]
    if extra:
        return f"{extra[0]} is {event[extra[0]]!r}, and the message has none"
    return _unknown("unknown", event, due, told) if keeps_unknown else None


def _unknown(place: str, found: Mapping[str, Any], due: Mapping[str, Any], told: Mapping[str, Any]) -> str | None:
    kept = {**told, **found.get("unknown", {})}
    for name, right in due["unknown"].items():
        if not equal(kept.get(name), right):
            return _differs(f"{place}.{name}", kept.get(name, _MISSING), right)
    return None


def _hashes(found: Any, due: Sequence[Any]) -> str | None:
    if not isinstance(found, Sequence) or isinstance(found, str):
        return f" is {_shown(found)}; a list of hashes is due"
    if len(found) != len(due):
        return f" has {len(found)} hashes; {len(due)} are due"
    for index, (one, right) in enumerate(zip(found, due, strict=True)):
        wrong = hash_differs(one, right)
        if wrong is not None:
            return f"[{index}]{wrong}"
    return None


def hash_differs(found: Any, due: Any) -> str | None:
    """What differs between two hashes in canonical form, in words."""
    if found is None or due is None:
        return None if found is due else f" is {_shown(found)}; {_shown(due)} is due"
    if not isinstance(found, Mapping) or len(found) != 1 or _number(found) != _number(due):
        return f" is {_shown(found)}; {_shown(due)} is due"
    return None


def _number(tagged: Mapping[str, Any]) -> Any:
    """A hash that two spellings of it have in common."""
    [(kind, text)] = tagged.items()
    if kind not in ("i64", "u64") or not isinstance(text, str):
        return kind, text.lower() if isinstance(text, str) else text
    try:
        number = int(text)
    except ValueError:
        return kind, text
    fits = number <= I64_MAX if kind == "i64" else number >= 0
    return number if fits else (kind, text)


def equal(found: Any, due: Any) -> bool:
    """Whether two values are of one type and the same; lists and tuples are one type."""
    if isinstance(due, float):
        is_nan = math.isnan(due) and isinstance(found, float) and math.isnan(found)
        return is_nan or (isinstance(found, float) and found == due)
    if isinstance(due, bool) or isinstance(found, bool):
        return found is due
    if isinstance(due, list | tuple):
        return (
            isinstance(found, list | tuple)
            and len(found) == len(due)
            and all(equal(one, right) for one, right in zip(found, due, strict=True))
        )
    if isinstance(due, Mapping):
        return (
            isinstance(found, Mapping)
            and set(found) == set(due)
            and all(equal(found[name], right) for name, right in due.items())
        )
    if isinstance(due, bytes) and isinstance(found, bytearray | memoryview):
        return bytes(found) == due
    return type(found) is type(due) and bool(found == due)


def _differs(place: str, found: Any, due: Any) -> str:
    return f"{place} is {_shown(found)}; {_shown(due)} is due"


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "not there"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
