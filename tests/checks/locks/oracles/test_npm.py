"""`trueup locks` and npm judge generated workspaces, and random edits of them, alike; ranges mean what npm's mean."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from checks.locks.lock_runs import locks
from trueup.locks import semver

NPM, NODE = shutil.which("npm"), shutil.which("node")
pytestmark = pytest.mark.skipif(NPM is None or NODE is None, reason="npm is not installed")
SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 40))]

NAMES = ("alpha", "beta", "@acme/gamma", "delta")
RANGES = ("*", "^1.0.0", "~1.2.0", "1.2.3", ">=1.0.0 <3", "^2.0.0", "1.x", "^1.2.3 || ^3.0.0", "")
FIELDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


class Workspace:
    """Members of these names and versions, and a root that asks for some of them by range: no registry is needed."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.versions = {name: choose.choice(("1.2.3", "1.3.0", "2.0.0")) for name in NAMES}
        self.asked: dict[str, dict[str, dict[str, str]]] = {"": self.fields()}
        self.asked |= {name: self.fields() if choose.random() < 0.4 else {} for name in NAMES}

    def fields(self) -> dict[str, dict[str, str]]:
        choose = self.choose
        return {field: {choose.choice(NAMES): choose.choice(RANGES)} for field in FIELDS if choose.random() < 0.4}

    def edit(self) -> str:
        choose = self.choose
        kind = choose.choice(("add", "remove", "version", "member", "gone"))
        who = choose.choice(["", *self.versions])
        if kind == "add":
            self.asked[who].setdefault(choose.choice(FIELDS), {})[choose.choice(NAMES)] = choose.choice(RANGES)
        elif kind == "remove" and self.asked[who]:
            self.asked[who].pop(next(iter(self.asked[who])))
        elif kind == "version" and who:
            self.versions[who] = choose.choice(("1.2.3", "1.3.0", "2.0.0"))
        elif kind == "member":
            self.versions["epsilon"], self.asked["epsilon"] = "1.0.0", {}
        elif kind == "gone" and len(self.versions) > 1:
            name = choose.choice(list(self.versions))
            del self.versions[name], self.asked[name]
        return f"{kind} {who}"

    def write(self, root: Path) -> None:
        shutil.rmtree(root / "packages", ignore_errors=True)
        for name, fields in self.asked.items():
            folder = root / "packages" / name.rpartition("/")[2] if name else root
            folder.mkdir(parents=True, exist_ok=True)
            data: dict[str, Any] = {"name": name or "root", "version": self.versions.get(name, "0.0.1"), **fields}
            if not name:
                data |= {"workspaces": ["packages/*"], "private": True}
            (folder / "package.json").write_text(json.dumps(data, indent=2))


def npm(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [str(NPM), *args, "--offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_agrees_with_npm_ci(seed: int, tmp_path: Path) -> None:
    choose = random.Random(seed)
    while True:
        workspace = Workspace(choose)
        workspace.write(tmp_path)
        made = npm(tmp_path, "install", "--package-lock-only")
        # What asks for versions that no member has would send npm to the registry.
        if made.returncode == 0 and npm(tmp_path, "ci", "--dry-run").returncode == 0:
            break
        (tmp_path / "package-lock.json").unlink(missing_ok=True)
    assert locks(tmp_path).lines == []
    for _ in range(2):
        edit = workspace.edit()
        workspace.write(tmp_path)
        checked = npm(tmp_path, "ci", "--dry-run")
        found = locks(tmp_path)
        errors = [one for one in found.findings if one.severity == "error"]
        assert bool(errors) == (checked.returncode != 0), (edit, found.lines, checked.stderr)


VERSIONS = """
    0.0.1 0.0.3 0.0.4 0.0.1-beta 0.0.1-beta.1 0.2.3 0.2.4 0.3.0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-beta.2 1.0.0-beta.10
    1.0.0-rc.1 1.0.0 1.2.2 1.2.3 1.2.3-beta.2 1.2.3-beta.3 1.2.3-rc 1.2.3+build 1.2.4 1.3.0 1.9.9 2.0.0-rc.1 2.0.0
    2.3.4 2.3.5 2.4.0 3.0.0
""".split()
WORDS = """
    * x 1 1.2 1.2.3 =1.2.3 v1.2.3 =v1.2.3 ^1.2.3 ^0.2.3 ^0.0.3 ^0 ^0.0 ^1.x ^1.2.x ~1 ~1.2 ~1.2.3 ~0 ~1.x ~>1.2.3 >=1.2
    >1.2 <2 <=1.2 >1 <=1 >=1 >1.x <x >=x 1.x 1.2.x 1.2.* x.1 1.x.3 >=1.0.0-rc.1 ^1.0.0-beta.2 ~1.2.3-beta.2 1.0.0-alpha
    ^0.0.1-beta <1.0.0-0 1.2.3+build ^1.2.3+b latest >=1.2.3,<2
""".split()
PHRASES = [
    "", "1.2.3 - 2.3.4", "1.2 - 2.3", "1 - 2", "^1.2.3 || ^2.0.0", ">=1.2.3 <2", ">= 1.2.3 < 2.0.0", "^ 1.2.3",
    "~> 1.2.3", "||", "^1.2.3||", ">1.0.0-rc.1 <1.2.0", " 1.2.3 ", "1.2.3 2.0.0", "<1.2 || >2.3 <3",
]  # fmt: skip
ASK = """
const semver = require(process.argv[1]);
const [ranges, versions] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answer = (range, version) => semver.validRange(range) === null ? null : semver.satisfies(version, range);
console.log(JSON.stringify(ranges.map((range) => versions.map((version) => answer(range, version)))));
"""


def test_ranges_mean_what_they_mean_to_npm() -> None:
    place = Path(str(NPM)).resolve().parent.parent / "node_modules/semver"
    if not place.is_dir():
        pytest.skip("npm's own semver is not where npm is")
    ranges = [*WORDS, *PHRASES, *(f"{one} {other}" for one in WORDS[2:12] for other in WORDS[28:34])]
    done = subprocess.run(
        [str(NODE), "-e", ASK, str(place)],
        input=json.dumps([ranges, VERSIONS]),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(done.stdout)
    for text, expected in zip(ranges, answers, strict=True):
        read = semver.npm_range(text)
        versions = [semver.version(one) for one in VERSIONS]
        assert all(one is not None for one in versions)
        found = [None if read is None else semver.holds(read, one) for one in versions if one is not None]
        assert found == expected, text
