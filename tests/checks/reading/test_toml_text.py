"""TOML as plain values: what it refuses, with its place, and that it does so in time."""

from __future__ import annotations

import time

import pytest

from trueup.reading.toml_text import NotToml, line_and_column, parse


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a = 1\nb = = 2\n", "invalid value", (2, 5)),
        ("é.b = 1", "invalid statement", (1, 1)),
        ("a = [1,\n", "invalid value", (2, 1)),
        ("x = 1\n" + "a." * 64 + "a = 1", "a key has more than 64 parts", (2, 1)),
        ("x = 1\n[ 'a' . " + '"b.c" . ' * 64 + "a]", "a key has more than 64 parts", (2, 3)),
        ("a = [0, " + "1" * 5000 + "]", "a number has more digits than can be read", (1, 9)),
        ("a = [0, -" + "1_1" * 5000 + "]", "a number has more digits than can be read", (1, 9)),
        ("a = " + "[" * 100_000, "it is nested too deeply", None),
    ],
)
def test_what_is_refused(text: str, message: str, place: tuple[int, int] | None) -> None:
    with pytest.raises(NotToml) as caught:
        parse(text)
    assert caught.value.message == message
    assert (caught.value.offset is None) == (place is None)
    if caught.value.offset is not None:
        assert line_and_column(text, caught.value.offset) == place


@pytest.mark.parametrize(
    "text",
    [
        "# " + "a" * 1_000_000 + "." * 70,
        "# " + "-" * 1_000_000 + "." * 70,
        "# " + "'" * 1_000_000 + "." * 70,
        "# " + '"a' * 500_000 + "." * 70,
        "# " + ("a." * 62 + ", ") * 5_000,
        "# " + "1" * 1_000_000 + "." * 70,
    ],
    ids=["word", "hyphens", "quotes", "quoted", "nearly deep", "digits"],
)
def test_time_is_bounded(text: str) -> None:
    started = time.perf_counter()
    assert parse(text) == {}
    assert time.perf_counter() - started < 5
