"""Entries and files of discovery: what is read is what was written, and what is wrong is told with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup_reference.router.discovery import DiscoveryError, WorkerEntry, read_entry, read_file, written_file

GOOD = {"id": "w1", "namespace": "prefill_pool_0", "phase": "prefill", "url": "http://127.0.0.1:9001"}


def file(*workers: Any, **more: Any) -> bytes:
    return json.dumps({"version": 1, "workers": workers, **more}).encode()


WRONG = {
    b"": "d.json: Input data was truncated",
    b"[]": "d.json: Expected `object`, got `array`",
    b'{"version": 1}': "d.json: Object missing required field `workers`",
    b"\xff": "d.json: JSON is malformed: invalid character (byte 0)",
    file(version=2): "d.json: version is 2; 1 is known - at `$.version`",
    file({}): "d.json: Object missing required field `id` - at `$.workers[0]`",
    file(GOOD, {**GOOD, "id": 7}): "d.json: Expected `str`, got `int` - at `$.workers[1].id`",
    file({**GOOD, "phase": "warm"}): "d.json: Invalid enum value 'warm' - at `$.workers[0].phase`",
    file({**GOOD, "id": "a/b"}): (
        "d.json: id is 'a/b'; a name of at most 255 characters without white space and / is due - at `$.workers[0]`"
    ),
    file({**GOOD, "namespace": "a\u202eb"}): (
        "d.json: namespace is 'a\\u202eb'; a name of at most 255 characters without white space and / is due"
        " - at `$.workers[0]`"
    ),
    file(GOOD, {**GOOD, "id": "w2"}, {**GOOD, "url": "http://h"}): (
        "d.json: 'w1' is twice in 'prefill_pool_0', at `$.workers[0]` too; an id names one worker of a namespace"
        " - at `$.workers[2]`"
    ),
}
URLS = [
    "127.0.0.1:9001",
    "ftp://h",
    "http://",
    "http://h:0",
    "http://h:99999",
    "http://h:x",
    "http://u:p@h",
    "http://h/?q",
]
URLS += ["zmq+tcp://h", "zmq+tcp://h:1/x", "http://h h", "http://h\n", "http://[::1", "http://h/#f", "http://\u00fc"]


@pytest.mark.parametrize(("text", "told"), WRONG.items(), ids=range(len(WRONG)))
def test_a_wrong_file_is_told_with_its_place(text: bytes, told: str) -> None:
    with pytest.raises(DiscoveryError) as caught:
        read_file(text, "d.json")
    assert str(caught.value) == told


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_leads_to_no_worker_is_refused(url: str) -> None:
    with pytest.raises(DiscoveryError, match=r"^key: url is .*; http://HOST:PORT, .* is due$"):
        read_entry(json.dumps({**GOOD, "url": url}).encode(), "key")


@pytest.mark.parametrize("url", ["http://h", "https://h:1/base", "zmq+tcp://127.0.0.1:5555", "http://[::1]:80"])
def test_a_url_of_a_known_scheme_is_taken(url: str) -> None:
    assert read_entry(json.dumps({**GOOD, "url": url}).encode(), "key").url == url


def test_a_field_that_is_not_known_is_let_pass() -> None:
    assert read_entry(json.dumps({**GOOD, "zone": "a"}).encode(), "key") == WorkerEntry(**GOOD)  # type: ignore[arg-type]


def test_nothing_too_large_or_too_deep_is_decoded() -> None:
    with pytest.raises(DiscoveryError, match="key: 65,537 bytes; 65,536 are the most"):
        read_entry(b" " * 65_537, "key")
    with pytest.raises(DiscoveryError, match="16,777,217 bytes; 16,777,216 are the most"):
        read_file(b" " * 16_777_217, "d.json")
    with pytest.raises(DiscoveryError, match=r"^d\.json: "):
        read_file(b'{"x":' * 100_000, "d.json")


NAMES = st.text("abcXYZ019_.:-é", min_size=1, max_size=20)
ENTRIES = st.builds(
    WorkerEntry,
    id=NAMES,
    namespace=NAMES,
    phase=st.sampled_from(["prefill", "decode", "agg"]),
    url=st.integers(1, 65_535).map("http://127.0.0.1:{}".format),
)


@given(st.lists(ENTRIES, unique_by=lambda one: (one.namespace, one.id), max_size=10))
def test_what_is_written_is_what_is_read(entries: list[WorkerEntry]) -> None:
    assert list(read_file(written_file(entries), "d.json")) == entries
    assert [read_entry(one.written(), "key") for one in entries] == entries


@given(st.binary(max_size=200))
def test_bytes_are_a_file_or_an_error(text: bytes) -> None:
    told = "d.json: "
    try:
        read_file(text, "d.json")
    except DiscoveryError as error:
        told = str(error)
    assert told.startswith("d.json: ")
