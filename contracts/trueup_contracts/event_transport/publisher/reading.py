"""What came of a publisher, taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from trueup_contracts.event_transport.codec import Decoded, Unreadable, decode
from trueup_contracts.event_transport.protocol import Format

END = b"\xff" * 8  # the number that no batch has: a replay's end
HEADER_BYTES, VERSION = 5, 1


@dataclass(frozen=True)
class Heard:
    """One message. `payload` is in B the envelope's inner one; `envelope` is `None` in A."""

    topic: bytes
    number: int
    payload: bytes
    publisher_id: int | None = None
    envelope: Any = None

    @property
    def frames(self) -> list[bytes]:
        """As they came, in format A."""
        return [self.topic, self.number.to_bytes(8, "big"), self.payload]


def decoded(message: Heard) -> Decoded:
    """A message of format A, with what its bytes looked like. `AssertionError` for what cannot be decoded."""
    try:
        return decode(message.frames, "A")
    except Unreadable as error:
        raise AssertionError(f"number {message.number} cannot be decoded: {error}: {shown(message.frames)}") from None


def shown(frames: Sequence[bytes]) -> str:
    """Frames for people: at most 40 bytes of each, in hex."""
    told = [f"{one[:40].hex()}{'…' if len(one) > 40 else ''} ({len(one)} bytes)" for one in frames]
    return f"[{', '.join(told)}]"


def read(frames: Sequence[bytes], format: Format = "A") -> Heard:
    """The message that these frames are. `AssertionError` says which frame is wrong."""
    due = 3 if format == "A" else 4
    names = "topic, number, payload" if format == "A" else "topic, publisher's id, number, envelope"
    assert len(frames) == due, f"a message of {len(frames)} frames came, {due} are due ({names}): {shown(frames)}"
    number = frames[-2]
    assert len(number) == 8, f"the number has {len(number)} bytes, 8 are due: {shown(frames)}"
    assert number != END, f"the number with all bits set is reserved: {shown(frames)}"
    if format == "A":
        return Heard(frames[0], int.from_bytes(number, "big"), frames[2])
    assert len(frames[1]) == 8, f"the publisher's id has {len(frames[1])} bytes, 8 are due: {shown(frames)}"
    header, body = frames[3][:HEADER_BYTES], frames[3][HEADER_BYTES:]
    assert len(header) == HEADER_BYTES, f"the last frame is shorter than its header: {shown(frames)}"
    assert header[0] == VERSION, f"the header's version is {header[0]}, {VERSION} is due: {shown(frames)}"
    length = int.from_bytes(header[1:], "big")
    assert length == len(body), f"the header tells {length} bytes, {len(body)} follow: {shown(frames)}"
    try:
        envelope = msgspec.msgpack.decode(body)
    except msgspec.DecodeError as error:
        raise AssertionError(f"the envelope is no MessagePack: {error}: {shown(frames)}") from None
    assert isinstance(envelope, dict), f"the envelope is a {type(envelope).__name__}, a map is due: {shown(frames)}"
    payload = envelope.get("payload")
    assert isinstance(payload, bytes), f"the envelope's payload is a {type(payload).__name__}, bytes are due"
    numbers = [int.from_bytes(one, "big") for one in frames[1:3]]
    return Heard(frames[0], numbers[1], payload, numbers[0], envelope)
