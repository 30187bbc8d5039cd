"""The suites' own way to ask an implementation to read and to write messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trueup_contracts.errors import Refusal, WrongAnswerError
from trueup_contracts.event_transport.codec.golden import Golden, golden
from trueup_contracts.event_transport.codec.judging import same
from trueup_contracts.event_transport.codec.message import DIALECTS, Format
from trueup_contracts.subject import Subject

UNREAD = ("malformed", "unsupported", "invalid")  # how a reader says that it does not read this


class Reader:
    """`decode` of an implementation."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def decode(self, frames: Sequence[bytes], format: Format) -> Mapping[str, Any]:
        """The message; a `Refusal` where it is refused."""
        __tracebackhide__ = True
        found = self._subject.call("decode", frames=list(frames), format=format)
        if not isinstance(found, Mapping):
            raise WrongAnswerError(f"decode answered {found!r}; a mapping is due")
        return found

    def reads(self, case: Golden) -> Mapping[str, Any] | None:
        """The message; nothing where the reader says that it does not read such ones."""
        __tracebackhide__ = True
        try:
            return self.decode(case.frames, case.format)
        except Refusal as refusal:
            if refusal.code not in UNREAD:
                raise
            return None

    def read(self, format: Format = "A") -> Iterator[tuple[Golden, Mapping[str, Any]]]:
        """Every golden message of the format that it reads, with what it says of it."""
        __tracebackhide__ = True
        for case in golden():
            if case.format == format:
                found = self.reads(case)
                if found is not None:
                    yield case, found

    def refused(self, cases: Iterable[Golden]) -> list[str]:
        """Those of these messages that it does not read, or reads as something else."""
        __tracebackhide__ = True
        wrong = []
        for case in cases:
            found = self.reads(case)
            told = "it is refused" if found is None else same(found, case.message, keeps_unknown=False)
            if told is not None:
                wrong.append(f"{case.name}: {told}")
        return wrong

    def dialects(self) -> list[str]:
        """Those of which it reads a message."""
        __tracebackhide__ = True
        return [name for name in DIALECTS if any(self.reads(case) is not None for case in of_dialect(name))]


class Writer:
    """`encode` of an implementation."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def encode(self, message: Mapping[str, Any], format: Format, dialect: str) -> list[bytes]:
        """The frames; a `Refusal` where the message is refused."""
        __tracebackhide__ = True
        found = self._subject.call("encode", message=message, format=format, dialect=dialect)
        if not isinstance(found, Sequence) or not all(isinstance(one, bytes | bytearray | memoryview) for one in found):
            raise WrongAnswerError(f"encode answered {found!r}; a list of bytes is due")
        return [bytes(one) for one in found]

    def writes(self, message: Mapping[str, Any], dialect: str) -> list[bytes] | None:
        """The frames; nothing where the writer says that it does not write such ones."""
        __tracebackhide__ = True
        try:
            return self.encode(message, "A", dialect)
        except Refusal as refusal:
            if refusal.code not in UNREAD:
                raise
            return None

    def dialects(self) -> list[str]:
        """Those that it writes."""
        __tracebackhide__ = True
        return [name for name in DIALECTS if self.writes(SIMPLE, name) is not None]


SIMPLE: dict[str, Any] = {
    "topic": "kv",
    "sequence": 7,
    "publisher_id": None,
    "batch": {
        "ts": 1.5,
        "events": [
            {
                "type": "BlockStored",
                "block_hashes": [{"u64": "1"}],
                "parent_block_hash": None,
                "token_ids": [1, 2, 3, 4],
                "block_size": 4,
                "lora_id": None,
                "medium": "GPU",
                "lora_name": None,
                "unknown": {},
            },
            {"type": "BlockRemoved", "block_hashes": [{"u64": "2"}], "medium": "GPU", "unknown": {}},
            {"type": "AllBlocksCleared", "unknown": {}},
        ],
        "data_parallel_rank": 0,
        "unknown": {},
    },
}


def of_dialect(dialect: str) -> Iterator[Golden]:
    """The golden messages of a dialect."""
    yield from (case for case in golden() if case.dialect == dialect)


def by_release() -> dict[str, list[Golden]]:
    """Those of A by the engine's release that writes them."""
    found: dict[str, list[Golden]] = {}
    for case in golden():
        if case.format == "A" and case.source["project"] != "trueup":
            found.setdefault(case.name.partition(":")[0], []).append(case)
    return found


def short(lines: Sequence[str], most: int = 4) -> str:
    """Some lines of a list, for a message."""
    rest = f"\n… and {len(lines) - most} more" if len(lines) > most else ""
    return "\n".join(lines[:most]) + rest
