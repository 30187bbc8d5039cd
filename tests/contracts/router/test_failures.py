"""The text of every failure, so that it stays one from which the fault can be guessed."""

from __future__ import annotations

from pathlib import Path

from contracts.router.failures import failures

EXPECTED = Path(__file__).with_name("failures.txt")


def test_failures_say_what_they_said() -> None:
    hint = "python -m contracts.router.failures > failures.txt, and read what has changed"
    assert list(failures()) == EXPECTED.read_text(encoding="utf-8").splitlines(), hint
