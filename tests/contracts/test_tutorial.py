"""Every block of docs/contracts/write-an-adapter.md, in order: files are written, commands run, output compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fix_repository import PROJECT
from page_runs import run_page

PAGE = PROJECT / "docs/contracts/write-an-adapter.md"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def test_the_tutorial_is_true(tmp_path: Path) -> None:
    assert run_page(PAGE, tmp_path) > 15
