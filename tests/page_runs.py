"""Runs a page of the documentation: files are written, commands run, output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

BLOCK = re.compile(r"(?:^`(?P<file>[\w./-]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def run_page(
    page: Path, folder: Path, variables: Mapping[str, str] | None = None, skips: Callable[[str], bool] = lambda _: False
) -> int:
    """Every block, in order; the number of commands that were run, `skips` told those that were not."""
    run = 0
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        text = block["text"]
        if block["file"] is not None:
            (folder / block["file"]).write_text(text)
            continue
        assert block["kind"] == "console", f"a block of {block['kind']} without a file's name"
        for command, expected in commands(text):
            if skips(command):
                continue
            run += 1
            printed = " ".join(shell(command, folder, variables or {}).split())
            at = 0
            for line in expected:
                wanted = " ".join(line.split())
                found = printed.find(wanted, at)
                assert found >= 0, f"$ {command}\ndoes not print, in this order: {line}\nbut:\n{printed}"
                at = found + len(wanted)
    return run


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Each command with the lines that it must print."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line)
    return found


def shell(command: str, folder: Path, variables: Mapping[str, str]) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COLUMNS"))}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**env, **variables, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
