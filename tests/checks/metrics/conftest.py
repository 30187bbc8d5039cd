"""Where the tests of the commands stand."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, to which the test has gone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trueup.toml").write_text("")
    return tmp_path
