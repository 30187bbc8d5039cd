"""Messages that are none, each with what is wrong: made by hand, byte for byte."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import msgspec


class Broken(NamedTuple):
    """A malformed message. `level`: MUST for frames, MessagePack, the shapes of batch, event and hash; else SHOULD."""

    name: str
    format: str
    level: str
    frames: tuple[bytes, ...]
    wrong: str

    def told(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "name": self.name,
            "format": self.format,
            "level": self.level,
            "frames": [frame.hex() for frame in self.frames],
            "wrong": self.wrong,
        }


MALFORMED: list[Broken] = []
_SEQ = (7).to_bytes(8, "big")
_pack = msgspec.msgpack.encode
_REMOVED = ["BlockRemoved", [1, 2], "GPU"]
_STORED = ["BlockStored", [1], None, [1, 2, 3, 4], 4, None, "GPU", None]
_GOOD = _pack([1.5, [_STORED, _REMOVED], 0])


def _a(name: str, wrong: str, payload: bytes, level: str = "MUST") -> None:
    MALFORMED.append(Broken(name, "A", level, (b"kv", _SEQ, payload), wrong))


def _frames(name: str, wrong: str, *frames: bytes, format: str = "A", level: str = "MUST") -> None:
    MALFORMED.append(Broken(name, format, level, frames, wrong))


_frames("no frame", "0 frames")
_frames("one frame", "1 frames", _GOOD)
_frames("two frames", "2 frames", _SEQ, _GOOD)
_frames("four frames", "4 frames", b"kv", _SEQ, _GOOD, b"")
_frames("a frame before the topic", "4 frames", b"", b"kv", _SEQ, _GOOD)
_frames("a sequence of 7 bytes", "7 bytes", b"kv", _SEQ[1:], _GOOD)
_frames("a sequence of 9 bytes", "9 bytes", b"kv", b"\0" + _SEQ, _GOOD)
_frames("no sequence", "0 bytes", b"kv", b"", _GOOD)
_frames("the end of a replay among live messages", "end of a replay", b"kv", b"\xff" * 8, _GOOD, level="SHOULD")
_frames("a topic that is not UTF-8", "not UTF-8", b"\xff\xfe", _SEQ, _GOOD, level="SHOULD")

_a("no payload", "it ends", b"")
_a("a payload of noise", "0xc1", b"\xc1\xc1\xc1\xc1")
_a("JSON", "bytes follow", b'[1.5,[["AllBlocksCleared"]],0]')
for _cut in (1, 2, 10, 12, len(_GOOD) // 2, len(_GOOD) - 1):
    _a(f"cut off after {_cut} bytes", ", byte ", _GOOD[:_cut])
_a("a byte too many", "1 bytes follow", _GOOD + b"\0")
_a("two batches in one payload", "bytes follow", _GOOD * 2)
_a("an array that says it has 2^32-1 elements", "4294967295 elements", b"\xdd\xff\xff\xff\xff")
_a("a map that says it has 2^32-1 entries", "4294967295 entries", b"\xdf\xff\xff\xff\xff")
_a("a text that says it has 2^32-1 bytes", "4294967295", b"\x92\xdb\xff\xff\xff\xff\x90")
_a("bytes that say they are 2^32-1", "4294967295", b"\x92\xc6\xff\xff\xff\xff\x90")
_a("a list of events that says it has 2^31 elements", "2147483648", b"\x92\xcb" + b"\0" * 8 + b"\xdd\x80\0\0\0\xc0")
_a("20,000 arrays within each other", "arrays and maps within", b"\x91" * 20_000 + b"\xc0")
_a("5,000 maps within each other", "arrays and maps within", b"\x81\xa1a" * 5_000 + b"\xc0")
_a("a text that is not UTF-8", "not UTF-8", b"\x92\xcb" + b"\0" * 8 + b"\x91\x91\xa2\xff\xfe", "SHOULD")

for _value, _called in ((None, "nil"), (1, "an integer"), ("batch", "a text"), (b"batch", "bytes"), (True, "a truth")):
    _a(f"a batch that is {_called}", _called, _pack(_value))
_a("an empty array for a batch", "an array of 0", _pack([]))
_a("a batch without events", "an array of 1", _pack([1.5]))
_a("a map without events", "no events", _pack({"ts": 1.5}))
_a("a map without ts", "no ts", _pack({"events": [_REMOVED]}))
_a("an empty map for a batch", "no ts", _pack({}))
_a("ts and events changed places", "ts", _pack([[_REMOVED], 1.5]))
_a("a text for ts", "ts", _pack(["now", [_REMOVED], 0]))
_a("a map for events", "events", _pack([1.5, {"BlockRemoved": [1]}, 0]))
_a("nil for events", "events", _pack([1.5, None, 0]))
_a("a text for the rank", "data_parallel_rank", _pack([1.5, [_REMOVED], "zero"]), "SHOULD")
_a("an event that is nil", "events[0]", _pack([1.5, [None], 0]))
_a("an event that is a text", "events[1]", _pack([1.5, [_REMOVED, "AllBlocksCleared"], 0]))
_a("an event that is an empty array", "its tag", _pack([1.5, [[]], 0]))
_a("an event without a tag", "its tag", _pack([1.5, [{"block_hashes": [1]}], 0]))
_a("a tag that is a number", "its tag", _pack([1.5, [[3, [1], "GPU"]], 0]))
_a("a tag that is nil in a map", "its tag", _pack({"ts": 1.5, "events": [{"type": None, "block_hashes": [1]}]}))
_a("a removal without hashes", "without block_hashes", _pack([1.5, [["BlockRemoved"]], 0]))
_a("a removal without hashes, in maps", "block_hashes", _pack([1.5, [{"type": "BlockRemoved", "medium": "GPU"}], 0]))
_a("a stored block without tokens", "without token_ids", _pack([1.5, [["BlockStored", [1], None]], 0]), "SHOULD")
_a("hashes that are one integer", "block_hashes", _pack([1.5, [["BlockRemoved", 1, "GPU"]], 0]))
_a("a hash that is a float", "block_hashes[1]", _pack([1.5, [["BlockRemoved", [1, 2.5], "GPU"]], 0]))
_a("a hash that is nil", "block_hashes[0]", _pack([1.5, [["BlockRemoved", [None], "GPU"]], 0]))
_a("a parent that is a list", "parent_block_hash", _pack([1.5, [["BlockStored", [1], [2], [1], 1, None]], 0]), "SHOULD")
_a("tokens that are a text", "token_ids", _pack([1.5, [["BlockStored", [1], None, "abc", 1, None]], 0]), "SHOULD")
_a("a token that is a list", "token_ids[1]", _pack([1.5, [["BlockStored", [1], None, [1, [2]], 1, None]], 0]), "SHOULD")
_a(
    "a block size that is a text",
    "block_size",
    _pack([1.5, [["BlockStored", [1], None, [1], "16", None]], 0]),
    "SHOULD",
)
_a("a medium that is a number", "medium", _pack([1.5, [["BlockRemoved", [1], 3]], 0]), "SHOULD")

_ENVELOPE = {"publisher_id": 9, "sequence": 7, "published_at": 1_789_095_808_837, "topic": "kv", "payload": b"\x90"}


def _frame(envelope: Any, *, version: int = 1, more: int = 0, tail: bytes = b"") -> bytes:
    packed = envelope if isinstance(envelope, bytes) else _pack(envelope)
    return struct.pack(">BI", version, len(packed) + more) + packed + tail


def _b(name: str, wrong: str, frame: bytes, level: str = "MUST") -> None:
    _frames(name, wrong, b"kv", (9).to_bytes(8, "big"), _SEQ, frame, format="B", level=level)


_frames("three frames of B", "3 frames", b"kv", _SEQ, _frame(_ENVELOPE), format="B")
_frames("five frames of B", "5 frames", b"kv", _SEQ, _SEQ, _frame(_ENVELOPE), b"", format="B")
_frames("an id of 7 bytes", "7 bytes", b"kv", b"\0" * 6 + b"\x09", _SEQ, _frame(_ENVELOPE), format="B")
_frames(
    "a sequence of 4 bytes in B", "4 bytes", b"kv", b"\0" * 7 + b"\x09", b"\0\0\0\x07", _frame(_ENVELOPE), format="B"
)
_b("no header", "0 bytes", b"")
_b("half a header", "3 bytes", b"\x01\0\0")
_b("version 0", "version 0", _frame(_ENVELOPE, version=0))
_b("version 2", "version 2", _frame(_ENVELOPE, version=2))
_b("a length beyond the frame", "the header says", _frame(_ENVELOPE, more=1))
_b("a length of 2^32-1", "4294967295", b"\x01\xff\xff\xff\xff" + _pack(_ENVELOPE))
_b("a length that is too short", "the header says", _frame(_ENVELOPE, more=-1))
_b("a length in little-endian", "the header says", struct.pack("<BI", 1, len(_pack(_ENVELOPE))) + _pack(_ENVELOPE))
_b("bytes behind the envelope's length", "the header says", _frame(_ENVELOPE, tail=b"\0"), "SHOULD")
_b("an envelope of noise", "0xc1", _frame(b"\xc1"))
_b("an empty envelope", "it ends", _frame(b""))
_b("an envelope that is a number", "an integer", _frame(3))
_b("an envelope without a payload", "no payload", _frame({k: v for k, v in _ENVELOPE.items() if k != "payload"}))
_b("an envelope without a sequence", "no sequence", _frame({k: v for k, v in _ENVELOPE.items() if k != "sequence"}))
_b("a payload that is a text", "payload", _frame({**_ENVELOPE, "payload": "text"}), "SHOULD")
_b("a publisher's id that is a text", "publisher_id", _frame({**_ENVELOPE, "publisher_id": "nine"}))
_b("an envelope of another publisher", "publisher_id", _frame({**_ENVELOPE, "publisher_id": 10}), "SHOULD")
_b("an envelope of another sequence", "sequence", _frame({**_ENVELOPE, "sequence": 8}), "SHOULD")
