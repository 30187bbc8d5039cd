"""Reads MessagePack that nobody vouches for, and says at which byte and under which key it cannot be read.

The libraries in the field (msgspec, msgpack, rmp, vmihailenco/msgpack) are what the suites judge, so that none of them
is the judge; that this reader agrees with two of them on what they write is a property of the tests. Nothing is
allocated for a length that the rest of the data cannot hold, nesting is bounded, nothing is left over at the end.

Source of the format: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trueup_contracts.errors import Malformed

MAX_DEPTH = 32  # of lists and maps; the deepest that engines write is 6
MAX_BYTES = 64 << 20
MAX_VALUES = 4_000_000  # in all: an empty array is one byte to send and sixty to keep


class Unreadable(Malformed):
    """What is wrong, where: the keys and indexes that lead there, and the byte where it is known."""

    def __init__(self, what: str, offset: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset
        self.path: list[str | int] = []
        self.base = "payload"

    def inside(self, key: str | int) -> Unreadable:
        """The same, one step further out."""
        self.path.insert(0, key)
        return self

    def at_base(self, base: str) -> Unreadable:
        """The same, in the frame of this name."""
        self.base = base
        return self

    def __str__(self) -> str:
        """`payload.events[3].block_hashes[1], byte 40: …`."""
        place = self.base + "".join(f"[{key}]" if isinstance(key, int) else f".{_short(key)}" for key in self.path)
        at = "" if self.offset is None else f", byte {self.offset}"
        return f"{place}{at}: {self.what}"


@dataclass(frozen=True)
class Ext:
    """A value of an extension type; the events use none."""

    type: int
    data: bytes


@dataclass(frozen=True)
class Pairs:
    """A map whose keys are not all texts."""

    pairs: tuple[tuple[Any, Any], ...]


def read(data: bytes, base: str = "payload") -> Any:
    """The one value that the bytes are: maps as dicts (or `Pairs`), arrays as lists. `Unreadable` where they are none.

    `base`: what the bytes are called in errors.
    """
    reader = _Reader(data)
    try:
        if len(data) > MAX_BYTES:
            raise Unreadable(f"{len(data)} bytes; {MAX_BYTES} are the most that is read")
        value = reader.value(0)
        if reader.at != len(data):
            raise Unreadable(f"{len(data) - reader.at} bytes follow the value", reader.at)
    except Unreadable as error:
        error.base = base
        raise
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.values = 0

    def value(self, depth: int) -> Any:
        data, at = self.data, self.at
        if at >= len(data):
            raise Unreadable("it ends where a value is due", at)
        code = data[at]
        self.at = at + 1
        if code < 0x80:
            return code
        if code >= 0xE0:
            return code - 0x100
        if code < 0x90:
            return self.map(code & 0x0F, depth, at)
        if code < 0xA0:
            return self.array(code & 0x0F, depth, at)
        if code < 0xC0:
            return self.text(code & 0x1F, at)
        return self.coded(code, depth, at)

    def coded(self, code: int, depth: int, at: int) -> Any:
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            form = _NUMBERS[code]
            (number,) = form.unpack(self.take(form.size, at))
            return number
        if code in _SIZED:
            form, kind = _SIZED[code]
            (size,) = form.unpack(self.take(form.size, at))
            return kind(self, size, depth, at)
        if 0xD4 <= code <= 0xD8:
            return self.ext(1 << (code - 0xD4), depth, at)
        raise Unreadable("0xc1 begins no value", at)

    def take(self, size: int, at: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            left = len(self.data) - self.at
            raise Unreadable(f"what begins here says that it has {size} more bytes; {left} are left", at)
        found = self.data[self.at : end]
        self.at = end
        return found

    def text(self, size: int, at: int) -> str:
        raw = self.take(size, at)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable(f"a text that is not UTF-8 ({error.reason})", at) from None

    def array(self, count: int, depth: int, at: int) -> list[Any]:
        self.enter(count, 1, depth, at)
        found: list[Any] = []
        try:
            data, end = self.data, len(self.data)
            for _ in range(count):
                place = self.at
                code = data[place] if place < end else 0xFF
                if code < 0x80 and place < end:  # token ids and counts, mostly
                    self.at = place + 1
                    found.append(code)
                elif code == 0xCD and place + 3 <= end:
                    self.at = place + 3
                    found.append(data[place + 1] << 8 | data[place + 2])
                else:
                    found.append(self.value(depth + 1))
        except Unreadable as error:
            raise error.inside(len(found)) from None
        return found

    def map(self, count: int, depth: int, at: int) -> dict[str, Any] | Pairs:
        self.enter(count, 2, depth, at)
        pairs: list[tuple[Any, Any]] = []
        seen: set[tuple[type, Any]] = set()
        for index in range(count):
            place = self.at
            try:
                key = self.value(depth + 1)
            except Unreadable as error:
                raise error.inside(f"key {index}") from None
            if isinstance(key, list | dict | Pairs):
                raise Unreadable("an array or a map is the key of a map", place)
            if (type(key), key) in seen:
                raise Unreadable(f"the key {_short(key)} stands there twice", place)
            seen.add((type(key), key))
            try:
                pairs.append((key, self.value(depth + 1)))
            except Unreadable as error:
                raise error.inside(_short(key)) from None
        if all(isinstance(key, str) for key, _ in pairs):
            return dict(pairs)
        return Pairs(tuple(pairs))

    def enter(self, count: int, least: int, depth: int, at: int) -> None:
        if depth >= MAX_DEPTH:
            raise Unreadable(f"more than {MAX_DEPTH} arrays and maps within each other", at)
        left = len(self.data) - self.at
        if count * least > left:
            many = "entries" if least == 2 else "elements"
            raise Unreadable(f"it says that it has {count} {many}; {left} bytes are left", at)
        self.values += count * least
        if self.values > MAX_VALUES:
            raise Unreadable(f"more than {MAX_VALUES} values", at)

    def ext(self, size: int, depth: int, at: int) -> Ext:
        (kind,) = struct.unpack(">b", self.take(1, at))
        return Ext(kind, self.take(size, at))


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    code: struct.Struct(f">{form}") for code, form in zip((0xCA, 0xCB, *range(0xCC, 0xD4)), "fdBHIQbhiq", strict=True)
}


def _bytes(reader: _Reader, size: int, _depth: int, at: int) -> bytes:
    return reader.take(size, at)


def _text(reader: _Reader, size: int, _depth: int, at: int) -> str:
    return reader.text(size, at)


def _array(reader: _Reader, size: int, depth: int, at: int) -> list[Any]:
    return reader.array(size, depth, at)


def _map(reader: _Reader, size: int, depth: int, at: int) -> dict[str, Any] | Pairs:
    return reader.map(size, depth, at)


def _ext(reader: _Reader, size: int, depth: int, at: int) -> Ext:
    return reader.ext(size, depth, at)


_BYTE, _SHORT, _LONG = struct.Struct(">B"), struct.Struct(">H"), struct.Struct(">I")
_SIZED: dict[int, tuple[struct.Struct, Callable[[_Reader, int, int, int], Any]]] = {
    **{code: (form, _bytes) for code, form in ((0xC4, _BYTE), (0xC5, _SHORT), (0xC6, _LONG))},
    **{code: (form, _ext) for code, form in ((0xC7, _BYTE), (0xC8, _SHORT), (0xC9, _LONG))},
    **{code: (form, _text) for code, form in ((0xD9, _BYTE), (0xDA, _SHORT), (0xDB, _LONG))},
    **{code: (form, _array) for code, form in ((0xDC, _SHORT), (0xDD, _LONG))},
    **{code: (form, _map) for code, form in ((0xDE, _SHORT), (0xDF, _LONG))},
}


def _short(key: Any) -> str:
    text = key if isinstance(key, str) else repr(key)
    return text if len(text) <= 40 else f"{text[:40]}…"
