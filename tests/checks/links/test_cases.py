"""The example repositories under `cases/`: what the link check finds in each is in its `expected.txt`.

A case is a folder. Everything in it but `case.toml` and `expected.txt` is the repository, all of it staged;
`case.toml` adds what a folder cannot hold (every key is optional):

    remote = "https://github.com/acme/widgets"
    args = ["docs"]                      # more of the command line
    untracked = ["new.md"]               # lies there, not staged
    forced = ["out/x.md"]                # staged although it is ignored
    deleted = ["gone.md"]                # staged, then deleted from the work tree
    submodules = ["sub"]                 # not initialised
    [files]                              # contents that editors or Git might change: CRLF, a byte-order mark, …
    "a.md" = "text\r\n"
    [symlinks]
    "latest" = "v2"
    [history]                            # commits before the one that holds the case, by branch
    "v1" = { "old.md" = "text" }

Lines of `expected.txt` read `PATH:LINE:COLUMN RULE TARGET` or `note: TEXT`. A folder of `rules/` is named after its
rule and holds cases that must and must not find it.
"""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from fix_repository import Repository
from link_runs import assert_places_hold_targets, links
from trueup.links.rules import RULES

CASES = Path(__file__).parent / "cases"
ALL = sorted(path.parent for path in CASES.rglob("expected.txt"))
KEYS = {"remote", "args", "untracked", "forced", "deleted", "submodules", "files", "symlinks", "history"}
OWN_FILES = frozenset({"case.toml", "expected.txt"})


def build(case: Path, root: Path) -> tuple[Repository, list[str]]:
    """The repository of a case, and the rest of its command line."""
    settings = tomllib.loads((case / "case.toml").read_text()) if (case / "case.toml").is_file() else {}
    assert settings.keys() <= KEYS
    repository = Repository(root)
    if remote := settings.get("remote"):
        repository.git("remote", "add", "origin", remote)
    for branch, files in settings.get("history", {}).items():
        repository.git("checkout", "--quiet", "--orphan", branch)
        repository.commit(files)
        repository.git("rm", "--quiet", "-r", ".")
    if "history" in settings:
        repository.git("checkout", "--quiet", "--orphan", "main")
    shutil.copytree(case, root, dirs_exist_ok=True, ignore=lambda at, _: OWN_FILES if Path(at) == case else ())
    for path, content in settings.get("files", {}).items():
        repository.write(path, content)
    for path, target in settings.get("symlinks", {}).items():
        repository.symlink(path, target)
    for path in settings.get("submodules", []):
        (root / path).mkdir()
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{path}")
    repository.add()
    if forced := settings.get("forced"):
        repository.git("add", "--force", "--", *forced)
    if untracked := settings.get("untracked"):
        repository.git("rm", "--quiet", "--cached", "--ignore-unmatch", "--", *untracked)
    for path in settings.get("deleted", []):
        (root / path).unlink()
    return repository, settings.get("args", [])


@pytest.mark.parametrize("case", ALL, ids=lambda case: str(case.relative_to(CASES)))
def test_finds_what_is_expected(case: Path, tmp_path: Path) -> None:
    repository, args = build(case, tmp_path / "repository")
    expected = (case / "expected.txt").read_text().splitlines()

    cold = links(repository.root, *args)
    warm = links(repository.root, *args)
    oracle = links(repository.root, "--no-cache", "--engine", "markdown-it", *args)

    assert sorted([*cold.lines, *(f"note: {note}" for note in cold.notes)]) == sorted(expected)
    assert_places_hold_targets(repository.root, cold)
    assert warm.findings == cold.findings
    assert oracle.findings == cold.findings
    assert warm.notes == oracle.notes == cold.notes
    assert repository.git("status", "--porcelain", "--untracked-files=all", "--ignored").count("trueup-") == 0


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_every_rule_has_cases_of_both_kinds(rule: str) -> None:
    folder = CASES / "rules" / rule.replace("/", ".")
    kinds = {"positive": 0, "negative": 0}
    for case in folder.iterdir():
        kind = case.name.partition("-")[0]
        lines = (case / "expected.txt").read_text().splitlines()
        assert any(line.split(" ")[1].partition("(")[0] == rule for line in lines) == (kind == "positive"), case.name
        kinds[kind] += 1
    assert min(kinds.values()) >= 2, kinds


def test_no_folder_is_left_out() -> None:
    """A case without `expected.txt` would not be collected, and nobody would miss it."""
    groups = [path for path in CASES.iterdir() if path.name != "rules"] + list((CASES / "rules").iterdir())
    assert sorted(case for group in groups for case in group.iterdir()) == ALL
