"""Messages as the kit's own publishers send them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

TOPIC = "kv"
END = b"\xff" * 8  # the sequence of a replay's end marker
packed = msgspec.msgpack.encode


def number(value: int) -> bytes:
    """8 bytes, big-endian."""
    return value.to_bytes(8, "big")


def batch(mark: int, tokens: int = 4) -> bytes:
    """A batch of one event in the array form, different for each mark below 2^32."""
    stored = ["BlockStored", [mark], None, [mark % 50_000] * tokens, tokens, None, "GPU"]
    return packed([1_764_000_000.0 + mark, [stored], None])


def frames_a(sequence: int, payload: bytes | None = None, topic: str = TOPIC) -> list[bytes]:
    """A message of format A; the payload is a batch marked with the sequence where none is given."""
    return [topic.encode(), number(sequence), batch(sequence % 2**32) if payload is None else payload]


def envelope(publisher_id: int, sequence: int, payload: bytes, topic: str = TOPIC) -> dict[str, Any]:
    """The envelope of format B."""
    return {
        "publisher_id": publisher_id,
        "sequence": sequence,
        "published_at": 1_764_000_000_000 + sequence % 1_000,
        "topic": topic,
        "payload": payload,
    }


def framed(body: bytes, *, version: int = 1, length: int | None = None) -> bytes:
    """The fourth frame of format B: its header and this body."""
    return bytes([version]) + (len(body) if length is None else length).to_bytes(4, "big") + body


def frames_b(publisher_id: int, sequence: int, payload: bytes | None = None, topic: str = TOPIC) -> list[bytes]:
    """A message of format B."""
    inner = batch(sequence % 2**32) if payload is None else payload
    body = packed(envelope(publisher_id, sequence, inner, topic))
    return [topic.encode(), number(publisher_id), number(sequence), framed(body)]


def told(frames: Sequence[bytes]) -> str:
    """Frames in hex, for people; long ones shortened."""
    shown = [f"{one[:24].hex()}… ({len(one):,} bytes)" if len(one) > 24 else one.hex() for one in frames]
    return f"[{', '.join(shown)}]"
