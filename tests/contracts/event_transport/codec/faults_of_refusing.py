"""Codecs that take what is no message, or refuse it with the wrong error."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.event_transport.codec.hooked import Codec
from contracts.event_transport.codec.seeding import fault
from trueup_contracts import Malformed


@fault("ES-130")
class AnyCount(Codec):
    """of four frames the last three are taken"""

    def decode(self, frames: Sequence[bytes], format: str) -> dict[str, Any]:
        return super().decode(frames[-3:] if format == "A" else frames, format)


@fault("ES-130")
class AnyWidth(Codec):
    """a sequence of seven bytes is read"""

    def number(self, frame: bytes) -> int:
        return int.from_bytes(frame[:8], "big")


@fault("ES-130")
class Trailing(Codec):
    """what follows the batch is ignored"""

    def unpacked(self, payload: bytes) -> Any:
        for size in range(len(payload), max(0, len(payload) - 4), -1):
            try:
                return super().unpacked(payload[:size])
            except Malformed:
                continue
        raise Malformed("no value")


@fault("ES-130")
class WrongError(Codec):
    """what cannot be read is an error of the library, and no refusal"""

    def unpacked(self, payload: bytes) -> Any:
        try:
            return msgspec.msgpack.decode(payload)
        except msgspec.DecodeError as error:
            raise RuntimeError(str(error)) from error


@fault("ES-130")
class FloatHashes(Codec):
    """a hash may be anything"""

    def hash(self, value: Any) -> dict[str, str]:
        return {"u64": str(value)} if isinstance(value, float) else super().hash(value)


@fault("ES-131")
class AnyTopic(Codec):
    """a topic that is not UTF-8 is mended"""

    def topic(self, frame: bytes) -> str:
        return frame.decode("utf-8", "replace")


@fault("ES-132")
class AnyVersion(Codec):
    """the version of a frame is not looked at"""

    def check_header(self, version: int, size: int, there: int) -> None:
        self.need(size == there, "the length")


@fault("ES-132")
class AnyLength(Codec):
    """the length in a frame's header is not looked at"""

    def envelope(self, frame: bytes, publisher: int, sequence: int) -> dict[str, Any]:
        self.need(len(frame) >= 5, "no header")
        return super().envelope(frame[:1] + struct.pack(">I", len(frame) - 5) + frame[5:], publisher, sequence)


@fault("ES-133")
class TwoNames(Codec):
    """an envelope of another publisher is taken"""

    def envelope(self, frame: bytes, publisher: int, sequence: int) -> dict[str, Any]:
        value = self.unpacked(frame[5:])
        known = value if isinstance(value, dict) else {}
        return super().envelope(frame, known.get("publisher_id", 0), known.get("sequence", 0))


@fault("ES-134")
class Asserts(Codec):
    """what cannot be is an assertion that fails"""

    def hash(self, value: Any) -> dict[str, str]:
        assert isinstance(value, int | bytes)
        return super().hash(value)
