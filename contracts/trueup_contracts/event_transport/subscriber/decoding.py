"""What a subscriber makes of the bytes: ES-101 to ES-124."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.event_transport.codec import Format, encode
from trueup_contracts.event_transport.codec.calls import SIMPLE, Reader, by_release, of_dialect, short
from trueup_contracts.event_transport.codec.fields import by_name
from trueup_contracts.event_transport.codec.golden import Golden, golden, malformed
from trueup_contracts.event_transport.codec.judging import equal, hash_differs, same
from trueup_contracts.event_transport.codec.messagepack import read
from trueup_contracts.event_transport.codec.strategies import EDGES, messages, planes
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject


@requirement("ES-101")
def test_every_message_of_some_release_is_read(trueup_subject: Subject) -> None:
    reader = Reader(trueup_subject)
    refused = {name: reader.refused(cases) for name, cases in by_release().items()}
    nearest = min(refused, key=lambda name: len(refused[name]))
    assert not refused[nearest], f"no engine's release is read whole: {short(refused[nearest])}"


@requirement("ES-102")
def test_arrays_are_read(trueup_subject: Subject) -> None:
    _reads(trueup_subject, "array")


@requirement("ES-103")
def test_maps_are_read(trueup_subject: Subject) -> None:
    _reads(trueup_subject, "map")


@requirement("ES-104")
def test_arrays_of_maps_are_read(trueup_subject: Subject) -> None:
    _reads(trueup_subject, "array_of_maps")


def _reads(subject: Subject, dialect: str) -> None:
    cases = list(of_dialect(dialect))
    refused = Reader(subject).refused(cases)
    assert not refused, f"{len(refused)} of {len(cases)} messages are not read: {short(refused)}"


@requirement("ES-105")
def test_the_event_plane_is_read(trueup_subject: Subject) -> None:
    reader = Reader(trueup_subject)
    for case in golden():
        if case.format == "B":
            wrong = same(reader.decode(case.frames, "B"), case.message)
            assert wrong is None, f"{case.name}: {wrong}"


@requirement("ES-106")
def test_numbers_are_unsigned_and_big_endian(trueup_subject: Subject) -> None:
    for case, found in _everything(trueup_subject):
        for name in ("sequence", "publisher_id"):
            due = case.message[name]
            assert found.get(name) == due, f"{case.name}: {name} is {found.get(name)!r}; {due!r} is due"


@requirement("ES-107")
def test_the_topic_is_told_whole(trueup_subject: Subject) -> None:
    for case, found in _everything(trueup_subject):
        assert found.get("topic") == case.message["topic"], f"{case.name}: {found.get('topic')!r}"


def _everything(subject: Subject) -> Iterable[tuple[Golden, Mapping[str, Any]]]:
    reader = Reader(subject)
    yield from reader.read("A")
    if "format_b" in subject.capabilities:
        yield from reader.read("B")


@requirement("ES-110")
def test_what_tells_blocks_apart_survives(trueup_subject: Subject) -> None:
    for case, index, event, due in _events(trueup_subject):
        told = {**event.get("unknown", {}), **event}
        for field in by_name(due["type"]).values():
            if field.identity and field.kind not in ("hashes", "hash?") and field.name in due:
                right, found = due[field.name], told.get(field.name)
                shown = f"{case.name}: events[{index}].{field.name} is {found!r}; {right!r} is due"
                assert equal(found, right), shown


@requirement("ES-111")
def test_hashes_are_exact(trueup_subject: Subject) -> None:
    for case, index, event, due in _events(trueup_subject):
        pairs = [("parent_block_hash", event.get("parent_block_hash"), due.get("parent_block_hash"))]
        hashes = due.get("block_hashes", []) if by_name(due["type"]) else []
        if hashes:
            given = event.get("block_hashes")
            shown = f"{case.name}: events[{index}].block_hashes is {given!r}; {len(hashes)} hashes are due"
            assert isinstance(given, list | tuple), shown
            assert len(given) == len(hashes), shown
            pairs += [(f"block_hashes[{at}]", given[at], right) for at, right in enumerate(hashes)]
        for name, found, right in pairs:
            wrong = hash_differs(found, right)
            assert wrong is None, f"{case.name}: events[{index}].{name}{wrong}"


@requirement("ES-112")
def test_what_is_not_there_is_not_made_up(trueup_subject: Subject) -> None:
    for case, index, event, due in _events(trueup_subject):
        made_up = {
            name: value
            for name, value in event.items()
            if value is not None and name not in ("type", "unknown") and due.get(name) is None
        }
        made_up = {name: value for name, value in made_up.items() if name not in due["unknown"]}
        assert not made_up, f"{case.name}: events[{index}] has {made_up}, and the bytes have not"
    for case, found in Reader(trueup_subject).read():
        rank, due_rank = found["batch"].get("data_parallel_rank"), case.message["batch"]["data_parallel_rank"]
        assert equal(rank, due_rank), f"{case.name}: data_parallel_rank is {rank!r}; {due_rank!r} is due"


@requirement("ES-113")
def test_times_and_tokens_are_exact(trueup_subject: Subject) -> None:
    for case, found in Reader(trueup_subject).read():
        ts, due_ts = found["batch"].get("ts"), case.message["batch"]["ts"]
        assert equal(ts, due_ts), f"{case.name}: ts is {ts!r}; {due_ts!r} is due"
    for case, index, event, due in _events(trueup_subject):
        for name in ("token_ids", "block_size"):
            if name in due:
                told = event.get(name)
                assert equal(told, due[name]), f"{case.name}: events[{index}].{name} is {told!r}"


@requirement("ES-114")
def test_events_are_all_told_in_their_order(trueup_subject: Subject) -> None:
    for case, found in Reader(trueup_subject).read():
        tags = [event.get("type") for event in found["batch"]["events"]]
        due = [event["type"] for event in case.message["batch"]["events"]]
        if all(by_name(tag) for tag in due):
            assert tags == due, f"{case.name}: {tags}; {due} are due"


def _events(subject: Subject) -> Iterable[tuple[Golden, int, Mapping[str, Any], Mapping[str, Any]]]:
    """Each known event of what is read: the message, the event's number, what is told, what is due."""
    for case, found in Reader(subject).read():
        told = [one for one in found["batch"]["events"] if by_name(str(one.get("type")))]
        due = [one for one in case.message["batch"]["events"] if by_name(one["type"])]
        for index, (event, right) in enumerate(zip(told, due, strict=False)):
            if event.get("type") == right["type"]:
                yield case, index, event, right


