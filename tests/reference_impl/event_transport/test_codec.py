"""Batches survive every dialect, and nothing that is no message gets through."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup_reference.event_transport import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    BlockTransferred,
    EventBatch,
    MalformedError,
    UnknownEvent,
    canonical,
    decode_batch,
    encode_batch,
)
from trueup_reference.event_transport.codec_b import make_frames_b, parse_frames_b
from trueup_reference.event_transport.limits import Limits
from trueup_reference.event_transport.messages import Dialect, Event

DIALECTS: list[Dialect] = ["array", "map", "array_of_maps"]
HASHES = st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(min_size=1, max_size=32)
TEXTS = st.none() | st.text(max_size=8)
COUNTS = st.none() | st.integers(0, 1 << 40)
KEYS = st.none() | st.lists(st.none() | st.lists(st.text(max_size=4) | st.integers(0, 9), max_size=2), max_size=3)
STORED = st.builds(
    BlockStored,
    block_hashes=st.lists(HASHES, max_size=4).map(tuple),
    parent_block_hash=st.none() | HASHES,
    token_ids=st.lists(st.integers(0, 1 << 32), max_size=8).map(tuple),
    block_size=st.integers(0, 1024),
    lora_id=st.none() | st.integers(0, 99),
    medium=TEXTS,
    lora_name=TEXTS,
    extra_keys=KEYS,
    group_idx=COUNTS,
    kv_cache_spec_kind=TEXTS,
    kv_cache_spec_sliding_window=COUNTS,
    token_offset=COUNTS,
)
REMOVED = st.builds(BlockRemoved, block_hashes=st.lists(HASHES, max_size=4).map(tuple), medium=TEXTS, group_idx=COUNTS)
MOVED = st.builds(
    BlockTransferred,
    block_hashes=st.lists(HASHES, max_size=4).map(tuple),
    from_medium=TEXTS,
    to_medium=TEXTS,
    group_idx=COUNTS,
)
EVENTS: st.SearchStrategy[Event] = st.one_of(STORED, REMOVED, MOVED, st.builds(AllBlocksCleared, medium=TEXTS))
BATCHES = st.builds(
    EventBatch,
    ts=st.floats(allow_nan=False),
    events=st.lists(EVENTS, max_size=4).map(tuple),
    data_parallel_rank=COUNTS,
)


@given(BATCHES, st.sampled_from(DIALECTS))
@settings(deadline=None, max_examples=60)
def test_a_batch_survives_every_dialect(batch: EventBatch, dialect: Dialect) -> None:
    found = decode_batch(encode_batch(batch, dialect))
    assert msgspec.structs.replace(found, dialect="map") == msgspec.structs.replace(batch, dialect="map")
    if batch.events:
        assert found.dialect == dialect


@given(BATCHES, st.sampled_from(DIALECTS), st.text(max_size=8), st.integers(0, (1 << 64) - 2))
@settings(deadline=None, max_examples=60)
def test_canonical_form_loses_nothing(batch: EventBatch, dialect: Dialect, topic: str, sequence: int) -> None:
    frames = [topic.encode(), sequence.to_bytes(8, "big"), encode_batch(batch, dialect)]
    assert canonical.encode(canonical.decode(frames, "A"), "A", dialect) == frames


@given(BATCHES, st.data())
@settings(deadline=None, max_examples=60)
def test_what_is_cut_off_or_changed_is_read_or_malformed(batch: EventBatch, data: st.DataObject) -> None:
    payload = bytearray(encode_batch(batch, data.draw(st.sampled_from(DIALECTS))))
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] = data.draw(st.integers(0, 255))
    for changed in (bytes(payload), bytes(payload[:at])):
        with contextlib.suppress(MalformedError):
            assert decode_batch(changed).ts is not None


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=60)
def test_noise_is_malformed(noise: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_batch(noise + b"\xc1")


def written(*events: Any, **more: Any) -> bytes:
    return msgspec.msgpack.encode({"ts": 1.5, "events": list(events), **more})


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "the payload is no MessagePack"),
        (b"\x91" * 5000, "the payload is no MessagePack"),
        (b"\xdd\xff\xff\xff\xff", "the payload is no MessagePack"),
        (written() + b"\0", "the payload is no MessagePack"),
        (msgspec.msgpack.encode(7), "a batch is a int: a map or an array is due"),
        (msgspec.msgpack.encode([]), "ts is a NoneType: seconds are due"),
        (msgspec.msgpack.encode({"ts": True, "events": []}), "ts is a bool: seconds are due"),
        (msgspec.msgpack.encode({"ts": 1.0}), "events is a NoneType: a list is due"),
        (written(data_parallel_rank="0"), "data_parallel_rank is '0': an integer from 0 on, or nil is due"),
        (written(None), "an event is a NoneType: a map, or an array that begins with its type, is due"),
        (written([]), "an event is a list: a map, or an array that begins with its type, is due"),
        (written({}), "an event without its type"),
        (written([1]), "an event without its type"),
        (written({"type": "BlockRemoved"}), "a BlockRemoved without block_hashes"),
        (
            written({"type": "BlockRemoved", "block_hashes": [1.0]}),
            "block_hashes of a BlockRemoved is a list: a list of integers or bytes is due",
        ),
        (
            written(["BlockRemoved", [1], 7]),
            "medium of a BlockRemoved is a int: a text or nil is due",
        ),
    ],
)
def test_what_is_no_batch_is_told(payload: bytes, said: str) -> None:
    with pytest.raises(MalformedError) as told:
        decode_batch(payload)
    assert str(told.value).startswith(said)


def test_a_payload_that_is_too_large_is_not_even_decoded() -> None:
    with pytest.raises(MalformedError) as told:
        decode_batch(b"\xc1" * 101, Limits(message_bytes=100))
    assert str(told.value) == "a payload of 101 bytes: 100 are the most"


def test_what_is_not_known_is_kept() -> None:
    payload = written(
        {"type": "BlockRemoved", "block_hashes": [1], "medium": "GPU", "new": [1, {"a": None}]},
        {"type": "Tomorrow", "x": 1},
        later=True,
    )
    found = decode_batch(payload)
    assert found.unknown == {"later": True}
    assert found.events == (
        BlockRemoved(block_hashes=(1,), medium="GPU", unknown={"new": [1, {"a": None}]}),
        UnknownEvent(type="Tomorrow", unknown={"x": 1}),
    )
    assert decode_batch(encode_batch(found)) == found
    beyond = decode_batch(msgspec.msgpack.encode([1.5, [["BlockRemoved", [1], "GPU", 0, "new"]], 0, "later"]))
    assert (beyond.unknown, beyond.events[0].unknown) == ({"3": "later"}, {"4": "new"})
    assert decode_batch(encode_batch(beyond, "array")) == beyond


def test_arrays_have_one_length_and_vllms_readers_find_what_they_need() -> None:
    batch = EventBatch(ts=1.0, events=(BlockStored(block_hashes=(1,), token_ids=(), block_size=4),))
    assert msgspec.msgpack.decode(encode_batch(batch, "array")) == [
        1.0,
        [["BlockStored", [1], None, [], 4, *[None] * 7]],
        None,
    ]
    assert msgspec.msgpack.decode(encode_batch(batch)) == {
        "ts": 1.0,
        "events": [
            {
                "type": "BlockStored",
                "block_hashes": [1],
                "parent_block_hash": None,
                "token_ids": [],
                "block_size": 4,
                "lora_id": None,
                "medium": None,
                "lora_name": None,
            }
        ],
    }


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (BlockRemoved(block_hashes=(1 << 64,)), "the batch cannot be written"),
        (
            BlockStored(block_hashes=(), token_ids=(), block_size=1, cache_salt="s"),
            "cache_salt has no place in an array",
        ),
        (AllBlocksCleared(unknown={"new": 1}), "the field 'new' has no place in an array"),
        (AllBlocksCleared(unknown={"999": 1}), "the field '999' has no place in an array"),
    ],
)
def test_what_an_array_cannot_hold_is_refused(event: Event, said: str) -> None:
    with pytest.raises(ValueError) as told:  # noqa: PT011 - its text is compared
        encode_batch(EventBatch(ts=1.0, events=(event,)), "array")
    assert str(told.value).startswith(said)


U64 = st.integers(0, (1 << 64) - 1)


@given(st.text(max_size=8), U64, U64, st.binary(max_size=64), U64)
@settings(deadline=None, max_examples=60)
def test_format_b_survives(topic: str, publisher: int, sequence: int, payload: bytes, at_ms: int) -> None:
    frames = make_frames_b(topic, publisher, sequence, payload, at_ms)
    assert parse_frames_b(frames) == (topic, publisher, sequence, payload, at_ms)
    assert canonical.encode(canonical.decode(frames, "B"), "B", "map") == frames


@pytest.mark.parametrize(
    ("at", "frame", "said"),
    [
        (1, bytes(7), "a publisher id of 7 bytes: 8 are due"),
        (2, b"", "a sequence of 0 bytes: 8 are due"),
        (3, b"\1\0\0", "a frame of 3 bytes: its header alone has 5"),
        (3, b"\2\0\0\0\0", "version 2: 1 is known"),
        (3, b"\1\0\0\0\x09x", "the header says 9 bytes, 1 follow"),
        (3, b"\1\0\0\0\1\xc1", "the envelope is none"),
        (0, b"other", "the envelope is of another topic, publisher or sequence"),
        (1, bytes(8), "the envelope is of another topic, publisher or sequence"),
    ],
)
def test_what_is_no_message_of_b_is_told(at: int, frame: bytes, said: str) -> None:
    frames = make_frames_b("kv", 7, 3, b"x", 1)
    frames[at] = frame
    with pytest.raises(MalformedError) as told:
        parse_frames_b(frames)
    assert str(told.value).startswith(said)
    with pytest.raises(MalformedError, match="a message of 3 frames"):
        parse_frames_b(frames[:3])
