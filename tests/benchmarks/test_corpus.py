"""The generated corpus: its maker knows every fault in it, and `trueup links` finds those and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fix_repository import PROJECT, Repository
from trueup.links.rules import RULES

SHARE = 0.1


def make(folder: Path, *args: str) -> dict[str, Any]:
    command = [sys.executable, str(PROJECT / "benchmarks" / "make_corpus.py"), str(folder), "--files", "200", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert isinstance(made, dict)
    return made


def found(folder: Path, *args: str) -> list[tuple[str, str]]:
    done = Repository(folder).trueup("links", "--report", "json", *args)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["checks"][0]["counts"]["files"] == 200
    return sorted((finding["path"], finding["rule"]) for finding in report["findings"])


@pytest.mark.parametrize("seed", ["1", "2"])
def test_every_planted_fault_is_found_and_nothing_else(tmp_path: Path, seed: str) -> None:
    listed = tmp_path / "planted.json"
    made = make(tmp_path / "corpus", "--seed", seed, "--broken", str(SHARE), "--list", str(listed))
    planted = [(path, rule) for path, rule in json.loads(listed.read_text(encoding="utf-8"))]
    assert made["planted"] == dict(Counter(rule for _, rule in planted))
    assert made["planted"].keys() == {rule.id for rule in RULES}
    assert found(tmp_path / "corpus") == planted
    assert found(tmp_path / "corpus") == planted  # with the cache


def test_both_engines_find_the_same(tmp_path: Path) -> None:
    make(tmp_path / "corpus", "--broken", str(SHARE))
    one, other = (found(tmp_path / "corpus", "--no-cache", "--engine", name) for name in ("pyromark", "markdown-it"))
    assert one == other


def test_a_corpus_without_faults_is_clean(tmp_path: Path) -> None:
    made = make(tmp_path / "corpus", "--broken", "0")
    assert made["planted"] == {}
    assert found(tmp_path / "corpus") == []


def test_the_same_seed_makes_the_same_commit(tmp_path: Path) -> None:
    one, again = make(tmp_path / "one"), make(tmp_path / "again")
    assert one == again
    assert make(tmp_path / "other", "--seed", "2")["commit"] != one["commit"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    command = [sys.executable, str(PROJECT / "benchmarks" / "make_corpus.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"make_corpus.py: error: {tmp_path} is not an empty folder\n")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
