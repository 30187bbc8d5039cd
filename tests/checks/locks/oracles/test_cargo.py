"""`trueup locks` and Cargo judge generated workspaces, and random edits of them, alike."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from checks.locks.lock_runs import locks

CARGO = shutil.which("cargo")
pytestmark = pytest.mark.skipif(CARGO is None, reason="cargo is not installed")
SEEDS = [*range(8), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 100))]

NAMES = ("alpha", "beta", "gamma-x", "delta")
RANGES = ("*", "1", "^1.2", "=1.2.3", ">=1, <3", "~1.2", "1.*", "")
KINDS = ("dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(windows)'.dependencies")


class Workspace:
    """Members that depend on each other by path, each on later ones, so that there are no cycles."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.versions = {name: choose.choice(("1.2.3", "1.3.0", "2.0.0")) for name in NAMES}
        self.asked: dict[str, dict[tuple[str, str], str]] = {name: self.needs(name) for name in NAMES}
        self.inherits = choose.random() < 0.3
        self.is_virtual = choose.random() < 0.5

    def needs(self, name: str) -> dict[tuple[str, str], str]:
        later = [one for one in self.versions if one > name]
        return {
            (kind, other): self.choose.choice(RANGES) for kind in KINDS for other in later if self.choose.random() < 0.3
        }

    def edit(self) -> str:
        choose = self.choose
        kind = choose.choice(("add", "remove", "range", "version", "member", "gone"))
        who = choose.choice(list(self.versions))
        needs = self.asked[who]
        if kind == "add":
            needs |= self.needs(who)
        elif kind == "remove" and needs:
            needs.pop(choose.choice(list(needs)))
        elif kind == "range" and needs:
            needs[choose.choice(list(needs))] = choose.choice(RANGES)
        elif kind == "version":
            self.versions[who] = choose.choice(("1.2.3", "1.3.0", "2.0.0"))
        elif kind == "member":
            self.versions["zeta"], self.asked["zeta"] = "1.0.0", {}
        elif kind == "gone":
            unused = [
                one for one in self.versions if not any((each, one) in n for n in self.asked.values() for each in KINDS)
            ]
            for name in unused[:1] if len(self.versions) > 1 else ():
                del self.versions[name], self.asked[name]
        return f"{kind} {who}"

    def write(self, root: Path) -> None:
        shutil.rmtree(root / "crates", ignore_errors=True)
        lent = "".join(f'{name} = {{ path = "crates/{name}", version = "{v}" }}\n' for name, v in self.versions.items())
        top = '[workspace]\nmembers = ["crates/*"]\nresolver = "2"\n[workspace.dependencies]\n' + lent
        if not self.is_virtual:
            first = min(self.versions)
            top += '[package]\nname = "root"\nversion = "0.1.0"\n'
            top += f'[dependencies]\n{first} = {{ path = "crates/{first}" }}\n'
            (root / "src").mkdir(parents=True, exist_ok=True)
            (root / "src/lib.rs").write_text("")
        (root / "Cargo.toml").write_text(top)
        for name, version in self.versions.items():
            lines = [f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"']
            for kind in KINDS:
                lines.append(f"[{kind}]")
                for (each, other), wanted in self.asked[name].items():
                    if each == kind:
                        ranged = f', version = "{wanted}"' if wanted else ""
                        own = f'{{ path = "../{other}"{ranged} }}'
                        lines.append(f"{other} = {'{ workspace = true }' if self.inherits else own}")
            folder = root / "crates" / name
            (folder / "src").mkdir(parents=True)
            (folder / "src/lib.rs").write_text("")
            (folder / "Cargo.toml").write_text("\n".join(lines) + "\n")


def cargo(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CARGO_HOME": str(root / ".cargo-home"), "CARGO_NET_OFFLINE": "true"}
    if "RUSTUP_HOME" not in os.environ and (Path(str(CARGO)).parent.parent.parent / ".rustup").is_dir():
        environment["RUSTUP_HOME"] = str(Path(str(CARGO)).parent.parent.parent / ".rustup")
    return subprocess.run([str(CARGO), *args], cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_agrees_with_cargo(seed: int, tmp_path: Path) -> None:
    choose = random.Random(seed)
    while True:
        workspace = Workspace(choose)
        workspace.write(tmp_path)
        made = cargo(tmp_path, "generate-lockfile")
        if made.returncode == 0:
            break
        assert "failed to select a version" in made.stderr, made.stderr
    assert locks(tmp_path).lines == []
    for _ in range(3):
        edit = workspace.edit()
        workspace.write(tmp_path)
        checked = cargo(tmp_path, "metadata", "--locked", "--format-version", "1", "--quiet")
        found = locks(tmp_path)
        errors = [one for one in found.findings if one.severity == "error"]
        assert bool(errors) == (checked.returncode != 0), (edit, found.lines, checked.stderr)
