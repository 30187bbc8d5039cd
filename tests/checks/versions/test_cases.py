"""The example repositories under `cases/`: `drift/` holds what must be found, `alike/` what is none.

A case is a TOML file: `before` is committed, `after` (where there is one) is staged, and the run is
`trueup versions --staged --since HEAD`; without it, `trueup versions`. Lines of `expected` read
`PATH:LINE:COLUMN RULE THING`; a severity that is not the rule's own is shown. Nothing in `alike/` is an error.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fix_repository import Repository
from version_runs import versions

CASES = Path(__file__).parent / "cases"
ALL = sorted(CASES.rglob("*.toml"))
DRIFTS = [path for path in ALL if path.is_relative_to(CASES / "drift")]
ALIKE = [path for path in ALL if path.is_relative_to(CASES / "alike")]


def build(case: dict[str, Any], root: Path) -> Repository:
    assert case.keys() <= {"expected", "before", "after"}
    repository = Repository(root)
    for path, content in case["before"].items():
        repository.write(path, content)
    repository.add()
    if "after" in case:
        repository.git("commit", "--quiet", "--message", "before")
        for path, content in case["after"].items():
            repository.write(path, content)
        repository.add()
    return repository


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(CASES).with_suffix("")))
def test_finds_what_is_expected(path: Path, tmp_path: Path) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    repository = build(case, tmp_path / "repository")
    found = versions(repository.root, *(["--staged", "--since", "HEAD"] if "after" in case else []))
    assert found.lines == case["expected"]
    if path in ALIKE:
        assert [one for one in found.findings if one["severity"] == "error"] == []
    else:
        assert found.findings != []


def test_there_are_as_many_as_we_promise() -> None:
    kinds = Counter(path.relative_to(CASES).parts[0] for path in ALL)
    assert kinds["drift"] >= 40
    assert kinds["alike"] >= 60
    assert len(DRIFTS) + len(ALIKE) == len(ALL)
