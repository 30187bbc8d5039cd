"""`trueup locks` and `uv lock --check` judge generated workspaces, and random edits of them, alike."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks.locks import wheels
from checks.locks.lock_runs import locks

UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}") or ""
pytestmark = pytest.mark.skipif(not UV, reason="uv is not installed")
SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 60))]

SPECIFIERS = ("", ">=1.0", "==1.5", "<2", ">=1.0,<3", "~=1.0", "!=1.5", "==1.*", "==2.0")
MARKERS = (
    "",
    "",
    "",
    " ; python_version >= '3.11'",
    " ; sys_platform == 'linux'",
    " ; python_version < '3.13' and sys_platform != 'win32'",
    " ; platform_system == 'Windows' or implementation_name == 'pypy'",
    " ; python_full_version >= '3.12.1'",
)
NAMES = ("alpha", "Beta", "gamma", "delta")
EDITS = ("add", "remove", "change", "python", "version", "member", "override", "constraint", "spaces", "group")
PYTHONS = (">=3.11", ">=3.10,<4", ">=3.11.2, <3.14", "~=3.11", ">=3.9")


class Workspace:
    """A root with members, as data."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.python = choose.choice(PYTHONS)
        self.members: dict[str, dict[str, list[str]]] = {"": self.project()}
        for index in range(choose.choice((0, 0, 1, 2))):
            self.members[f"packages/m{index}"] = self.project()
        self.versions = dict.fromkeys(self.members, "0.1.0")
        self.overrides = [f"alpha{choose.choice(('==1.5', '>=1.0'))}"] if choose.random() < 0.2 else []
        self.constraints = ["gamma<3"] if choose.random() < 0.2 else []
        self.uses_member = choose.random() < 0.5

    def requirement(self) -> str:
        choose = self.choose
        return choose.choice(NAMES) + choose.choice(SPECIFIERS) + choose.choice(MARKERS)

    def project(self) -> dict[str, list[str]]:
        choose = self.choose
        lists = {"": [self.requirement() for _ in range(choose.randint(0, 3))]}
        if choose.random() < 0.4:
            lists["extra:Fast_x"] = [self.requirement()]
        if choose.random() < 0.4:
            lists["group:dev"] = [self.requirement()]
        return lists

    def edit(self) -> str:
        """Changes one thing and says what."""
        choose = self.choose
        folder = choose.choice(list(self.members))
        lists = self.members[folder]
        kind = choose.choice(EDITS)
        if kind == "add":
            lists[""].append(self.requirement())
        elif kind == "remove" and lists[""]:
            lists[""].pop(choose.randrange(len(lists[""])))
        elif kind == "change" and lists[""]:
            lists[""][choose.randrange(len(lists[""]))] = self.requirement()
        elif kind == "python":
            self.python = choose.choice(PYTHONS)
        elif kind == "version":
            self.versions[folder] = choose.choice(("0.1.0", "0.1", "0.2.0"))
        elif kind == "member":
            if len(self.members) > 1 and choose.random() < 0.5:
                self.members.pop(list(self.members)[-1])
            else:
                self.members["packages/new"] = {"": []}
        elif kind == "override":
            self.overrides = [] if self.overrides else [choose.choice(("beta>=1.0", "omega==1"))]
        elif kind == "constraint":
            self.constraints = choose.choice(([], ["alpha<4"], ["gamma<3"], ["omega<3"]))
        elif kind == "spaces":
            lists[""] = [one.replace("==", " == ").replace(">=", " >=") for one in lists[""]]
        elif kind == "group":
            lists["group:dev"] = [self.requirement()] if choose.random() < 0.7 else []
        return f"{kind} in {folder or 'the root'}"

    def write(self, root: Path) -> None:
        shutil.rmtree(root / "packages", ignore_errors=True)
        for folder, lists in self.members.items():
            place = root / folder
            place.mkdir(parents=True, exist_ok=True)
            (place / "pyproject.toml").write_text(self.text(folder, lists))

    def text(self, folder: str, lists: dict[str, list[str]]) -> str:
        name = folder.rpartition("/")[2] or "app"
        needs = list(lists[""])
        lines = []
        if folder == "" and self.uses_member and "packages/m0" in self.members:
            needs.append("m0>=0.0.1")
            lines.append("[tool.uv.sources]\nm0 = { workspace = true }")
        lines.insert(0, f'[project]\nname = "{name}"\nversion = "{self.versions.get(folder, "0.1.0")}"')
        lines.insert(1, f'requires-python = "{self.python}"\ndependencies = {needs!r}')
        for key, value in lists.items():
            if key.startswith("extra:"):
                lines.append(f"[project.optional-dependencies]\n{key[6:]} = {value!r}")
            elif key.startswith("group:"):
                lines.append(f"[dependency-groups]\n{key[6:]} = {value!r}")
        if folder == "":
            lines.append(f"[tool.uv]\noverride-dependencies = {self.overrides!r}")
            lines.append(f"constraint-dependencies = {self.constraints!r}")
            lines.append('[tool.uv.workspace]\nmembers = ["packages/*"]')
            lines.append('[[tool.uv.index]]\nname = "local"\nurl = "./index"\nformat = "flat"\ndefault = true')
        return "\n".join(lines) + "\n"


def uv(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [UV, "lock", "--offline", "--no-cache", "--no-python-downloads", *args]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    wheels.index(folder)
    return folder


@pytest.mark.parametrize("seed", SEEDS)
def test_agrees_with_uv(seed: int, tmp_path: Path, wheel_index: Path) -> None:
    choose = random.Random(seed)
    (tmp_path / "index").symlink_to(wheel_index)
    workspace = Workspace(choose)
    workspace.write(tmp_path)
    while uv(tmp_path).returncode != 0:  # no versions for these requirements: others
        workspace = Workspace(choose)
        workspace.write(tmp_path)
    assert locks(tmp_path).lines == []
    lock = (tmp_path / "uv.lock").read_bytes()
    for _ in range(3):
        edit = workspace.edit()
        workspace.write(tmp_path)
        checked = uv(tmp_path, "--check")
        found = locks(tmp_path)
        assert (tmp_path / "uv.lock").read_bytes() == lock
        assert bool(found.findings) == (checked.returncode != 0), (edit, found.lines, checked.stderr)
