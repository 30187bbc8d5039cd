"""Every block of docs/contracts/write-an-adapter.md, in order: files are written, commands run, output compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fix_repository import PROJECT

PAGE = PROJECT / "docs/contracts/write-an-adapter.md"
BLOCK = re.compile(r"(?:^`(?P<file>[\w./-]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def test_the_tutorial_is_true(tmp_path: Path) -> None:
    run = 0
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        text = block["text"]
        if block["file"] is not None:
            (tmp_path / block["file"]).write_text(text)
            continue
        assert block["kind"] == "console", f"a block of {block['kind']} without a file's name"
        for command, expected in commands(text):
            run += 1
            printed = " ".join(shell(command, tmp_path).split())
            at = 0
            for line in expected:
                wanted = " ".join(line.split())
                found = printed.find(wanted, at)
                assert found >= 0, f"$ {command}\ndoes not print, in this order: {line}\nbut:\n{printed}"
                at = found + len(wanted)
    assert run > 15


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Each command with the lines that it must print."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
    return found


def shell(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COLUMNS"))}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**env, "PATH": path}, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr
