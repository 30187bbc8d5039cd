"""Hashes as bytes that can be compared, nine for each: MessagePack's mark of a u64, and its eight bytes, big-endian.

That is how MessagePack writes every integer from 2^32 on, so that its encoder, in C, turns a list of hashes into this
form three times as quickly as anything in the standard library, and the marks say that nothing else was in the list: no
bool, no negative number, no float. A hash below 2^32 (one in four billion) is shorter there; such lists go another way.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Any, Final, NoReturn

import msgspec

from trueup_reference.kv_index.errors import InvalidEventError

HASH_BYTES: Final = 9
U64: Final = 1 << 64
MARK: Final = b"\xcf"
_mark_and_value = Struct(">BQ").pack
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode
DUE: Final = "an integer from 0 to 2^64 - 1"


def pack(hashes: list[int], field: str) -> tuple[list[int], bytes]:
    """The hashes as plain integers, and packed. Raises `InvalidEventError` where one is no u64."""
    count = len(hashes)
    header_bytes = 1 if count < 1 << 4 else 3 if count < 1 << 16 else 5
    try:
        told = _encode(hashes)
    except (TypeError, OverflowError, RecursionError, ValueError):
        told = b""
    if len(told) == header_bytes + HASH_BYTES * count and told[header_bytes::HASH_BYTES] == MARK * count:
        return hashes, told[header_bytes:]
    plain = checked(hashes, field)
    return plain, b"".join(map(pack_one, plain))


def pack_one(value: int) -> bytes:
    """Of a u64."""
    return _mark_and_value(0xCF, value)


def unpack(packed: bytes) -> list[int]:
    """The hashes."""
    count = len(packed) // HASH_BYTES
    if count < 1 << 4:
        header = bytes((0x90 | count,))
    elif count < 1 << 16:
        header = b"\xdc" + count.to_bytes(2, "big")
    else:
        header = b"\xdd" + count.to_bytes(4, "big")
    return _decode(header + packed)


def unpack_one(packed: bytes) -> int:
    """The hash."""
    return int.from_bytes(packed[1:], "big")


def checked(hashes: Sequence[Any], field: str) -> list[int]:
    """Any sequence of integers as plain ones. Raises `InvalidEventError`, which names the first that is no u64."""
    if isinstance(hashes, (str, bytes, bytearray, Mapping)) or not hasattr(hashes, "__getitem__"):
        refuse(field, hashes, f"a list of integers from {DUE.removeprefix('an integer from ')}")
    try:
        plain = array("Q", hashes).tolist()
        if bool not in set(map(type, hashes)):
            return plain
    except (TypeError, OverflowError):
        pass
    for place, value in enumerate(hashes):
        if isinstance(value, bool) or not hasattr(value, "__index__") or not 0 <= value < U64:
            refuse(f"{field}[{place}]", value, DUE)
    return refuse(field, hashes, f"a list of integers from {DUE.removeprefix('an integer from ')}")


def refuse(field: str, value: Any, due: str) -> NoReturn:
    """Raises `InvalidEventError`."""
    shown = repr(value)
    if len(shown) > 80:
        shown = f"{shown[:77]}..."
    raise InvalidEventError(f"{field} is {shown}: {due} is due")
