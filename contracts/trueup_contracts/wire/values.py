"""Values as the wire carries them: what JSON, or JavaScript's reading of it, cannot tell apart is tagged.

`{"float": "NaN"}` and `{"float": "1.0"}` are floats that are not finite or have no fraction, `{"int": "…"}` is an
integer beyond 2^53, `{"b64": "…"}` are bytes. Everything else is plain JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

TAGS = ("float", "int", "b64")
LARGEST_PLAIN_INT = 1 << 53
_MOST_DIGITS = 4_000  # of an integer; Python itself refuses to read more than 4,300


def encoded(value: Any) -> Any:
    """The value with its tags. `TypeError` for what the wire does not carry."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_PLAIN_INT else {"int": str(value)}
    if isinstance(value, float):
        plain = math.isfinite(value) and not value.is_integer()
        return value if plain else {"float": _float_text(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"b64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)) in TAGS:
            raise TypeError(f"{value!r} looks like a tag of the wire")
        return {_key(name): encoded(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encoded(item) for item in value]
    if hasattr(value, "to_wire"):
        return value.to_wire()
    raise TypeError(f"the wire does not carry a {type(value).__name__}")


def decoded(value: Any) -> Any:
    """The value without its tags. `ValueError` for a tag that holds something else."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, text)] = value.items()
        if name in TAGS:
            return _untagged(name, text)
    return {name: decoded(item) for name, item in value.items()}


def dumps(message: Mapping[str, Any]) -> bytes:
    """One line, with its end."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def loads(line: bytes) -> Any:
    """The JSON value of a line. `ValueError` for what is none: also for NaN, duplicate keys and endless nesting."""
    try:
        return json.loads(line, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _untagged(name: str, text: Any) -> Any:
    if not isinstance(text, str):
        raise ValueError(f"the tag {name!r} holds {text!r}, not a text")
    if name == "float":
        return float(text)
    if name == "int":
        if len(text) > _MOST_DIGITS:
            raise ValueError(f"the tag 'int' holds {len(text)} digits; {_MOST_DIGITS} are the most")
        return int(text)
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"the tag 'b64' holds no base64: {error}") from None


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the key {name!r} is no text")
    return name


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not JSON; write {{"float": "{name}"}}')


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return found