@requirement("ES-115")
def test_arrays_may_be_shorter_or_longer(trueup_subject: Subject) -> None:
    reader = Reader(trueup_subject)
    if "array" not in reader.dialects():
        return
    for case in of_dialect("array"):
        if "an event that nobody knows" not in case.name:
            assert reader.reads(case) is not None, f"{case.name}: refused, and arrays of other lengths are read"


@requirement("ES-116")
def test_unknown_fields_do_no_harm(trueup_subject: Subject) -> None:
    _does_no_harm(trueup_subject, "unknown fields")


@requirement("ES-117")
def test_an_unknown_event_does_no_harm(trueup_subject: Subject) -> None:
    _does_no_harm(trueup_subject, "an event that nobody knows")


def _does_no_harm(subject: Subject, name: str) -> None:
    """What is told of a message is what is told of the same one without what nobody knows."""
    reader = Reader(subject)
    for dialect, case in _tomorrow(reader, name):
        twin = _known(case.message)
        due = reader.decode(encode(twin, "A", dialect), "A")
        found = reader.reads(case)
        assert found is not None, f"{case.name}: refused; without it, it is read"
        events = [event for event in found["batch"]["events"] if by_name(str(event.get("type")))]
        wrong = same({**found, "batch": {**found["batch"], "events": events}}, due, keeps_unknown=False)
        assert wrong is None, f"{case.name}, beside the same without it: {wrong}"


def _known(message: Mapping[str, Any]) -> dict[str, Any]:
    events = [{**event, "unknown": {}} for event in message["batch"]["events"] if by_name(event["type"])]
    return {**message, "batch": {**message["batch"], "events": events, "unknown": {}}}


@requirement("ES-118")
def test_what_is_unknown_is_kept(trueup_subject: Subject) -> None:
    reader = Reader(trueup_subject)
    for name in ("unknown fields", "an event that nobody knows"):
        for _, case in _tomorrow(reader, name):
            found = reader.reads(case)
            wrong = "refused" if found is None else same(found, case.message)
            assert wrong is None, f"{case.name}: {wrong}"


def _tomorrow(reader: Reader, name: str) -> Iterator[tuple[str, Golden]]:
    for dialect in reader.dialects():
        for case in of_dialect(dialect):
            if case.name.endswith(f": {name}"):
                yield dialect, case


@requirement("ES-119")
def test_the_order_of_keys_is_no_contract(trueup_subject: Subject) -> None:
    reader = Reader(trueup_subject)
    for dialect in reader.dialects():
        for case in of_dialect(dialect):
            due = None if dialect == "array" else reader.reads(case)
            if due is None:
                continue
            for reorder in (_reversed, _turned, _sorted):
                payload = msgspec.msgpack.encode(_reordered(read(case.frames[-1]), reorder))
                wrong = same(reader.decode([*case.frames[:-1], payload], "A"), due)
                assert wrong is None, f"{case.name}, keys {reorder.__name__.removeprefix('_')}: {wrong}"


def _reordered(value: Any, reorder: Callable[[list[str]], list[str]]) -> Any:
    if isinstance(value, list):
        return [_reordered(one, reorder) for one in value]
    if isinstance(value, dict):
        return {name: _reordered(value[name], reorder) for name in reorder(list(value))}
    return value


def _reversed(names: list[str]) -> list[str]:
    return names[::-1]


def _turned(names: list[str]) -> list[str]:
    return names[1:] + names[:1]


def _sorted(names: list[str]) -> list[str]:
    return sorted(names)


