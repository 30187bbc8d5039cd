"""Which traceparents are well formed: the standard's own examples, and each rule of it broken once."""

from __future__ import annotations

import pytest

from trueup_reference.router.app.tracing import trace_id, traceparent, tracestate

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("value", "is_good"),
    [
        (GOOD, True),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", True),
        (f" {GOOD}\t", True),
        ("cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like", True),
        (f"{GOOD}-more", False),  # version 00 has four parts
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", False),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", False),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", False),
        (f"{GOOD}\n{GOOD}", False),
        ("", False),
        (GOOD[:-1], False),
        (GOOD + "-" + "x" * 500, False),
    ],
)
def test_traceparent(value: str, is_good: bool) -> None:
    headers = [(b"accept", b"*/*"), (b"traceparent", value.encode())]
    assert traceparent(headers) == (value.strip(" \t") if is_good else None)


def test_several_are_none() -> None:
    assert traceparent([(b"traceparent", GOOD.encode())] * 2) is None
    assert traceparent([]) is None


@pytest.mark.parametrize("state", [b"", b"a=\xff", b"a=\x01", b"a" * 600])
def test_a_state_that_cannot_be_sent_on(state: bytes) -> None:
    assert tracestate([(b"traceparent", GOOD.encode()), (b"tracestate", state)]) is None


def test_a_log_is_searched_by_the_trace_id() -> None:
    assert trace_id(GOOD) == "0af7651916cd43dd8448eb211c80319c"
    assert trace_id(None) is None
