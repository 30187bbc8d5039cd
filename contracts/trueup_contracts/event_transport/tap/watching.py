"""One endpoint's stream, message by message: decoded, numbered, counted, and judged."""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trueup_contracts.event_transport.codec import Breach, Decoded, Format, Speech, Unreadable, decode
from trueup_contracts.event_transport.codec.fields import BLOCK_REMOVED, BLOCK_STORED
from trueup_contracts.event_transport.tap.sequences import DUPLICATE, GAP, RESTART, Note, Sequences

MOST_BLOCKS = 1_000_000  # that are followed one by one, to tell how many there are
MOST_DIGESTS = 200_000  # of payloads, for a comparison with a replay
MOST_TOPICS = 1_000
MOST_EXAMPLES = 3  # of malformed messages


@dataclass(frozen=True)
class Seen:
    """A message: what it says, and what was noticed. `wrong`: why it is none; then it says nothing."""

    at: float  # seconds since the epoch
    source: int
    message: Decoded | None
    note: Note | None = None
    breaches: Sequence[Breach] = ()
    wrong: str = ""


@dataclass
class Watch:
    """What is known of one endpoint."""

    endpoint: str
    asked: str = "auto"  # A, B or auto
    format: Format | None = None
    speech: Speech = field(default_factory=Speech)
    messages: int = 0
    size_bytes: int = 0
    malformed: int = 0
    examples: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    told: list[tuple[str, str]] = field(default_factory=list)  # kinds of notes in words, the first few of each
    events: Counter[str] = field(default_factory=Counter)
    blocks: Counter[str] = field(default_factory=Counter)  # by event
    topics: Counter[str] = field(default_factory=Counter)
    values: dict[str, Counter[str]] = field(default_factory=dict)  # of medium, lora_name, group_idx
    ranks: Counter[str] = field(default_factory=Counter)
    publishers: Counter[int] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None
    began: float | None = None
    ended: float | None = None
    ages: list[float] = field(default_factory=list)  # seconds from a batch's ts to its receipt, the last ones
    resident: set[tuple[Any, ...]] | None = field(default_factory=set)  # None: more than are followed
    payloads: OrderedDict[int, bytes] = field(default_factory=OrderedDict)  # digests by sequence
    losses: list[tuple[int, int]] = field(default_factory=list)  # gaps: first and last missing number
    connections: int = 0
    disconnections: int = 0
    _sequences: Sequences = field(default_factory=Sequences)

    def connected(self, *, now: bool) -> None:
        """A connection was made, or lost."""
        if now:
            self.connections += 1
        else:
            self.disconnections += 1
            self._sequences.cut()

    def take(self, source: int, at: float, frames: Sequence[bytes]) -> Seen:
        """One message more."""
        self.began = at if self.began is None else self.began
        self.ended = at
        self.messages += 1
        self.size_bytes += sum(map(len, frames))
        format = self._format(frames)
        try:
            message = decode(frames, format)
        except Unreadable as error:
            self.malformed += 1
            if len(self.examples) < MOST_EXAMPLES:
                self.examples.append(str(error))
            return Seen(at, source, None, wrong=str(error))
        self.format = format
        identity = None if format == "A" else (message.publisher_id, message.topic)
        note = self._sequences.take(message.sequence, identity)
        self._noted(note)
        self.first = message.sequence if self.first is None else self.first
        self.last = message.sequence
        if note is None or note.kind != DUPLICATE:
            self._count(message)
        self._payload(message.sequence, frames[-1])
        breaches = self.speech.hear(message) if format == "A" else ()
        if format == "A":
            self._age(at - message.batch["ts"])
        else:
            self._age(at - message.batch["published_at_ms"] / 1_000)
        return Seen(at, source, message, note, breaches)

    def _format(self, frames: Sequence[bytes]) -> Format:
        if self.asked == "A" or self.format == "A":
            return "A"
        if self.asked == "B" or self.format == "B":
            return "B"
        return "B" if len(frames) == 4 and len(frames[1]) == len(frames[2]) == 8 else "A"

    def _noted(self, note: Note | None) -> None:
        if note is None:
            return
        self.notes[note.kind] += 1
        if note.kind == RESTART:  # another life: its numbers mean other batches, and nothing is resident yet
            self.payloads.clear()
            self.losses.clear()
            if self.resident is not None:
                self.resident.clear()
        if note.kind == GAP:
            self.missed += note.missed or 0
            if len(self.losses) < 10_000:
                self.losses.append((note.last + 1, note.now - 1))
        if self.notes[note.kind] <= MOST_EXAMPLES:
            self.told.append((note.kind, note.told))

    def _count(self, message: Decoded) -> None:
        if len(self.topics) < MOST_TOPICS or message.topic in self.topics:
            self.topics[message.topic] += 1
        publisher = message.publisher_id
        if publisher is not None and (len(self.publishers) < MOST_TOPICS or publisher in self.publishers):
            self.publishers[publisher] += 1
        if message.format == "A":
            rank = message.batch["data_parallel_rank"]
            if rank is not None and (len(self.ranks) < MOST_TOPICS or str(rank) in self.ranks):
                self.ranks[str(rank)] += 1
        for event in message.events:
            tag = event["type"]
            if len(self.events) >= MOST_TOPICS and tag not in self.events:
                tag = "…"
            hashes = event.get("block_hashes", ())
            self.events[tag] += 1
            self.blocks[tag] += len(hashes)
            for name in ("medium", "lora_name", "group_idx"):
                value = event.get(name)
                if value is not None:
                    found = self.values.setdefault(name, Counter())
                    if len(found) < MOST_TOPICS or str(value) in found:
                        found[str(value)] += 1
            self._follow(tag, event, hashes)

    def _follow(self, tag: str, event: dict[str, Any], hashes: Iterable[dict[str, str]]) -> None:
        if self.resident is None:
            return
        where = (event.get("medium"), event.get("group_idx"))
        if tag == BLOCK_STORED:
            self.resident.update((*next(iter(one.items())), *where) for one in hashes)
        elif tag == BLOCK_REMOVED:
            self.resident.difference_update((*next(iter(one.items())), *where) for one in hashes)
        elif tag == "AllBlocksCleared":
            self.resident.clear()
        if len(self.resident) > MOST_BLOCKS:
            self.resident = None

    def _payload(self, sequence: int, payload: bytes) -> None:
        self.payloads[sequence] = hashlib.sha256(payload).digest()
        if len(self.payloads) > MOST_DIGESTS:
            self.payloads.popitem(last=False)

    def _age(self, age_s: float) -> None:
        self.ages.append(age_s)
        if len(self.ages) > 20_000:
            del self.ages[:10_000]
