"""Seeded drifts and lawful look-alikes of every format, as edits of a clean repository.

`cases/FORMAT/base/` is a repository in which nothing is wrong, its lock written by the format's tool, or checked by it.
`cases/FORMAT/cases.toml` holds `[[drift]]` and `[[lawful]]`, each with a `name` and

    edit = [["pyproject.toml", "old", "new"]]   # replace the only `old` in the file
    write = { "a.toml" = "text" }               # more files, or others
    remove = ["a.toml"]
    untracked = ["uv.lock"]                      # lies there, not tracked
    expected = ["PATH:LINE RULE TARGET"]         # of a drift: all that is found, in order of path and line

A lawful case finds nothing at all.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.locks.lock_runs import Run, locks
from fix_repository import Repository
from trueup.locks.formats import FORMATS
from trueup.locks.rules import RULES

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/cases.toml"))
KEYS = {"name", "edit", "write", "remove", "untracked", "expected"}


def cases(kind: str) -> Iterator[Any]:
    for folder in FOLDERS:
        read = tomllib.loads((folder / "cases.toml").read_text(encoding="utf-8"))
        assert read.keys() <= {"drift", "lawful"}
        for case in read.get(kind, []):
            assert case.keys() <= KEYS, case
            yield pytest.param(folder, case, id=f"{folder.name}-{case['name']}".replace(" ", "-"))


def build(folder: Path, case: dict[str, Any], root: Path) -> Repository:
    if (folder / "base").is_dir():
        shutil.copytree(folder / "base", root)
    repository = Repository(root)
    for path, old, new in case.get("edit", []):
        text = (root / path).read_text(encoding="utf-8")
        assert text.count(old) == 1, (path, old, text.count(old))
        repository.write(path, text.replace(old, new))
    for path, text in case.get("write", {}).items():
        repository.write(path, text)
    for path in case.get("remove", []):
        (root / path).unlink()
    repository.add()
    if "untracked" in case:
        repository.git("rm", "--quiet", "--cached", "--ignore-unmatch", "--", *case["untracked"])
    return repository


def told_places(root: Path, found: Run) -> Iterator[tuple[str, str, str]]:
    """Every place that a message names: the rule, the target, the text of the line."""
    for finding in found.findings:
        for word in finding.message.replace(",", " ").split():
            path, _, line = word.rpartition(":")
            if line.isdigit() and (root / path).is_file():
                yield finding.rule, finding.target, (root / path).read_text(encoding="utf-8").split("\n")[int(line) - 1]


@pytest.mark.parametrize(("folder", "case"), list(cases("drift")))
def test_a_drift_is_found(folder: Path, case: dict[str, Any], tmp_path: Path) -> None:
    repository = build(folder, case, tmp_path / "repository")
    found = locks(repository.root)
    assert found.lines == case["expected"]
    for rule, target, line in told_places(repository.root, found):
        assert target in line or rule not in ("locks/outside-requirement", "locks/missing-member"), (target, line)
    for finding in found.findings:
        assert finding.suggestion or finding.rule == "locks/not-parsable", finding
        assert finding.line is None or finding.line <= len((repository.root / finding.path).read_bytes().split(b"\n"))


@pytest.mark.parametrize(("folder", "case"), list(cases("lawful")))
def test_what_is_lawful_is_let_alone(folder: Path, case: dict[str, Any], tmp_path: Path) -> None:
    repository = build(folder, case, tmp_path / "repository")
    assert locks(repository.root).lines == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_bases_are_clean(folder: Path, tmp_path: Path) -> None:
    repository = build(folder, {}, tmp_path / "repository")
    assert locks(repository.root).lines == []


def test_there_are_enough_of_each_kind() -> None:
    drifts = [case for param in cases("drift") for case in [param.values[1]]]
    assert len(drifts) >= 40
    assert len(list(cases("lawful"))) >= 60
    found = {line.split(" ")[1] for case in drifts for line in case["expected"]}
    assert {f"locks/{rule}" for rule in found} == {rule.id for rule in RULES}
    assert {one.module for one in FORMATS} - {folder.name.partition("-")[0] for folder in FOLDERS} == set()
