"""The stream for programs: an object a line, of the kinds connection, note, message, malformed, breach, summary."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trueup_contracts.event_transport.tap.findings import Finding
from trueup_contracts.event_transport.tap.replaying import Replay
from trueup_contracts.event_transport.tap.summary import told
from trueup_contracts.event_transport.tap.watching import Seen, Watch

_LARGEST = 1 << 53


def objects(seen: Seen, endpoint: str) -> Iterator[dict[str, Any]]:
    """What there is to say of a message."""
    lead = {"at": round(seen.at, 6), "endpoint": endpoint}
    if seen.message is None:
        yield {"kind": "malformed", **lead, "wrong": seen.wrong}
        return
    if seen.note is not None:
        yield {"kind": "note", **lead, "note": seen.note.kind, "missed": seen.note.missed, "told": seen.note.told}
    yield {
        "kind": "message",
        **lead,
        "format": seen.message.format,
        "dialect": seen.message.dialect,
        **seen.message.canonical(),
    }
    for breach in seen.breaches:
        yield {"kind": "breach", **lead, "law": breach.law, "sequence": breach.sequence, "told": breach.what}


def connection(endpoint: str, at: float, connected: bool) -> dict[str, Any]:
    """A connection that was made or lost."""
    return {"kind": "connection", "at": round(at, 6), "endpoint": endpoint, "connected": connected}


def summary(watch: Watch, replay: Replay | None, found: Sequence[Finding]) -> dict[str, Any]:
    """What was seen at an endpoint in the end."""
    told_findings = [{"level": one.level, "kind": one.kind, "told": one.what} for one in found]
    return {"kind": "summary", **told(watch, replay), "findings": told_findings}


def write(write_text: Callable[[str], Any], told: Mapping[str, Any]) -> None:
    """One line. ASCII: what a topic holds is spelt out, never acted out."""
    write_text(json.dumps(plain(told), separators=(",", ":"), ensure_ascii=True, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """The value in JSON, with the tags of the suites' wire: `{"float": "NaN"}`, `{"int": "…"}`, `{"b64": "…"}`."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value).replace("inf", "Infinity").replace("nan", "NaN")}
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= _LARGEST else {"int": str(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
