"""What a message of format A is made of, and where a publisher is: EP-001 to EP-014."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.event_transport.publisher.batches import compared, kv_batch, stored
from trueup_contracts.event_transport.publisher.calls import Publisher, check_marks, heard
from trueup_contracts.event_transport.publisher.observing import observed
from trueup_contracts.event_transport.publisher.reading import Heard, decoded
from trueup_contracts.subject import Subject

TOPICS = ["", "kv", "kv@10.0.0.1:5557@org/model", "блоки ✓", "a b\tc", "x" * 1000]
BIG_TOKENS, BIG_BYTES = 10_000, 1 << 20
_BOUND: list[str] | None = None  # sockets that Python has bound, while somebody listens


@requirement("EP-001")
def test_a_message_is_three_frames(trueup_subject: Subject) -> None:
    assert observed(trueup_subject, 20), "nothing was heard"


@requirement("EP-002")
def test_numbers_are_big_endian_and_each_is_one_more(trueup_subject: Subject) -> None:
    found = observed(trueup_subject, 300)
    for before, after in itertools.pairwise(found):
        assert after.number == before.number + 1, (
            f"after number {before.number} (0x{before.number:016x}) came {after.number} (0x{after.number:016x})"
        )


@requirement("EP-003")
def test_numbers_begin_at_0_and_are_answered(trueup_subject: Subject) -> None:
    with Publisher(trueup_subject) as publisher:
        assert publisher.accepted() == 0
    with heard(trueup_subject) as (publisher, listener):
        for _ in range(10):
            answered = publisher.accepted()
            [message] = publisher.until(listener, answered)
            assert message.number == answered, f"publish answered {answered}, and the message says {message.number}"
            check_marks([message])


@requirement("EP-004")
def test_the_first_frame_is_the_topic(trueup_subject: Subject) -> None:
    for topic in TOPICS:
        with heard(trueup_subject, topic=topic) as (publisher, listener):
            for message in publisher.until(listener, publisher.accepted()):
                due = topic.encode()
                assert message.topic == due, f"the topic is {topic[:40]!r}, and the first frame {message.topic[:80]!r}"


@requirement("EP-005")
def test_the_payload_is_the_batch(trueup_subject: Subject) -> None:
    events = [
        stored(7, parent_block_hash={"i64": "1006"}, block_hashes=[{"i64": "1007"}, {"i64": "1008"}], lora_id=3),
        {"type": "BlockRemoved", "block_hashes": [{"i64": "1007"}], "medium": "CPU", "unknown": {}},
        {"type": "AllBlocksCleared", "unknown": {}},
        stored(8, tokens=1),
    ]
    with heard(trueup_subject) as (publisher, listener):
        for given in (kv_batch(events, ts=1764000000.125, rank=3), kv_batch(events[:1]), kv_batch([])):
            number = publisher.accepted(given)
            [message] = publisher.until(listener, number)
            _check_batch(message, given)


@requirement("EP-006")
def test_hashes_of_every_kind_survive(trueup_subject: Subject) -> None:
    kinds = [{"i64": "-1"}, {"i64": str(-(1 << 63))}, {"u64": str((1 << 64) - 1)}, {"bytes": "00ff" * 16}]
    with heard(trueup_subject) as (publisher, listener):
        for kind in kinds:
            given = kv_batch([stored(1, block_hashes=[kind], parent_block_hash=kind)])
            [message] = publisher.until(listener, publisher.accepted(given))
            _check_batch(message, given)


@requirement("EP-007")
def test_port_0_is_resolved(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (one, of_one), heard(trueup_subject) as (other, of_other):
        assert one.endpoint != other.endpoint, f"two publishers at once name one endpoint: {one.endpoint}"
        for _ in range(3):
            one.accepted()
        other.accepted()
        assert len(one.all_until_now(of_one)) == 3
        assert len(other.all_until_now(of_other)) == 1


@requirement("EP-008")
def test_no_port_is_tried_by_a_socket_of_its_own(trueup_subject: Subject) -> None:
    global _BOUND  # noqa: PLW0603 - an audit hook stays for the life of the process
    if "trueup audit" not in _HOOKED:
        sys.addaudithook(_note)
        _HOOKED.add("trueup audit")
    _BOUND = []
    try:
        with Publisher(trueup_subject) as publisher:
            bound, port = _BOUND, publisher.endpoint.rpartition(":")[2]
    finally:
        _BOUND = None
    assert not bound, f"a TCP socket was bound to {bound[0]} to find the port {port}, and closed before ZeroMQ took it"


_HOOKED: set[str] = set()


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.bind" and _BOUND is not None:
        _BOUND.append(str(args[1]))


@requirement("EP-009")
def test_settings_that_cannot_be_are_refused(trueup_subject: Subject) -> None:
    wrong: dict[str, Any] = {"endpoint": "nowhere", "format": "C"}
    for name, value in wrong.items():
        if name == "format" and not trueup_subject.in_process:
            continue  # the schema of the wire has no other
        try:
            Publisher(trueup_subject, **{name: value}).close()
        except Refusal as error:
            assert error.code in ("invalid", "unsupported"), f"{name}={value!r} was refused as {error}; invalid is due"
        else:
            raise AssertionError(f"{name}={value!r} was taken")


@requirement("EP-010")
def test_an_endpoint_that_is_taken_is_an_error(trueup_subject: Subject) -> None:
    with heard(trueup_subject) as (publisher, listener):
        try:
            with Publisher(trueup_subject, endpoint=publisher.endpoint) as second:
                told = second.endpoint
        except (Refusal, AdapterError):
            number = publisher.accepted()
            publisher.until(listener, number)
        else:
            raise AssertionError(f"two publishers are bound to {publisher.endpoint}; the second one tells {told}")


@requirement("EP-012")
def test_a_large_batch_arrives_whole(trueup_subject: Subject) -> None:
    given = kv_batch([stored(1, tokens=BIG_TOKENS, lora_name="x" * BIG_BYTES)])
    with heard(trueup_subject) as (publisher, listener):
        [message] = publisher.until(listener, publisher.accepted(given))
        [event] = decoded(message).events
        assert len(event["token_ids"]) == BIG_TOKENS, (
            f"{BIG_TOKENS} tokens were published, {len(event['token_ids'])} came"
        )
        assert len(event["lora_name"]) == BIG_BYTES, (
            f"{BIG_BYTES} letters were published, {len(event['lora_name'])} came"
        )


@requirement("EP-013")
def test_a_stream_keeps_one_dialect(trueup_subject: Subject) -> None:
    found = Counter(decoded(message).dialect for message in observed(trueup_subject, 30))
    del found[None]  # a batch without events does not tell
    assert len(found) < 2, f"one stream speaks {len(found)} dialects: {dict(sorted(found.items()))}"


@requirement("EP-014")
def test_a_tag_keeps_its_shape(trueup_subject: Subject) -> None:
    shapes: dict[str, Counter[str]] = {"few fields": Counter(), "many fields": Counter()}
    with heard(trueup_subject) as (publisher, listener):
        for number in range(30):
            kind = "many fields" if number % 2 else "few fields"
            fields: dict[str, Any] = {"lora_name": "a", "lora_id": 1} if number % 2 else {}
            parent = {"i64": str(number)} if number % 3 else None
            given = kv_batch(
                [stored(number, block_hashes=[{"i64": str(1 << number)}], parent_block_hash=parent, **fields)]
            )
            [message] = publisher.until(listener, publisher.accepted(given))
            shapes[kind].update(shape for _, shape in decoded(message).shapes)
    for kind, seen in shapes.items():
        assert len(seen) == 1, (
            f"BlockStored with {kind}, the same ones each time, has several shapes: {dict(sorted(seen.items()))}"
        )


def _check_batch(message: Heard, given: Mapping[str, Any]) -> None:
    """The message holds what was published, in whatever dialect."""
    batch = decoded(message).batch
    assert batch["ts"] == given["ts"], f"ts is {batch['ts']!r}, {given['ts']!r} was published"
    rank, told = given["data_parallel_rank"], batch["data_parallel_rank"]
    # Engines fill in their own rank where none is given: 0 where there is one alone.
    assert told == rank or (rank is None and told == 0), f"data_parallel_rank is {told!r}, {rank!r} was published"
    found, due = [compared(event) for event in batch["events"]], [compared(event) for event in given["events"]]
    assert found == due, f"published was\n  {due}\nand came\n  {found}"
