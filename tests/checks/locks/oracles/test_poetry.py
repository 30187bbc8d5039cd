"""`trueup locks` and `poetry check --lock` judge generated projects, and random edits of them, alike."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from checks.locks import wheels
from checks.locks.lock_runs import locks
from fix_repository import PROJECT

# Poetry has an environment of its own: `.ci/run` makes it.
POETRY = shutil.which("poetry", path=f"{PROJECT / '.venv-poetry/bin'}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = pytest.mark.skipif(POETRY is None, reason="poetry is not installed")
SEEDS = [*range(2), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))]

VERSIONS = ("1.0", "1.5", "2.0")


class Project:
    """Dependencies are wheels named by their path: nothing is asked of an index."""

    def __init__(self, choose: random.Random, *, is_new: bool) -> None:
        self.choose, self.is_new = choose, is_new
        self.python = ">=3.9,<4.0"
        self.needs = {name: choose.choice(VERSIONS) for name in ("alpha", "beta") if choose.random() < 0.7}
        self.group = {"gamma": choose.choice(VERSIONS)} if choose.random() < 0.5 else {}
        self.description = ""

    def edit(self) -> str:
        choose = self.choose
        kind = choose.choice(("needs", "group", "python", "description", "remove"))
        if kind == "needs":
            self.needs[choose.choice(("alpha", "beta", "gamma"))] = choose.choice(VERSIONS)
        elif kind == "group":
            self.group = {"gamma": choose.choice(VERSIONS)} if not self.group else {}
        elif kind == "python":
            self.python = choose.choice((">=3.9,<4.0", ">=3.10,<4.0"))
        elif kind == "remove" and self.needs:
            self.needs.pop(next(iter(self.needs)))
        else:
            self.description = choose.choice(("", "another"))
        return kind

    def write(self, root: Path) -> None:
        def wheel(name: str, version: str) -> str:
            return f"index/{name}-{version}-py3-none-any.whl"

        group = "".join(f'{n} = {{ path = "{wheel(n, v)}" }}\n' for n, v in self.group.items())
        if self.is_new:
            needs = [f"{n} @ {(root / wheel(n, v)).as_uri()}" for n, v in self.needs.items()]
            text = f'[project]\nname = "app"\nversion = "0.1.0"\ndescription = "{self.description}"\n'
            text += f'requires-python = "{self.python}"\ndependencies = {needs!r}\n'
            text += "[tool.poetry]\npackage-mode = false\n"
        else:
            text = f'[tool.poetry]\nname = "app"\nversion = "0.1.0"\nauthors = []\ndescription = "{self.description}"\n'
            text += f'package-mode = false\n[tool.poetry.dependencies]\npython = "{self.python}"\n'
            text += "".join(f'{n} = {{ path = "{wheel(n, v)}" }}\n' for n, v in self.needs.items())
        if group:
            text += f"[tool.poetry.group.dev.dependencies]\n{group}"
        (root / "pyproject.toml").write_text(text)


def poetry(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "POETRY_VIRTUALENVS_CREATE": "false", "POETRY_CACHE_DIR": str(root / ".cache")}
    command = [str(POETRY), *args, "--no-interaction", "--quiet"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_agrees_with_poetry(seed: int, tmp_path: Path) -> None:
    choose = random.Random(seed)
    wheels.index(tmp_path / "index")
    project = Project(choose, is_new=seed % 2 == 0)
    project.write(tmp_path)
    made = poetry(tmp_path, "lock")
    assert made.returncode == 0, made.stdout + made.stderr
    assert locks(tmp_path).lines == []
    for _ in range(3):
        edit = project.edit()
        project.write(tmp_path)
        checked = poetry(tmp_path, "check", "--lock")
        found = locks(tmp_path)
        assert bool(found.findings) == (checked.returncode != 0), (edit, found.lines, checked.stdout, checked.stderr)
