"""Server-sent events, however their bytes come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup_reference.router.sse import EventReader, TooLong

LIMIT = 200
Found = list[tuple[bytes, bytes]]


def read(*pieces: bytes, limit: int = LIMIT) -> Found:
    reader = EventReader(limit)
    return [event for piece in pieces for event in reader.feed(piece)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"event: item\ndata: {}\n\n", [(b"item", b"{}")]),
        (b"event:item\ndata:{}\n\n", [(b"item", b"{}")]),
        (b"event: item\ndata:  {}\n\n", [(b"item", b" {}")]),
        (b"data: {}\nevent: item\n\n", [(b"item", b"{}")]),
        (b"data: {}\n\n", [(b"message", b"{}")]),
        (b"event\ndata: {}\n\n", [(b"message", b"{}")]),
        (b"event: a\nevent: b\ndata: {}\n\n", [(b"b", b"{}")]),
        (b"event: item\n\n", []),
        (b"event: item\ndata\n\n", [(b"item", b"")]),
        (b"event: item\ndata: {\ndata: }\n\n", [(b"item", b"{\n}")]),
        (b": keep-alive\n\n", []),
        (b": keep-alive\nevent: item\ndata: {}\n\n", [(b"item", b"{}")]),
        (b"event: item\n: in between\ndata: {}\n\n", [(b"item", b"{}")]),
        (b"id: 1\nretry: 5\nevent: item\nnothing: x\ndata: {}\n\n", [(b"item", b"{}")]),
        (b"event: item\r\ndata: {}\r\n\r\n", [(b"item", b"{}")]),
        (b"event: item\rdata: {}\r\r", []),  # the last one may be half of a line end
        (b"event: item\rdata: {}\r\r\n", [(b"item", b"{}")]),
        (b"\xef\xbb\xbfevent: item\ndata: {}\n\n", [(b"item", b"{}")]),
        (b"event: \xef\xbb\xbf\ndata: {}\n\n", [(b"\xef\xbb\xbf", b"{}")]),
        (b"\n\n\nevent: item\ndata: {}\n\n", [(b"item", b"{}")]),
        (b"event: item\ndata: {}\n\n\n\nevent: finish\ndata: 1\n\n", [(b"item", b"{}"), (b"finish", b"1")]),
        (b"event: item\ndata: {}\n", []),
        (b"event: item\ndata: {}", []),
    ],
)
def test_events_are_read(text: bytes, expected: Found) -> None:
    assert read(text) == expected
    assert read(*(text[place : place + 1] for place in range(len(text)))) == expected


line_ends = st.sampled_from([b"\n", b"\r\n"])
blocks = st.lists(
    st.tuples(
        st.sampled_from([b"event: item", b"data: {}", b"data: 1", b": c", b"event:", b"", b"id: 1", b"data"]), line_ends
    ).map(b"".join),
    max_size=20,
).map(b"".join)


@given(blocks, st.lists(st.integers(0, 200), max_size=8))
def test_how_the_bytes_are_cut_does_not_matter(text: bytes, places: list[int]) -> None:
    cuts = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    pieces = [text[begin:end] for begin, end in itertools.pairwise(cuts)]
    assert read(*pieces) == read(text) == by_lines(text)


def by_lines(text: bytes) -> Found:
    """As the standard tells it: line by line."""
    found: Found = []
    name: bytes = b""
    data: list[bytes] = []
    for line in text.replace(b"\r\n", b"\n").split(b"\n")[:-1]:
        if not line:
            if data:
                found.append((name or b"message", b"\n".join(data)))
            name, data = b"", []
            continue
        field, _, value = line.partition(b":")
        if field == b"event":
            name = value.removeprefix(b" ")
        elif field == b"data":
            data.append(value.removeprefix(b" "))
    return found


@given(st.binary(max_size=300), st.integers(1, 40))
def test_whatever_comes_is_read_or_too_long(text: bytes, size: int) -> None:
    reader = EventReader(LIMIT)
    try:
        for place in range(0, len(text), size):
            reader.feed(text[place : place + size])
    except TooLong:
        assert len(text) > LIMIT


@pytest.mark.parametrize("text", [b"data: " + b"x" * 300 + b"\n\n", b"x" * 300, b"data: x\n" * 40, b": c" * 100])
def test_an_event_that_does_not_end_is_too_long(text: bytes) -> None:
    with pytest.raises(TooLong, match="more than 200 bytes"):
        read(text)
    with pytest.raises(TooLong):
        read(*(text[place : place + 7] for place in range(0, len(text), 7)))


def test_many_events_together_may_be_longer_than_one() -> None:
    event = b"event: item\ndata: {}\n\n"
    assert len(read(event * 100)) == 100
    assert len(read((event * 100)[:-1])) == 99
    assert len(read((event * 100)[:-1], b"\n")) == 100
