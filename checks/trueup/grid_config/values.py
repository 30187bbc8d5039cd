"""Reads single values of a configuration: each answers with the value, or reports what is wrong and answers `None`."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from trueup.grid_config.faults import Faults
from trueup.reading.tree import Member, Node, Object, Placeholder, described, pointer
from trueup.rules import nearest_hint

# Beyond it a whole number has no binary64 of its own, and programs begin to differ.
LARGEST_INTEGER = 2**53 - 1
LARGEST_MS = 1e300


def integer(faults: Faults, node: Node, at: str, *, least: int | None = None) -> int | None:
    """A whole number; `2.0` and `true` are none. `least`: the smallest that makes sense."""
    value = node.value
    if isinstance(value, Placeholder):
        faults.cannot_tell(at, value)
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, float) and not math.isfinite(value):
            faults.at("not-finite", at, node, f"{_shown(value)} where an integer belongs")
        else:
            faults.at("wrong-type", at, node, f"{described(value)} where an integer belongs", _integer_for(value))
        return None
    if abs(value) > LARGEST_INTEGER:
        faults.at("out-of-range", at, node, "an integer beyond 2^53 - 1, which not every program can hold exactly")
        return None
    if least is not None and value < least:
        faults.at("out-of-range", at, node, f"{value} where at least {least} is due")
        return None
    return value


def latency_ms(faults: Faults, node: Node, at: str) -> float | None:
    """A finite number of milliseconds, 0 or more."""
    value = node.value
    if isinstance(value, Placeholder):
        faults.cannot_tell(at, value)
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.at("wrong-type", at, node, f"{described(value)} where a number of milliseconds belongs")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        faults.at("not-finite", at, node, f"{_shown(value)} where a number of milliseconds belongs")
        return None
    if value < 0:
        faults.at("out-of-range", at, node, "a negative latency")
        return None
    if value > LARGEST_MS:
        faults.at("out-of-range", at, node, "a latency above 1e300 ms, with which programs cannot reckon")
        return None
    return float(value)


def items(faults: Faults, node: Node, at: str, what: str) -> list[Node] | None:
    """The items of a list."""
    value = node.value
    if isinstance(value, Placeholder):
        faults.cannot_tell(at, value)
        return None
    if not isinstance(value, list):
        faults.at("wrong-type", at, node, f"{described(value)} where {what} belongs")
        return None
    return value


def fields(
    faults: Faults,
    node: Node,
    at: str,
    known: Collection[str],
    elsewhere: Collection[str] = (),
    what: str = "an object",
) -> dict[str, Member] | None:
    """The members of an object by key, the last of equal ones. `elsewhere`: fields of the other mode."""
    value = node.value
    if isinstance(value, Placeholder):
        faults.cannot_tell(at or "/", value)
        return None
    if not isinstance(value, Object):
        faults.at("wrong-type", at, node, f"{described(value)} where {what} belongs")
        return None
    found: dict[str, Member] = {}
    for member in value.members:
        here = pointer(at, member.key)
        if member.key in found:
            faults.at("duplicate-key", here, member, f"the key {member.key!r} stands here twice; the last one counts")
        elif member.key in elsewhere:
            faults.at("other-mode-field", here, member, f"{member.key!r} belongs to the other mode")
        elif member.key not in known:
            hint = nearest_hint(member.key, list(known))
            suggestion = hint.removeprefix("did you mean ").rstrip("?").strip("'") if hint.startswith("did") else None
            faults.at("unknown-field", here, member, f"there is no field {member.key!r} here", suggestion)
        found[member.key] = member
    return found


def missing(faults: Faults, node: Node, at: str, names: Iterable[str]) -> None:
    """Reports required fields that an object lacks."""
    for name in names:
        # At the brace that opens the object: nothing stands where the field should.
        start = Node(None, node.start, node.start + 1)
        faults.at("missing-field", at, start, f"the field {name!r} is missing")


def _integer_for(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str) and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdecimal():
        return value.strip()
    return None


def _shown(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
