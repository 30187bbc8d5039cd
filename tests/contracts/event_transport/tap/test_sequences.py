"""The laws of sequence numbers, as a table."""

from __future__ import annotations

import pytest

from trueup_contracts.event_transport.tap.sequences import REMEMBERED, Sequences

CUT = -1  # the connection was lost


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([7], []),
        ([0, 1, 2], []),
        ([0, 1, 5, 6], [("gap", 3)]),
        ([0, 1, 3, 5], [("gap", 1), ("gap", 1)]),
        ([5, 6, 0, 1], [("restart", None)]),
        ([5, 5], [("restart", None)]),
        ([5, CUT, 6], []),
        ([5, CUT, 9, 10], [("uncertain", None)]),
        ([5, CUT, 6, 9], [("gap", 2)]),
        ([5, CUT, 0], [("restart", None)]),
        ([(1 << 64) - 3, (1 << 64) - 2], []),
    ],
)
def test_format_a(numbers: list[int], expected: list[tuple[str, int | None]]) -> None:
    assert _notes(numbers, None) == expected


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0, 1, 2], []),
        ([0, 3], [("gap", 2)]),
        ([0, 1, 1, 2], [("duplicate", None)]),
        ([5, 6, 2, 7], [("out-of-order", None)]),
        ([5, 6, 2, 2, 7], [("out-of-order", None), ("duplicate", None)]),
        ([*range(REMEMBERED + 2), 0], [("out-of-order", None)]),
    ],
)
def test_format_b(numbers: list[int], expected: list[tuple[str, int | None]]) -> None:
    assert _notes(numbers, (1, "kv")) == expected


def _notes(numbers: list[int], identity: object) -> list[tuple[str, int | None]]:
    found = Sequences()
    notes = []
    for number in numbers:
        if number == CUT:
            found.cut()
            continue
        note = found.take(number, identity)
        if note is not None:
            notes.append((note.kind, note.missed))
    return notes


def test_publishers_and_topics_of_b_are_counted_apart() -> None:
    found = Sequences()
    for identity in ((1, "kv"), (2, "kv"), (1, "load")):
        assert found.take(0, identity) is None
    assert found.take(1, (2, "kv")) is None
    assert found.take(0, (1, "kv")) is not None


def test_notes_in_words() -> None:
    found = Sequences()
    notes = [found.take(number) for number in (0, 2, 9, 1)]
    assert [note.told for note in notes if note is not None] == [
        "1 message is missing: 1",
        "6 messages are missing: 3 to 8",
        "sequence 1 after 9: the publisher has restarted, or repeats itself",
    ]