@requirement("ES-120")
def test_what_is_written_is_read(trueup_subject: Subject, trueup_profile: Profile) -> None:
    reader = Reader(trueup_subject)
    dialects = reader.dialects()
    assert dialects, "no dialect is read"
    for dialect in dialects:
        reader.reads(next(of_dialect(dialect)))  # who settles on a dialect has it now: ES-122 is about that
        _reads_back(reader, dialect)(EDGES)
        trueup_profile.check(_reads_back(reader, dialect), message=messages())


def _reads_back(reader: Reader, dialect: str) -> Callable[[dict[str, Any]], None]:
    def holds(message: dict[str, Any]) -> None:
        wrong = same(reader.decode(encode(message, "A", dialect), "A"), message)
        assert wrong is None, f"{dialect}: {wrong}"

    return holds


@requirement("ES-121")
def test_what_is_written_is_read_from_the_event_plane(trueup_subject: Subject, trueup_profile: Profile) -> None:
    reader = Reader(trueup_subject)

    def holds(message: dict[str, Any]) -> None:
        wrong = same(reader.decode(encode(message, "B"), "B"), message)
        assert wrong is None, wrong

    trueup_profile.check(holds, message=planes())


@requirement("ES-122")
def test_dialects_may_take_turns(trueup_subject: Subject) -> None:
    reader = Reader(trueup_subject)
    rounds = [
        [(case, found) for case in of_dialect(dialect) if (found := reader.reads(case)) is not None]
        for dialect in reader.dialects()
    ]
    for cases in zip(*rounds, strict=False):
        for case, due in (*cases, *reversed(cases)):
            found = reader.reads(case)
            wrong = "it was read, and is refused after others" if found is None else same(found, due)
            assert wrong is None, f"{case.name}: {wrong}"


@requirement("ES-130")
def test_malformed_messages_are_refused(trueup_subject: Subject) -> None:
    _refuses(trueup_subject, "A", "MUST")


@requirement("ES-131")
def test_doubtful_messages_are_refused(trueup_subject: Subject) -> None:
    _refuses(trueup_subject, "A", "SHOULD")


@requirement("ES-132")
def test_malformed_messages_of_the_event_plane_are_refused(trueup_subject: Subject) -> None:
    _refuses(trueup_subject, "B", "MUST")


@requirement("ES-133")
def test_doubtful_messages_of_the_event_plane_are_refused(trueup_subject: Subject) -> None:
    _refuses(trueup_subject, "B", "SHOULD")


def _refuses(subject: Subject, format: Format, level: str) -> None:
    reader = Reader(subject)
    good = list(reader.read(format))
    assert good, f"no message of format {format} is read"
    for index, case in enumerate(malformed()):
        if (case.format, case.level) != (format, level):
            continue
        code = _code(reader, case.frames, format)
        assert code == "malformed", f"{case.name} ({case.wrong}): {code}; malformed is due"
        after, due = good[index % len(good)]
        found = reader.reads(after)
        wrong = "refused" if found is None else same(found, due)
        assert wrong is None, f"after {case.name}, {after.name}: {wrong}"


# Of each kind of value one: a number, nil, a float, an array, a map, a text, bytes, and what begins no value.
_BYTES = (0x01, 0xC0, 0xCB, 0x91, 0x81, 0xA1, 0xC4, 0xFF, 0xC1)


@requirement("ES-134")
def test_damaged_messages_are_read_or_refused(trueup_subject: Subject, trueup_profile: Profile) -> None:
    reader = Reader(trueup_subject)
    for turn, dialect in enumerate(reader.dialects()):
        frames = encode(SIMPLE, "A", dialect)
        for at in range(len(frames[-1])):
            for byte in _BYTES[(at + turn) % 3 :: 3]:
                damaged = frames[-1][:at] + bytes([byte]) + frames[-1][at + 1 :]
                code = _code(reader, [*frames[:-1], damaged], "A")
                assert code in ("read", "malformed"), f"{damaged.hex()} (byte {at} of a batch is {byte:#x}): {code}"
    formats = ("A", "B") if "format_b" in trueup_subject.capabilities else ("A",)
    cases = [case for case in golden() if case.format in formats]

    def holds(case: Golden, frame: int, at: int, byte: int, cut: bool) -> None:
        frames = list(case.frames)
        frame %= len(frames)
        whole = frames[frame]
        at %= len(whole) + 1
        frames[frame] = whole[:at] if cut else whole[:at] + bytes([byte]) + whole[at + 1 :]
        code = _code(reader, frames, case.format)
        assert code in ("read", "malformed"), f"{case.name}, frame {frame}, byte {at}: {code}"

    numbers = st.integers(0, 2_000)
    trueup_profile.check(
        holds,
        times=2,
        case=st.sampled_from(cases),
        frame=numbers,
        at=numbers,
        byte=st.integers(0, 255),
        cut=st.booleans(),
    )


def _code(reader: Reader, frames: Iterable[bytes], format: Format) -> str:
    try:
        reader.decode(list(frames), format)
    except Refusal as refusal:
        return refusal.code
    except AdapterError as error:
        return str(error)
    return "read"
