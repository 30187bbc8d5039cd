"""Values and rows in Redis that are not what was stored."""

from __future__ import annotations

import json
import pickle
import struct
import zlib
from typing import Any

import pytest

from reference_impl.embedding_cache.redis_entries import bytes_of, entry
from trueup_reference.embedding_cache.backends.payload import CorruptedError, Row, decode, encode
from trueup_reference.embedding_cache.backends.redis_cache import RedisCache


def header(text: bytes, *, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


def file_of(spec: dict[str, Any], data: bytes = b"") -> bytes:
    return header(json.dumps(spec).encode()) + data


U8 = {"dtype": "U8", "shape": [10], "data_offsets": [0, 10]}
HOSTILE = {
    "empty": b"",
    "one byte": b"\x00",
    "a header of 2^63 bytes": header(b"{}", length=2**63),
    "a header of 100 MB that is not there": header(b"{}", length=100_000_000),
    "a header without an end": header(b'{"embedding":', length=13),
    "no JSON": header(b"\xff" * 20),
    "deeply nested": header(b"[" * 3000),
    "a pickle": pickle.dumps({"embedding": [1] * 10}),
    "another name": file_of({"other": U8}, bytes(10)),
    "two tensors": file_of({"embedding": U8, "b": {**U8, "shape": [5], "data_offsets": [10, 15]}}, bytes(15)),
    "another dtype": file_of({"embedding": {**U8, "dtype": "PICKLE"}}, bytes(10)),
    "a size beyond the data": file_of({"embedding": {**U8, "shape": [2**40], "data_offsets": [0, 2**40]}}, bytes(10)),
    "a product that overflows": file_of({"embedding": {**U8, "shape": [2**33, 2**33]}}, bytes(10)),
    "negative": file_of({"embedding": {**U8, "shape": [-10]}}, bytes(10)),
    "fewer bytes than stored": file_of({"embedding": {**U8, "shape": [9], "data_offsets": [0, 9]}}, bytes(9)),
    "4 kB more than stored": encode(bytes_of(10))[1] + bytes(5000),
    "cut": encode(bytes_of(10))[1][:-1],
    "one bit": encode(bytes_of(10))[1][:-1] + b"\x06",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("checksum", ["of what was stored", "of what is there"])
def test_a_corrupted_value_is_a_miss_is_counted_and_goes(
    cache: RedisCache, client: Any, name: str, checksum: str
) -> None:
    """Also where whoever wrote it knew of the checksum."""
    cache.set_many({"a": bytes_of(10), "b": bytes_of(10)})
    client.set(entry(cache, "a"), HOSTILE[name])
    if checksum == "of what is there":
        tag = cache._prefix.split(":", maxsplit=1)[0]
        client.hset(f"{tag}:rows", "a", f"10 {zlib.crc32(HOSTILE[name])}")
    got = cache.get("a")
    if (name, checksum) == ("one bit", "of what is there"):
        assert got is not None  # a checksum is no signature
        return
    assert got is None
    now = cache.numbers()
    assert (now["corrupted"], now["lost"]) == ((0, 1) if name == "empty" else (1, 0))
    assert (now["misses"], now["entries"], now["bytes"]) == (1, 1, 10)
    assert not client.exists(entry(cache, "a"))
    assert cache.get("b") is not None


@pytest.mark.parametrize("row", [b"", b"ten", b"10", b"10 x", b"-10 5", b"10 5 5", b"99999999999999999999 5"], ids=str)
def test_a_corrupted_row_is_a_miss_and_goes(cache: RedisCache, client: Any, row: bytes) -> None:
    cache.set("a", bytes_of(10))
    tag = cache._prefix.split(":", maxsplit=1)[0]
    client.hset(f"{tag}:rows", "a", row)
    assert cache.get("a") is None
    assert not client.exists(entry(cache, "a"))
    assert cache.numbers()["corrupted"] == 1
    assert 0 <= cache.current_bytes <= 10


def test_another_type_of_value_is_a_miss_and_goes(cache: RedisCache, client: Any) -> None:
    cache.set("a", bytes_of(10))
    client.delete(entry(cache, "a"))
    client.lpush(entry(cache, "a"), "x")
    assert cache.get("a") is None
    assert (cache.numbers()["corrupted"], cache.current_bytes, len(cache)) == (1, 0, 0)


def test_a_large_value_of_another_writer_is_not_even_fetched(cache: RedisCache, client: Any) -> None:
    cache.set("a", bytes_of(10))
    client.set(entry(cache, "a"), bytes(64_000_000))
    client.config_resetstat()
    assert cache.get("a") is None
    assert client.info("stats")["total_net_output_bytes"] < 100_000


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "one bit"])
def test_decode_refuses_by_one_error(name: str) -> None:
    with pytest.raises(CorruptedError):
        decode(Row(10, zlib.crc32(HOSTILE[name])), HOSTILE[name])
