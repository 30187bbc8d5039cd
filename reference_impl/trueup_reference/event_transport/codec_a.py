"""Format A: batches of events to and from payloads and frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from trueup_reference.event_transport.errors import MalformedError
from trueup_reference.event_transport.fields import FIELDS
from trueup_reference.event_transport.limits import DEFAULT, END_SEQUENCE, SEQUENCE_BYTES, Limits
from trueup_reference.event_transport.messages import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    BlockTransferred,
    Dialect,
    Event,
    EventBatch,
    UnknownEvent,
)
from trueup_reference.event_transport.wire_events import (
    WireBatch,
    WireEvent,
    decode_payload,
    encode_payload,
)

_TYPES: dict[str, type[BlockStored | BlockRemoved | AllBlocksCleared | BlockTransferred]] = {
    "BlockStored": BlockStored,
    "BlockRemoved": BlockRemoved,
    "AllBlocksCleared": AllBlocksCleared,
    "BlockTransferred": BlockTransferred,
}
_LISTS = ("block_hashes", "token_ids")


class Parsed(NamedTuple):
    """The frames of one message, looked at but not decoded."""

    topic: str
    sequence: int
    payload: bytes


def decode_batch(payload: bytes, limits: Limits = DEFAULT) -> EventBatch:
    """The events of a payload, in whatever dialect. `MalformedError` for what is none."""
    read = decode_payload(payload, limits)
    events = tuple(_typed(one) for one in read.events)
    return EventBatch(
        ts=read.ts,
        events=events,
        data_parallel_rank=read.data_parallel_rank,
        unknown=read.unknown,
        dialect=read.dialect,
    )


def encode_batch(batch: EventBatch, dialect: Dialect = "map") -> bytes:
    """The payload of a batch; fields that have their default are left out. `ValueError` for what cannot be written."""
    events = [_wire_event(one) for one in batch.events]
    return encode_payload(WireBatch(batch.ts, events, batch.data_parallel_rank, batch.unknown, dialect), dialect)


def parse_frames(frames: Sequence[bytes], limits: Limits = DEFAULT) -> Parsed:
    """Topic, sequence and payload. `MalformedError` for anything but three frames that fit."""
    if len(frames) != 3:
        raise MalformedError(f"a message of {len(frames)} frames: format A has 3")
    topic, sequence, payload = frames
    if len(sequence) != SEQUENCE_BYTES:
        raise MalformedError(f"a sequence of {len(sequence)} bytes: 8 are due")
    number = int.from_bytes(sequence, "big")
    if number == END_SEQUENCE:
        raise MalformedError("the sequence is the reserved one, of all bits set")
    if len(topic) + SEQUENCE_BYTES + len(payload) > limits.message_bytes:
        raise MalformedError(f"a message of more than {limits.message_bytes:,} bytes")
    return Parsed(topic_text(topic, limits), number, payload)


def make_frames(topic: str, sequence: int, payload: bytes) -> list[bytes]:
    """The three frames. `ValueError` for a sequence that has no place in them."""
    if not 0 <= sequence < END_SEQUENCE:
        raise ValueError(f"the sequence {sequence} is not below 2^64 - 1")
    return [topic.encode(), sequence.to_bytes(SEQUENCE_BYTES, "big"), payload]


def topic_text(topic: bytes, limits: Limits = DEFAULT) -> str:
    """The topic of a frame."""
    if len(topic) > limits.topic_bytes:
        raise MalformedError(f"a topic of {len(topic):,} bytes: {limits.topic_bytes:,} are the most")
    try:
        return topic.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"the topic is no UTF-8: {error}") from error


def _typed(event: WireEvent) -> Event:
    kind = _TYPES.get(event.type)
    if kind is None:
        return UnknownEvent(type=event.type, unknown=event.unknown)
    fields: dict[str, Any] = dict(event.fields)
    for name in _LISTS:
        if name in fields:
            fields[name] = tuple(fields[name])
    return kind(**fields, unknown=event.unknown)


def _wire_event(event: Event) -> WireEvent:
    if isinstance(event, UnknownEvent):
        return WireEvent(event.type, {}, event.unknown)
    kind = type(event).__name__
    fields = {}
    for name, field in FIELDS[kind].items():
        value = getattr(event, name)
        if value is not None or field.is_always_written:
            fields[name] = value
    return WireEvent(kind, fields, event.unknown)
