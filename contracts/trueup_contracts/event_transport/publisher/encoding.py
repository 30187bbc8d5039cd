"""What a publisher makes of a message: EP-101 to EP-113."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.event_transport.codec import DIALECTS, Decoded, Format, Unreadable, decode
from trueup_contracts.event_transport.codec.calls import SIMPLE, Writer
from trueup_contracts.event_transport.codec.fields import U64_MAX
from trueup_contracts.event_transport.codec.golden import Golden, golden
from trueup_contracts.event_transport.codec.judging import equal, same
from trueup_contracts.event_transport.codec.messagepack import read
from trueup_contracts.event_transport.codec.strategies import messages, planes
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject


@requirement("EP-101")
def test_some_dialect_is_written(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    dialects = writer.dialects()
    assert dialects, f"none of {', '.join(DIALECTS)} is written"
    for dialect in dialects:
        _says(writer.encode(SIMPLE, "A", dialect), SIMPLE, dialect)


@requirement("EP-102")
def test_every_dialect_is_written(trueup_subject: Subject) -> None:
    lacking = sorted(set(DIALECTS) - set(Writer(trueup_subject).dialects()))
    assert not lacking, f"refused: {', '.join(lacking)}"


@requirement("EP-103")
def test_the_named_dialect_is_written(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    for dialect in writer.dialects():
        found = _read(writer.encode(SIMPLE, "A", dialect), "A", dialect)
        assert found.dialect == dialect, f"{found.dialect} is written; {dialect} was asked for"


@requirement("EP-104")
def test_frames_are_topic_number_and_payload(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    for dialect in writer.dialects():
        for number, topic in ((0, ""), (258, "kv@10.0.0.1:8000@m"), (1 << 63, "ü"), (U64_MAX - 1, "kv")):
            frames = writer.encode({**SIMPLE, "topic": topic, "sequence": number}, "A", dialect)
            told = [frame.hex() for frame in frames[:2]]
            due = [topic.encode().hex(), number.to_bytes(8, "big").hex()]
            assert len(frames) == 3, f"{len(frames)} frames; topic, sequence and payload are due"
            assert told == due, f"sequence {number}, topic {topic!r}: the frames {told}; {due} are due"


@requirement("EP-105")
def test_everything_that_is_told_is_written(trueup_subject: Subject) -> None:
    for _, case, found in _written(trueup_subject):
        wrong = same(found.canonical(), case.message, keeps_unknown=False)
        assert wrong is None, f"{case.name}: {wrong}"


@requirement("EP-106")
def test_what_is_unknown_is_written_too(trueup_subject: Subject) -> None:
    for _, case, found in _written(trueup_subject):
        wrong = same(found.canonical(), case.message)
        assert wrong is None, f"{case.name}: {wrong}"


@requirement("EP-107")
def test_a_time_is_a_float_of_64_bits(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    for dialect in writer.dialects():
        for ts in (1.0, 0.1, 1_789_095_808.8378847):
            message = {**SIMPLE, "batch": {**SIMPLE["batch"], "ts": ts}}
            payload = writer.encode(message, "A", dialect)[-1]
            value = read(payload)
            found = value[0] if isinstance(value, list) else value["ts"]
            assert isinstance(found, float), f"{ts!r} is written as {found!r}, an integer"
            assert found == ts, f"{ts!r} is written as {found!r}"


@requirement("EP-108")
def test_a_tag_has_one_shape(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    if "array" not in writer.dialects():
        return
    shapes: dict[str, set[str]] = {}
    optional = {
        "lora_id": 1,
        "medium": "GPU",
        "lora_name": "a",
        "extra_keys": [["s"]],
        "group_idx": 1,
        "kv_cache_spec_kind": "full_attention",
        "kv_cache_spec_sliding_window": 128,
    }
    stored, removed, cleared = SIMPLE["batch"]["events"]
    bare = {name: value for name, value in stored.items() if name not in optional}
    for count in range(len(optional) + 1):
        given = dict(list(optional.items())[:count])
        both = {name: value for name, value in given.items() if name in ("medium", "group_idx")}
        events = [{**bare, **given}, {**{k: v for k, v in removed.items() if k != "medium"}, **both}, cleared]
        message = {**SIMPLE, "batch": {**SIMPLE["batch"], "events": events}}
        for tag, shape in _read(writer.encode(message, "A", "array"), "A", "an array").shapes:
            shapes.setdefault(tag, set()).add(shape)
    two = {tag: sorted(several) for tag, several in shapes.items() if len(several) > 1}
    assert not two, f"one tag, several shapes: {two}"


@requirement("EP-109")
def test_what_cannot_be_written_is_refused(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    stored = SIMPLE["batch"]["events"][0]
    for dialect in writer.dialects():
        for name, message in {
            "a hash of 65 bits": _with(stored, block_hashes=[{"u64": str(1 << 64)}]),
            "a hash below -2^63": _with(stored, block_hashes=[{"i64": str(-(1 << 63) - 1)}]),
            "a signed hash of 2^63": _with(stored, block_hashes=[{"i64": str(1 << 63)}]),
            "a negative unsigned hash": _with(stored, parent_block_hash={"u64": "-1"}),
            "the number of the end marker": {**SIMPLE, "sequence": U64_MAX},
            "a number of 65 bits": {**SIMPLE, "sequence": 1 << 64},
            "a negative number": {**SIMPLE, "sequence": -1},
        }.items():
            _refused(writer, message, dialect, name)


@requirement("EP-110")
def test_what_is_written_can_be_read(trueup_subject: Subject, trueup_profile: Profile) -> None:
    writer = Writer(trueup_subject)
    dialects = writer.dialects()
    assert dialects, "no dialect is written"

    def holds(message: dict[str, Any], dialect: str) -> None:
        _says(writer.encode(message, "A", dialect), message, dialect)

    trueup_profile.check(holds, message=messages(), dialect=st.sampled_from(dialects))


@requirement("EP-111")
def test_the_event_plane_is_written(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    for case in golden():
        if case.format == "B":
            frames = writer.encode(case.message, "B", "map")
            _says(frames, case.message, None, "B")
            assert frames[:3] == list(case.frames[:3]), f"{case.name}: {[frame.hex() for frame in frames[:3]]}"


@requirement("EP-112")
def test_what_is_written_to_the_event_plane_can_be_read(trueup_subject: Subject, trueup_profile: Profile) -> None:
    writer = Writer(trueup_subject)

    def holds(message: dict[str, Any]) -> None:
        _says(writer.encode(message, "B", "map"), message, None, "B")

    trueup_profile.check(holds, message=planes())


@requirement("EP-113")
def test_hashes_are_written_exactly(trueup_subject: Subject) -> None:
    writer = Writer(trueup_subject)
    for dialect in writer.dialects():
        for number in (0, 127, 1 << 31, 1 << 32, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, U64_MAX, -1, -33, -(1 << 63)):
            tagged = {"i64" if number < 0 else "u64": str(number)}
            message = _with(SIMPLE["batch"]["events"][0], block_hashes=[tagged], parent_block_hash=tagged)
            found = _read(writer.encode(message, "A", dialect), "A", f"{dialect}: {number}").events[0]
            told = [*found["block_hashes"], found["parent_block_hash"]]
            assert equal(told, [tagged, tagged]), f"{dialect}: {number} is written as {told}"


def _with(event: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    return {**SIMPLE, "batch": {**SIMPLE["batch"], "events": [{**event, **changed}]}}


def _written(subject: Subject) -> list[tuple[str, Golden, Decoded]]:
    """Every golden message in its own dialect, where that is written: the dialect, the message, what was written."""
    writer = Writer(subject)
    found = []
    for dialect in writer.dialects():
        for case in golden():
            if case.dialect == dialect:
                frames = writer.writes(case.message, dialect)
                assert frames is not None, f"{case.name}: refused"
                found.append((dialect, case, _read(frames, "A", case.name)))
    return found


def _refused(writer: Writer, message: Mapping[str, Any], dialect: str, what: str) -> None:
    try:
        frames = writer.encode(message, "A", dialect)
    except Refusal as refusal:
        assert refusal.code in ("invalid", "too_large", "unsupported"), f"{what}: {refusal}"
        return
    raise AssertionError(f"{what} ({dialect}) is written: {[frame.hex() for frame in frames]}")


def _says(frames: Sequence[bytes], message: Mapping[str, Any], dialect: str | None, format: Format = "A") -> None:
    found = _read(frames, format, dialect or "the event plane")
    wrong = same(found.canonical(), message)
    assert wrong is None, f"{dialect or 'B'}: {wrong}"


def _read(frames: Sequence[bytes], format: Format, what: str) -> Decoded:
    try:
        return decode(frames, format)
    except Unreadable as error:
        raise AssertionError(f"{what}: what was written is malformed: {error}") from None
