"""`make check` in a fresh clone, and what CI's script needs of the machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fix_repository import PROJECT, copy_of_project


def run(*command: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def test_check_sets_itself_up_once_whatever_the_shell_has_active(tmp_path: Path) -> None:
    """From nothing, in a folder whose name has a space, called from a shell with another environment active."""
    clone = copy_of_project(tmp_path / "a clone")
    clone.commit()
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "trueup.py").write_text("raise SystemExit('the wrong trueup')\n")
    env = {**os.environ, "PYTHONPATH": str(shadow), "VIRTUAL_ENV": str(tmp_path / "other"), "PIP_USER": "1"}

    first = run("make", "check", cwd=clone.root, env=env)
    assert first.returncode == 0, first.stdout
    assert (clone.root / ".venv/bin/trueup").is_file()
    assert not (clone.root / ".venv/bin/pytest").exists()
    assert clone.git("status", "--porcelain") == ""

    second = run("make", "check", cwd=clone.root, env=env)
    assert second.returncode == 0, second.stdout
    assert "pip" not in second.stdout
    assert second.stdout.startswith(".venv/bin/trueup check\n")

    os.utime(clone.root / "pyproject.toml")
    dry = run("make", "--dry-run", "check", cwd=clone.root, env=env)
    assert ".venv/bin/python -I -m pip install --quiet --editable ." in dry.stdout.splitlines()


def test_no_python_is_one_clear_line(tmp_path: Path) -> None:
    clone = copy_of_project(tmp_path / "clone")
    done = run("make", "PYTHON=", "check", cwd=clone.root, env=os.environ)
    assert done.returncode == 2
    assert done.stdout.startswith("no Python 3.11 or newer found; name one: make PYTHON=/path/to/python3\n")
    assert not (clone.root / ".venv").exists()


def test_help_lists_every_target() -> None:
    done = run("make", "help", cwd=PROJECT, env=os.environ)
    assert done.returncode == 0
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    tests = ["check", "test", "lint", "test-slow", "fuzz", "bench", "faults"]
    assert listed == ["help", *tests, "demo", "demo-kv", "clean"]


def test_ci_names_what_the_machine_lacks(tmp_path: Path) -> None:
    """Neither Git, make and Python nor apt-get: the script says what is missing and stops."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "env", "id"):
        [found] = [path for path in (Path("/usr/bin") / name, Path("/bin") / name) if path.exists()][:1]
        (tools / name).symlink_to(found)
    done = run(str(PROJECT / ".ci/run"), cwd=tmp_path, env={"PATH": str(tools)})
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "this machine lacks: git",
        "this machine lacks: make",
        "this machine lacks: Python 3.11 or newer with venv",
    ]
