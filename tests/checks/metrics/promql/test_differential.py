"""Beside promtool: what we call wrong it refuses, what we parse it takes."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
# What a Prometheus 2 does not have yet, or has otherwise, though it is right.
_NEWER = ('{"x", job="y"}',)


def tables() -> ModuleType:
    """The tables of cases stand in the test beside this one."""
    spec = importlib.util.spec_from_file_location("uses_tables", Path(__file__).with_name("test_uses.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLES = tables()
PLAIN = [
    text for text, _ in TABLES.USES if not any(sign in text for sign in ("$", "[[", "<<", "{{")) and text not in _NEWER
]
WRONG = [text for text, _ in TABLES.ERRORS]


def refused(tmp_path: Path, texts: list[str]) -> list[str]:
    """Those of the expressions that promtool does not take, one file for each."""
    assert PROMTOOL is not None
    wrong = []
    for index, text in enumerate(texts):
        place = tmp_path / f"{index}.yml"
        place.write_text(json.dumps({"groups": [{"name": "g", "rules": [{"record": "a", "expr": text}]}]}))
        done = subprocess.run([PROMTOOL, "check", "rules", str(place)], capture_output=True, check=False)
        if done.returncode != 0:
            wrong.append(text)
    return wrong


def test_promtool_takes_what_we_parse(tmp_path: Path) -> None:
    assert refused(tmp_path, PLAIN) == []


def test_promtool_refuses_what_we_call_wrong(tmp_path: Path) -> None:
    assert refused(tmp_path, WRONG) == WRONG
