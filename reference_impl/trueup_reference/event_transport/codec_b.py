"""Format B: the event plane's four frames, and the envelope in the last."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from trueup_reference.event_transport.codec_a import topic_text
from trueup_reference.event_transport.errors import MalformedError
from trueup_reference.event_transport.limits import DEFAULT, MOST_U64, SEQUENCE_BYTES, Limits

VERSION = 1
_HEADER = struct.Struct(">BI")


class _Written(msgspec.Struct, frozen=True):
    """The envelope; a reader ignores fields that it does not know."""

    publisher_id: int
    sequence: int
    published_at: int
    topic: str
    payload: bytes


_decoder = msgspec.msgpack.Decoder(_Written)
_encoder = msgspec.msgpack.Encoder()


class ParsedB(NamedTuple):
    """One message."""

    topic: str
    publisher_id: int
    sequence: int
    payload: bytes
    published_at_ms: int


def parse_frames_b(frames: Sequence[bytes], limits: Limits = DEFAULT) -> ParsedB:
    """The message that four frames are. `MalformedError` for anything else."""
    if len(frames) != 4:
        raise MalformedError(f"a message of {len(frames)} frames: format B has 4")
    topic, publisher, sequence, frame = frames
    if sum(map(len, frames)) > limits.message_bytes:
        raise MalformedError(f"a message of more than {limits.message_bytes:,} bytes")
    for name, number in (("publisher id", publisher), ("sequence", sequence)):
        if len(number) != SEQUENCE_BYTES:
            raise MalformedError(f"a {name} of {len(number)} bytes: 8 are due")
    if len(frame) < _HEADER.size:
        raise MalformedError(f"a frame of {len(frame)} bytes: its header alone has {_HEADER.size}")
    version, length = _HEADER.unpack_from(frame)
    if version != VERSION:
        raise MalformedError(f"version {version}: {VERSION} is known")
    if length != len(frame) - _HEADER.size:
        raise MalformedError(f"the header says {length:,} bytes, {len(frame) - _HEADER.size:,} follow")
    try:
        envelope = _decoder.decode(memoryview(frame)[_HEADER.size :])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedError(f"the envelope is none: {error}") from error
    text = topic_text(topic, limits)
    told = (int.from_bytes(publisher, "big"), int.from_bytes(sequence, "big"), text)
    if told != (envelope.publisher_id, envelope.sequence, envelope.topic):
        raise MalformedError("the envelope is of another topic, publisher or sequence than the frames before it")
    return ParsedB(text, told[0], told[1], envelope.payload, envelope.published_at)


def make_frames_b(topic: str, publisher_id: int, sequence: int, payload: bytes, published_at_ms: int) -> list[bytes]:
    """The four frames. `ValueError` for numbers that have no place in them."""
    for name, number in (("publisher_id", publisher_id), ("sequence", sequence), ("published_at_ms", published_at_ms)):
        if not 0 <= number <= MOST_U64:
            raise ValueError(f"{name} is {number}: 0 to 2^64 - 1 are possible")
    written = _encoder.encode(_Written(publisher_id, sequence, published_at_ms, topic, payload))
    return [
        topic.encode(),
        publisher_id.to_bytes(SEQUENCE_BYTES, "big"),
        sequence.to_bytes(SEQUENCE_BYTES, "big"),
        _HEADER.pack(VERSION, len(written)) + written,
    ]
