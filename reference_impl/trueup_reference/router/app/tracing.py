"""W3C Trace Context: what a client sent goes on to the workers as it is, where it is well formed."""

from __future__ import annotations

import re
from collections.abc import Iterable

# https://www.w3.org/TR/trace-context/: version, trace id, parent id, flags; a later version may have more behind it.
_FORM = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_LONGEST = 512


def traceparent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The header's value; `None` where there is none, several, or one that the standard says to ignore."""
    found = [value for name, value in headers if name == b"traceparent"]
    if len(found) != 1 or len(found[0]) > _LONGEST:
        return None
    value = found[0].strip(b" \t")
    form = _FORM.fullmatch(value)
    if form is None or (form[1] == b"00" and form[3] is not None):
        return None
    return value.decode("latin-1")


def trace_id(parent: str | None) -> str | None:
    """The part of it that a log is searched by."""
    return None if parent is None else parent.split("-")[1]


def tracestate(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The header's value, several joined; `None` where there is none that can be sent on. Only beside a traceparent."""
    value = b",".join(value for name, value in headers if name == b"tracestate")
    if not value or len(value) > _LONGEST or not value.isascii() or not value.decode().isprintable():
        return None
    return value.decode()
