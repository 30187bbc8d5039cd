"""What is a message, and what is none: ES-030 to ES-039."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import (
    TOPIC,
    batch,
    envelope,
    framed,
    frames_a,
    frames_b,
    number,
    packed,
    told,
)
from trueup_contracts.event_transport.peers import Peer
from trueup_contracts.event_transport.subscriber.calls import Got, Subscriber, subscribed
from trueup_contracts.subject import Subject

KV = TOPIC.encode()
U64 = 2**64 - 1
SEQUENCES = (0, 1, 255, 256, 2**31, 2**32 + 1, 2**53 + 1, 2**63 - 1, 2**63, U64 - 1)
MALFORMED_A: Mapping[str, Sequence[bytes]] = {
    "one frame": [KV],
    "two frames": [KV, number(7)],
    "four frames": [KV, number(7), batch(7), b""],
    "a sequence of no bytes": [KV, b"", batch(7)],
    "a sequence of 7 bytes": [KV, number(7)[1:], batch(7)],
    "a sequence of 9 bytes": [KV, b"\0" + number(7), batch(7)],
    "a sequence as text": [KV, b"7", batch(7)],
}
# Six frames, of which the last three are a message of their own, and two frames that want a third.
TAILS = (
    [KV, number(7), batch(7), KV, number(8), batch(8)],
    [KV, number(7), KV, number(8), batch(8)],
    [KV, number(7)],
)
_BODY = packed(envelope(5, 7, b"inner"))


def _without(name: str) -> bytes:
    return framed(packed({key: value for key, value in envelope(5, 7, b"inner").items() if key != name}))


def _b(frame: bytes) -> list[bytes]:
    return [KV, number(5), number(7), frame]


MALFORMED_B: Mapping[str, Sequence[bytes]] = {
    "one frame": [KV],
    "three frames": [KV, number(5), number(7)],
    "five frames": [*frames_b(5, 7), b""],
    "format A": frames_a(7),
    "a publisher id of 7 bytes": [KV, number(5)[1:], number(7), framed(_BODY)],
    "a sequence of 9 bytes": [KV, number(5), b"\0" + number(7), framed(_BODY)],
    "a frame without a header": _b(b"\x01\0\0"),
    "an empty frame": _b(b""),
    "version 0": _b(framed(_BODY, version=0)),
    "version 2": _b(framed(_BODY, version=2)),
    "a length that is larger than the frame": _b(framed(_BODY, length=len(_BODY) + 1)),
    "a length that is smaller than the frame": _b(framed(_BODY, length=len(_BODY) - 1)),
    "a length of 4 GiB": _b(framed(_BODY, length=2**32 - 1)),
    "MessagePack that is cut off": _b(framed(_BODY[:-3])),
    "no MessagePack": _b(framed(b"\xc1\xc1\xc1")),
    "an envelope that is a list": _b(framed(packed([5, 7, 0, TOPIC, b"inner"]))),
    "an envelope without its payload": _b(_without("payload")),
    "an envelope without its sequence": _b(_without("sequence")),
    "a list of 2^32-1 elements": _b(framed(b"\xdd\xff\xff\xff\xff")),
    "a map of 2^32-1 entries": _b(framed(b"\xdf\xff\xff\xff\xff")),
    "bytes of 4 GiB": _b(framed(b"\x81\xa7payload\xc6\xff\xff\xff\xff")),
    "100,000 lists in each other": _b(framed(b"\x91" * 100_000 + b"\xc0")),
}


@requirement("ES-030")
def test_a_message_of_format_a(trueup_subject: Subject) -> None:
    for topic in ("kv", "kv@10.0.0.1:5557@model", "Blöcke/モデル"):
        with (
            Peer(Budgets(trueup_subject.scale)) as peer,
            subscribed(trueup_subject, peer, topic=topic) as subscriber,
        ):
            for sequence in SEQUENCES:
                frames = frames_a(sequence, topic=topic)
                peer.send(frames)
                _is(subscriber.message(f"and {told(frames)} was sent"), peer, topic, sequence, None, frames[2])


@requirement("ES-031")
def test_large_batches(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer) as subscriber:
        for sequence, tokens in enumerate((0, 1, 5_000, 1_500_000)):
            payload = batch(sequence, tokens)
            peer.send(frames_a(sequence, payload))
            found = subscriber.message(f"and a batch of {len(payload):,} bytes was sent")
            assert found.payload == payload, f"sent were {len(payload):,} bytes, received {len(found.payload):,} others"


@requirement("ES-032")
def test_malformed_messages_of_format_a(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer) as subscriber:
        peer.send(frames_a(0))
        subscriber.message()
        for count, (what, frames) in enumerate(MALFORMED_A.items(), 1):
            peer.send(frames, frames_a(count))
            _skips(subscriber, what, count)
        subscriber.counts(malformed=len(MALFORMED_A), gaps=0, restarts=0)


@requirement("ES-033")
def test_the_rest_of_a_message_is_no_message(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer) as subscriber:
        peer.send(frames_a(0))
        subscriber.message()
        for count, frames in enumerate(TAILS, 1):
            peer.send(frames, frames_a(count))
            found = subscriber.message(f"and {told(frames)} was sent, and then message {count}")
            assert (found.sequence, found.payload) == (count, batch(count)), (
                f"sent was {told(frames)}, which is no message, and then message {count}; received was "
                f"{found.sequence} with {found.payload[:24].hex()}: frames of one were read as another's"
            )
        subscriber.counts(malformed=len(TAILS))


@requirement("ES-034")
def test_counts_of_what_was_received(trueup_subject: Subject) -> None:
    with Peer(Budgets(trueup_subject.scale)) as peer, subscribed(trueup_subject, peer) as subscriber:
        subscriber.counts(received=0, malformed=0, gaps=0, restarts=0, duplicates=0, uncertain=0)
        peer.send(*(frames_a(sequence) for sequence in range(3)))
        subscriber.messages(3)
        subscriber.nothing()
        subscriber.counts(received=3, malformed=0, gaps=0, restarts=0, duplicates=0, uncertain=0)


@requirement("ES-035")
def test_a_message_of_format_b(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, format="B") as subscriber,
    ):
        for publisher_id in (0, 1, 2**63, U64):
            for sequence in (0, 256, 2**63, U64 - 1):
                for payload in (b"", b"\0", bytes(range(256)), b"\xc1" * 70_000):
                    frames = frames_b(publisher_id, sequence, payload)
                    peer.send(frames)
                    found = subscriber.message(f"and {told(frames)} was sent")
                    _is(found, peer, TOPIC, sequence, publisher_id, payload)
                    sequence += 1  # noqa: PLW2901 - the next one of this publisher
                    if sequence > U64 - 1:
                        break


@requirement("ES-036")
def test_malformed_messages_of_format_b(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, format="B") as subscriber,
    ):
        peer.send(frames_b(5, 0))
        subscriber.message()
        for count, (what, frames) in enumerate(MALFORMED_B.items(), 1):
            peer.send(frames, frames_b(5, count))
            _skips(subscriber, what, count)
        subscriber.counts(malformed=len(MALFORMED_B), gaps=0, restarts=0, duplicates=0)


@requirement("ES-037")
def test_what_is_larger_than_the_bound(trueup_subject: Subject) -> None:
    payload = batch(0, 1_000)
    bound = sum(len(frame) for frame in frames_a(0, payload))
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, max_message_bytes=bound) as subscriber,
    ):
        peer.send(frames_a(0, payload), frames_a(1, payload + b"\0"), frames_a(1))
        sent = f"and a message of {bound:,} bytes, one of one byte more, and a short one were sent"
        found = [(one.sequence, len(one.payload)) for one in subscriber.messages(2, sent)]
        due = [(0, len(payload)), (1, len(batch(1)))]
        assert found == due, f"number and size of what was received, {sent}: {found}; {due} is due"
        subscriber.counts(malformed=1)


def _skips(subscriber: Subscriber, what: str, sequence: int) -> None:
    __tracebackhide__ = True
    found = subscriber.message(f"and a malformed message ({what}) was sent, and then a good one")
    assert found.sequence == sequence, (
        f"a malformed message ({what}) was sent, and then message {sequence}; received was {found.sequence} with "
        f"{found.payload[:24].hex()}"
    )


def _is(found: Got, peer: Peer, topic: str, sequence: int, publisher_id: int | None, payload: bytes) -> None:
    __tracebackhide__ = True
    due = {
        "endpoint": peer.endpoint,
        "topic": topic,
        "sequence": sequence,
        "publisher_id": publisher_id,
        "payload": payload,
    }
    for name, value in due.items():
        seen = getattr(found, name)
        assert seen == value, f"{name} is {_shown(value)}, received was {_shown(seen)}"


def _shown(value: object) -> str:
    return f"{value[:24].hex()} ({len(value):,} bytes)" if isinstance(value, bytes) else repr(value)
