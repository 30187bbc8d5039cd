"""Replays, as the kit's own client gets them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from trueup_contracts.event_transport.publisher.batches import mark_of
from trueup_contracts.event_transport.publisher.calls import Publisher
from trueup_contracts.event_transport.publisher.peers import Asking
from trueup_contracts.event_transport.publisher.reading import END, shown


@dataclass
class Replay:
    """What came up to the end marker. `forms`: 3 frames a reply without the topic, 4 with it."""

    numbers: list[int] = field(default_factory=list)
    topics: list[bytes | None] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    forms: set[int] = field(default_factory=set)
    end_payload: bytes = b""

    def told(self) -> str:
        """Its numbers, for people."""
        return "none" if not self.numbers else f"{len(self.numbers)}, from {self.numbers[0]} to {self.numbers[-1]}"


def gathered(client: Asking, limit_s: float, asked: str) -> Replay:
    """The answer to one request. `AssertionError` where it does not end, or holds what is no reply."""
    found, until = Replay(), time.monotonic() + limit_s
    while True:
        frames = client.take(until - time.monotonic())
        assert frames is not None, f"{asked}: no end marker within {limit_s:.1f} s; batches that came: {found.told()}"
        assert len(frames) in (3, 4), f"{asked}: a reply has 3 or 4 frames, came {len(frames)}: {shown(frames)}"
        assert frames[0] == b"", f"{asked}: a reply begins with an empty delimiter: {shown(frames)}"
        assert len(frames[-2]) == 8, f"{asked}: a reply's number has 8 bytes: {shown(frames)}"
        if frames[-2] == END:
            found.end_payload = frames[-1]
            return found
        found.forms.add(len(frames))
        found.numbers.append(int.from_bytes(frames[-2], "big"))
        found.topics.append(frames[1] if len(frames) == 4 else None)
        found.payloads.append(frames[-1])


def replayed(publisher: Publisher, start: int) -> Replay:
    """What a client of its own gets from this number on."""
    with Asking(publisher.replay_endpoint) as client:
        client.request(start)
        return gathered(client, publisher.signal_s, f"a replay from {start}")


def check_range(found: Replay, due: list[int], asked: str) -> None:
    """Exactly these batches, in order, each with its own payload."""
    told = f"{due[0]} to {due[-1]}" if len(due) > 1 and due[-1] - due[0] == len(due) - 1 else f"{due}"
    assert found.numbers == due, f"{asked}: due are {told}, came {found.told()}"
    for number, payload in zip(found.numbers, found.payloads, strict=True):
        mark = mark_of(payload)
        assert mark == number, f"{asked}: number {number} comes with the batch of number {mark}"
