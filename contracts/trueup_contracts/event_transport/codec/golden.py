"""The golden messages: bytes as engines write them, and what they mean. Where they come from stands beside each."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, NamedTuple

from trueup_contracts.event_transport.codec.message import Format
from trueup_contracts.wire.values import decoded

FOLDER = Path(__file__).parents[1] / "golden"
_MALFORMED = "malformed.json"


class Golden(NamedTuple):
    """A message with its meaning. `dialect`: of A; none for a batch without events in an array."""

    name: str
    source: dict[str, str]
    format: Format
    dialect: str | None
    frames: tuple[bytes, ...]
    message: dict[str, Any]


class Broken(NamedTuple):
    """A message that is none, and a part of what the kit's own decoder says of it.

    `level`: MUST for frames, MessagePack and the shape of batch, events and hashes; SHOULD for what some readers take.
    """

    name: str
    format: Format
    level: str
    frames: tuple[bytes, ...]
    wrong: str


@functools.cache
def golden() -> tuple[Golden, ...]:
    """Every golden message."""
    paths = sorted(path for path in FOLDER.glob("*.json") if path.name != _MALFORMED)
    return tuple(
        Golden(one["name"], one["source"], one["format"], one["dialect"], _bytes(one), decoded(one["message"]))
        for path in paths
        for one in json.loads(path.read_text(encoding="utf-8"))
    )


@functools.cache
def malformed() -> tuple[Broken, ...]:
    """Every malformed one."""
    cases = json.loads((FOLDER / _MALFORMED).read_text(encoding="utf-8"))
    return tuple(Broken(one["name"], one["format"], one["level"], _bytes(one), one["wrong"]) for one in cases)


def _bytes(case: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(frame) for frame in case["frames"])
