"""Replays of format A: what is asked, and the two forms of what is answered.

Without a topic (vLLM up to #45177, SGLang): delimiter, sequence, payload. With one (vLLM since, TensorRT-LLM):
delimiter, topic, sequence, payload. The end is the sequence of eight 0xff bytes, in both forms, with or without a topic
frame; ATOM puts `[oldest, latest]` where others have an empty payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trueup_contracts.event_transport.codec.decoding import END, u64
from trueup_contracts.event_transport.codec.messagepack import Unreadable

WITHOUT_TOPIC, WITH_TOPIC = "v1", "v2"


@dataclass(frozen=True)
class Reply:
    """One message of a replay; at its `end` neither topic nor sequence mean anything."""

    form: str
    topic: str | None
    sequence: int
    payload: bytes
    end: bool


def request(start: int) -> list[bytes]:
    """What a DEALER sends to have every batch from `start` on."""
    return [b"", start.to_bytes(8, "big")]


def parse(frames: Sequence[bytes]) -> Reply:
    """A message as a DEALER receives it. `Malformed` for what is neither form."""
    if len(frames) not in (3, 4):
        what = f"{len(frames)} frames; a reply has 3 or 4: an empty one, perhaps the topic, sequence, payload"
        raise Unreadable(what).at_base("reply")
    if frames[0]:
        raise Unreadable(f"{len(frames[0])} bytes; the first frame is empty").at_base("delimiter")
    form = WITHOUT_TOPIC if len(frames) == 3 else WITH_TOPIC
    sequence, payload = frames[-2], frames[-1]
    if sequence == END:
        return Reply(form, None, u64(sequence, "sequence"), payload, True)
    topic = None
    if form == WITH_TOPIC:
        try:
            topic = frames[1].decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable(f"it is not UTF-8 ({error.reason})", error.start).at_base("topic") from None
    return Reply(form, topic, u64(sequence, "sequence"), payload, False)


def reply(form: str, topic: str, sequence: int, payload: bytes) -> list[bytes]:
    """What a ROUTER sends for a batch, after the identity."""
    named = [topic.encode("utf-8")] if form == WITH_TOPIC else []
    return [b"", *named, sequence.to_bytes(8, "big"), payload]


def end(form: str) -> list[bytes]:
    """What a ROUTER sends last, after the identity."""
    return [b"", *([b""] if form == WITH_TOPIC else []), END, b""]
