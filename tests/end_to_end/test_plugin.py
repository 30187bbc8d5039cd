"""The plugin as somebody installs it, with the oldest pytest supported; the newest is this environment's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.kit.test_plugin import Project
from fix_repository import PROJECT

OLDEST = "7.4.0"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with the built wheel and the oldest pytest."""
    folder = tmp_path_factory.mktemp("oldest")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    made = folder / "venv/bin/python"
    install = [
        str(made),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        f"{wheel}[contracts]",
        f"pytest=={OLDEST}",
        "pytest-xdist",
    ]
    subprocess.run(install, check=True, capture_output=True)
    return made


MODES: dict[str, tuple[list[str], str]] = {
    "plain": ([], "34/34 pass"),
    "two workers": (["-n", "2"], "34/34 pass"),
    "importlib mode": (["--import-mode=importlib"], "34/34 pass"),
    "a word": (["-k", "zero"], "1 passed, 48 deselected"),
    "last failed": (["--lf"], "34/34 pass"),
    "a node id": (["contracts::router@Good::test_a_target_of_zero_is_a_value"], "1 passed, 48 deselected"),
    "a fault": (["--contracts-impl", "router = mine:Zero"], "RC-039 MUST    FAIL"),
}


@pytest.mark.parametrize(("words", "told"), MODES.values(), ids=MODES)
def test_the_oldest_pytest(python: Path, words: list[str], told: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", python=str(python), bytecode=python.parents[2] / "bytecode")
    done = project.pytest("--contracts", *words)
    assert told in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if "FAIL" in told else 0)
