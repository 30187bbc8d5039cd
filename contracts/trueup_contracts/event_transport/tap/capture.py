"""Captures: the raw frames of a stream, as lines of JSON that a test can read back.

The first line is `{"capture": "trueup-events", "version": 1, "endpoints": […], "topic": …, "format": …,
"started_at": seconds since the epoch}`. Each other line has `at_s`, seconds since then, `from`, the number of the
endpoint from 0 on, and one of `frames` (a message as it was received), `replay` (a message of a replay as a DEALER
receives it) and `connected` (whether). Frames are in hex.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from trueup.errors import UsageError

NAME, VERSION = "trueup-events", 1
MAX_LINE_BYTES = 256 << 20
_MOST_S = 1e12


@dataclass(frozen=True)
class Item:
    """Something that happened at an endpoint, so many seconds after the start: a message, a reply, a connection."""

    at_s: float
    source: int
    frames: tuple[bytes, ...] = ()
    replay: tuple[bytes, ...] = ()
    connected: bool | None = None


@dataclass(frozen=True)
class Capture:
    """A stream that was recorded. `items` are read as they are asked for, once."""

    endpoints: tuple[str, ...]
    topic: str
    format: str
    started_at: float
    items: Iterator[Item] = field(default_factory=lambda: iter(()))

    def messages(self) -> list[tuple[bytes, ...]]:
        """The frames of every live message."""
        return [item.frames for item in self.items if item.frames]


class Writer:
    """Writes a capture; every line is in the file when the next one begins."""

    def __init__(self, path: str, endpoints: Sequence[str], topic: str, format: str, started_at: float) -> None:
        """`UsageError` where the file cannot be written."""
        try:
            self._file: IO[str] = open(path, "w", encoding="ascii", buffering=1)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from error
        self._path = path
        head = {"capture": NAME, "version": VERSION, "endpoints": list(endpoints), "topic": topic}
        self._write({**head, "format": format, "started_at": started_at})

    def add(self, item: Item) -> None:
        """One line more."""
        told: dict[str, Any] = {"at_s": round(item.at_s, 6), "from": item.source}
        if item.connected is not None:
            told["connected"] = item.connected
        elif item.replay:
            told["replay"] = [frame.hex() for frame in item.replay]
        else:
            told["frames"] = [frame.hex() for frame in item.frames]
        self._write(told)

    def close(self) -> None:
        """The file is whole."""
        self._file.close()

    def _write(self, told: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(told, separators=(",", ":")) + "\n")
        except OSError as error:
            raise UsageError(f"{self._path}: {error.strerror or error}") from error


def read_capture(path: str | Path) -> Capture:
    """A capture; `UsageError` names the line that cannot be read."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed where the last line is read
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    lines = _lines(file, str(path))
    head: Any = next(lines, (1, {}))[1]
    known = isinstance(head, dict) and head.get("capture") == NAME
    if not known or head.get("version") != VERSION:
        file.close()
        wrong = f"version {head.get('version')!r} is not known" if known else "its first line is no head of a capture"
        raise UsageError(f"{path}:1: {wrong}", hint="trueup events tap tcp://HOST:PORT --record FILE writes one")
    endpoints = head.get("endpoints")
    if not isinstance(endpoints, list) or not endpoints or not all(isinstance(one, str) for one in endpoints):
        file.close()
        raise UsageError(f"{path}:1: `endpoints` is no list of texts")
    topic, format, started = head.get("topic", ""), head.get("format", "auto"), head.get("started_at", 0)
    if not isinstance(topic, str) or format not in ("A", "B", "auto") or not _is_number(started):
        file.close()
        raise UsageError(f"{path}:1: `topic`, `format` or `started_at` is something else")
    items = (_item(f"{path}:{number}", told, len(endpoints)) for number, told in lines)
    return Capture(tuple(endpoints), topic, format, float(started), items)


def _lines(file: IO[bytes], path: str) -> Iterator[tuple[int, Any]]:
    with file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise UsageError(f"{path}:{number}: a line of more than {MAX_LINE_BYTES} bytes")
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{path}:{number}: it is no JSON: {error}") from error


def _item(place: str, told: Any, sources: int) -> Item:
    if not isinstance(told, dict):
        raise UsageError(f"{place}: a line is an object")
    at, source = told.get("at_s"), told.get("from", 0)
    if not _is_number(at):
        raise UsageError(f"{place}: `at_s` is no number of seconds")
    if not isinstance(source, int) or not 0 <= source < sources:
        raise UsageError(f"{place}: `from` is no number of an endpoint")
    assert isinstance(at, int | float)
    if isinstance(told.get("connected"), bool):
        return Item(float(at), source, connected=told["connected"])
    for name in ("frames", "replay"):
        if name in told:
            frames = _frames(place, name, told[name])
            made = Item(float(at), source)
            return replace(made, frames=frames) if name == "frames" else replace(made, replay=frames)
    raise UsageError(f"{place}: none of frames, replay and connected")


def _frames(place: str, name: str, value: Any) -> tuple[bytes, ...]:
    try:
        return tuple(bytes.fromhex(frame) for frame in value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{place}: `{name}` is no list of frames in hex: {error}") from error


def _is_number(value: Any) -> bool:
    """Within what a clock can tell: JSON has numbers of any length here, and NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST_S
