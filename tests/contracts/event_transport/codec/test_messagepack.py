"""The kit's reader of MessagePack agrees with the libraries on what they write, and is bounded on what nobody wrote."""

from __future__ import annotations

import time
from typing import Any

import msgpack  # type: ignore[import-untyped]
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup_contracts.event_transport.codec.messagepack import MAX_DEPTH, MAX_VALUES, Ext, Pairs, Unreadable, read

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=30,
)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_what_msgspec_and_msgpack_write_is_read(value: Any) -> None:
    for written in (msgspec.msgpack.encode(value), msgpack.packb(value)):
        assert read(written) == value


@given(st.binary(max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_as_msgspec_reads_them_or_refused(data: bytes) -> None:
    try:
        found = read(data)
    except Unreadable:
        return
    if _is_plain(found):
        assert _same(msgspec.msgpack.decode(data), found)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return not isinstance(value, Ext | Pairs)


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)  # NaN is not equal to itself


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "payload, byte 0: it ends where a value is due"),
        (b"\xc1", "payload, byte 0: 0xc1 begins no value"),
        (b"\x92\x01\xc1", "payload[1], byte 2: 0xc1 begins no value"),
        (b"\x81\xa1a\xc1", "payload.a, byte 3: 0xc1 begins no value"),
        (b"\x01\x02", "payload, byte 1: 1 bytes follow the value"),
        (b"\x82\xa1a\x01\xa1a\x02", "payload, byte 4: the key a stands there twice"),
        (b"\x81\x90\x01", "payload, byte 1: an array or a map is the key of a map"),
        (b"\xd9\x05abc", "payload, byte 0: what begins here says that it has 5 more bytes; 3 are left"),
        (b"\xdc\xff\xff\x01", "payload, byte 0: it says that it has 65535 elements; 1 bytes are left"),
        (b"\xde\x00\x02\xa1a\x01", "payload, byte 0: it says that it has 2 entries; 3 bytes are left"),
        (b"\xa2\xff\xfe", "payload, byte 0: a text that is not UTF-8 (invalid start byte)"),
        (b"\xd7\x01abc", "payload, byte 0: what begins here says that it has 8 more bytes; 3 are left"),
        (b"\xcd\x01", "payload, byte 0: what begins here says that it has 2 more bytes; 1 are left"),
    ],
)
def test_an_error_says_where_and_what(data: bytes, told: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(data)
    assert str(caught.value) == told


def test_nesting_is_bounded_and_its_bound_is_read() -> None:
    assert read(b"\x91" * MAX_DEPTH + b"\xc0") is not None
    with pytest.raises(Unreadable, match=f"more than {MAX_DEPTH} arrays and maps within each other"):
        read(b"\x91" * (MAX_DEPTH + 1) + b"\xc0")


def test_many_small_values_are_bounded() -> None:
    data = b"\xdd" + (MAX_VALUES + 1).to_bytes(4, "big") + b"\x90" * (MAX_VALUES + 1)
    began = time.perf_counter()
    with pytest.raises(Unreadable, match=f"more than {MAX_VALUES} values"):
        read(data)
    assert time.perf_counter() - began < 1  # refused before they are read


def test_a_map_of_many_keys_takes_linear_time() -> None:
    many = {str(number): number for number in range(200_000)}
    began = time.perf_counter()
    assert read(msgspec.msgpack.encode(many)) == many
    assert time.perf_counter() - began < 5


def test_what_the_events_do_not_use_is_kept() -> None:
    assert read(b"\x81\x01\x02") == Pairs(((1, 2),))
    assert read(b"\xd4\x05\x09") == Ext(5, b"\x09")
    assert read(b"\xca\x3f\x80\x00\x00") == 1.0
