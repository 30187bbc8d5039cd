"""The text of every failure, so that it stays one from which the fault can be guessed."""

from __future__ import annotations

import pytest

from contracts.failures import expected, failures


@pytest.mark.parametrize("suite_name", ["router", "embedding-cache", "kv-index", "worker-selection"])
def test_failures_say_what_they_said(suite_name: str) -> None:
    hint = f"python -m contracts.failures {suite_name} > failures.txt, and read what has changed"
    assert list(failures(suite_name)) == expected(suite_name), hint
