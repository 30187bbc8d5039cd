"""Which dialect a publisher speaks, and whether it keeps to it.

The laws: one stream has one dialect; one tag has one shape; hashes are of one kind. A reader that settles on the form
of the first message it sees loses every other one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trueup_contracts.event_transport.codec.fields import BLOCK_STORED, I64_MAX, by_name
from trueup_contracts.event_transport.codec.message import ARRAY, DIALECTS, MAP_OF_ARRAYS, MIXED, Decoded

DIALECT_CHANGE, UNKNOWN_DIALECT, TWO_SHAPES = "dialect-change", "unknown-dialect", "two-shapes"
HASH_KINDS, UNKNOWN_EVENT, NO_IDENTITY = "hash-kinds", "unknown-event", "identity-field-missing"

MEANING = {
    DIALECT_CHANGE: "one stream has one dialect",
    UNKNOWN_DIALECT: "batch and events are written in a form that no reader in the field expects",
    TWO_SHAPES: "one tag has one shape: a reader of fixed arrays takes only one of them",
    HASH_KINDS: "hashes are signed, unsigned or bytes, and never two of them",
    UNKNOWN_EVENT: "a tag that no known engine writes",
    NO_IDENTITY: "blocks that differ in this field alone cannot be told apart",
}
# What a consumer needs to keep blocks apart: by one of several fields, and whether maps hold it also where it is nil.
# Others are left out of maps then, and that they are not there says nothing.
IDENTITIES = (
    (("lora_name",), True, "two adapters' blocks look the same"),
    (("medium",), True, "a block in host memory looks like one on the GPU"),
    (("group_idx",), False, "blocks of several layer groups look the same"),
    (("extra_keys", "cache_salt", "metadata"), False, "two tenants' blocks look the same"),
)


class Breach(NamedTuple):
    """A law that a stream breaks: its id, the sequence number of the message, and what was met."""

    law: str
    sequence: int
    what: str


@dataclass
class Speech:
    """How a publisher speaks, as far as it was heard.

    `dialects`, `shapes` (by tag), `hash_kinds` and `fields` (by tag and name) count messages or events; `breaches` has
    each kind of breach once.
    """

    messages: int = 0
    dialects: Counter[str] = field(default_factory=Counter)
    shapes: dict[str, Counter[str]] = field(default_factory=dict)
    hash_kinds: Counter[str] = field(default_factory=Counter)
    fields: dict[str, Counter[str]] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)
    _told: set[tuple[str, str]] = field(default_factory=set)

    @property
    def dialect(self) -> str | None:
        """The one dialect that was heard; none where there were several, or no event yet."""
        return next(iter(self.dialects)) if len(self.dialects) == 1 else None

    def hear(self, message: Decoded) -> list[Breach]:
        """One message more, and what it breaks for the first time."""
        self.messages += 1
        before = len(self.breaches)
        self._dialect(message)
        for (tag, shape), event in zip(message.shapes, message.events, strict=False):
            self._shape(tag, shape, message.sequence)
            found = self.fields.setdefault(tag, Counter())
            found.update(name for name in event if name not in ("type", "unknown"))
            found.update(f"unknown {name}" for name in event["unknown"])
        self._hashes(message)
        return self.breaches[before:]

    def lacking(self) -> list[Breach]:
        """Identities that no stored block has told, though every one of its dialect would."""
        stored = self.fields.get(BLOCK_STORED)
        if not stored:
            return []
        are_arrays = self.dialect == ARRAY
        return [
            Breach(NO_IDENTITY, -1, f"no {BLOCK_STORED} has {' or '.join(names)}: {why}")
            for names, always, why in IDENTITIES
            if (always or are_arrays) and not any(stored[name] for name in names)
        ]

    def added(self) -> dict[str, str]:
        """The fields that were met beyond those of the first release, and what wrote each first."""
        found: dict[str, str] = {}
        for tag, names in self.fields.items():
            known = by_name(tag)
            for name in names:
                if name in known and known[name].since != "vLLM #16750":
                    found.setdefault(name, known[name].since)
        return found

    def _dialect(self, message: Decoded) -> None:
        if message.dialect is None:
            return
        if message.dialect not in DIALECTS:
            what = {MIXED: "arrays and maps in one batch", MAP_OF_ARRAYS: "a map that holds events as arrays"}
            self._breach(UNKNOWN_DIALECT, message.dialect, message.sequence, what.get(message.dialect, "?"))
        elif self.dialects and message.dialect not in self.dialects:
            what_now = f"{message.dialect} after {', '.join(self.dialects)}"
            self._breach(DIALECT_CHANGE, message.dialect, message.sequence, what_now)
        self.dialects[message.dialect] += 1

    def _shape(self, tag: str, shape: str, sequence: int) -> None:
        shapes = self.shapes.setdefault(tag, Counter())
        if shapes and shape not in shapes:
            self._breach(TWO_SHAPES, f"{tag} {shape}", sequence, f"{tag}: {shape} after {', '.join(shapes)}")
        if not by_name(tag):
            self._breach(UNKNOWN_EVENT, tag, sequence, tag)
        shapes[shape] += 1

    def _hashes(self, message: Decoded) -> None:
        kinds = {_kind(one) for event in message.events for one in _hashes(event)} - {""}
        for kind in sorted(kinds):
            others = [other for other in self.hash_kinds if other != kind]
            if others:
                what = f"{kind} hashes after {', '.join(others)} ones"
                self._breach(HASH_KINDS, " ".join(sorted([kind, *others])), message.sequence, what)
            self.hash_kinds[kind] += 1

    def _breach(self, law: str, what: str, sequence: int, told: str) -> None:
        if (law, what) not in self._told and len(self._told) < 1_000:
            self._told.add((law, what))
            self.breaches.append(Breach(law, sequence, told))


def speech(messages: Iterable[Decoded]) -> Speech:
    """How the publisher of these messages speaks."""
    heard = Speech()
    for message in messages:
        heard.hear(message)
    return heard


def _hashes(event: dict[str, Any]) -> Iterable[dict[str, str]]:
    yield from event.get("block_hashes", ())
    if event.get("parent_block_hash") is not None:
        yield event["parent_block_hash"]


def _kind(tagged: dict[str, str]) -> str:
    """`signed`, `unsigned` or `bytes` where a hash can only be that; nothing where it could be either number."""
    [(kind, text)] = tagged.items()
    if kind == "bytes":
        return "bytes"
    return "signed" if kind == "i64" else "unsigned" if int(text) > I64_MAX else ""
