"""What `Hooked` is made of: messages, endpoints, and replays under way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
import zmq


@dataclass(frozen=True)
class Message:
    endpoint: str
    topic: str
    sequence: int
    publisher_id: int | None
    payload: bytes
    before: dict[str, Any] | None = None
    replayed: bool = False


class Envelope(msgspec.Struct):
    publisher_id: int
    sequence: int
    published_at: int
    topic: str
    payload: bytes


class MalformedMessage(Exception):
    """It is counted, and skipped."""


@dataclass
class Recovery:
    """A replay under way: what is next, and what was published meanwhile."""

    socket: zmq.Socket[bytes]
    next: int
    until_s: float
    held: list[Message]


@dataclass
class Source:
    """An endpoint."""

    endpoint: str
    replay_endpoint: str | None
    socket: zmq.Socket[bytes]
    monitor: zmq.Socket[bytes]
    last: int | None = None
    live: int | None = None  # the last that was published, and not replayed
    joined: int = -1  # up to which numbers were replayed
    is_uncertain: bool = False
    recovery: Recovery | None = None


@dataclass
class Stream:
    """A publisher's topic, in format B."""

    last: int
    seen: set[int] = field(default_factory=set)
    in_order: deque[int] = field(default_factory=deque)
