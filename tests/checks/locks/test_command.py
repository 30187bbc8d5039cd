"""`trueup locks` as a user runs it, beginning with the drift that a reader of this may have shipped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_repository import PROJECT, Repository

# rootly-mcp-server #209, rebuilt from its description: the manifest was bumped, the lock was not, and
# `uv sync --frozen`, which the Dockerfile runs, does not notice.
PYPROJECT = """\
[project]
name = "mcp-server"
version = "2.3.0"
requires-python = ">=3.12"
dependencies = [
  "pydantic==2.13.5",
]
"""
LOCK = """\
version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "mcp-server"
version = "2.3.0"
source = { virtual = "." }
dependencies = [
    { name = "pydantic" },
]

[package.metadata]
requires-dist = [{ name = "pydantic", specifier = "==2.13.4" }]

[[package]]
name = "pydantic"
version = "2.13.4"
source = { registry = "https://index.example.org/simple" }
sdist = { url = "https://files.example.org/pydantic-2.13.4.tar.gz", hash = "sha256:aa", size = 1 }
"""
FINDING = (
    "pyproject.toml:6: error: 'pydantic==2.13.5' is asked for here, and uv.lock:17 has 2.13.4 "
    "[locks/outside-requirement]"
)


def project(folder: str) -> dict[str, str]:
    return {f"{folder}/pyproject.toml": PYPROJECT, f"{folder}/uv.lock": LOCK}


def test_the_lock_that_was_left_behind(make_repository: Callable[..., Repository]) -> None:
    repository = make_repository({"pyproject.toml": PYPROJECT, "uv.lock": LOCK})
    done = repository.trueup("locks")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == [FINDING, "    -> uv lock"]
    assert done.stdout.splitlines()[-1].startswith("trueup: 1 lock checked in ")
    assert done.stderr == ""

    repository.commit({"uv.lock": LOCK.replace("2.13.4", "2.13.5")})
    done = repository.trueup("locks")
    assert done.returncode == 0
    assert done.stdout.startswith("trueup: 1 lock checked in ")


def test_the_documentation_shows_it() -> None:
    text = (PROJECT / "docs/locks.md").read_text(encoding="utf-8")
    assert FINDING.replace("uv.lock:17", "uv.lock:21") in text


def test_the_index_and_a_commit_are_checked_as_well(make_repository: Callable[..., Repository]) -> None:
    repository = make_repository({"pyproject.toml": PYPROJECT.replace("2.13.5", "2.13.4"), "uv.lock": LOCK})
    clean = repository.git("rev-parse", "HEAD").strip()
    repository.write("pyproject.toml", PYPROJECT)
    assert repository.trueup("locks").returncode == 1
    assert repository.trueup("locks", "--staged").returncode == 0
    repository.add()
    assert repository.trueup("locks", "--staged").returncode == 1
    assert repository.trueup("locks", "--ref", clean).returncode == 0


@pytest.mark.parametrize(
    ("names", "count"), [([], 2), (["a"], 1), (["a/pyproject.toml"], 1), (["a/uv.lock"], 1), (["README.md"], 0)]
)
def test_what_is_named_is_checked(names: list[str], count: int, make_repository: Callable[..., Repository]) -> None:
    repository = make_repository({**project("a"), **project("b"), "README.md": "# Read me\n"})
    done = repository.trueup("locks", *names, "--report", "json")
    assert len(json.loads(done.stdout)["findings"]) == count


def test_exclude_leaves_a_lock_out(make_repository: Callable[..., Repository]) -> None:
    repository = make_repository({**project("old"), **project("vendor/x")})
    assert repository.trueup("locks").stdout.startswith("old/pyproject.toml:6")
    repository.commit({"trueup.toml": '[locks]\nexclude = ["old/"]\n'})
    assert repository.trueup("locks").stdout.startswith("vendor/x/pyproject.toml:6")


def test_a_finding_is_suppressed_by_its_package(make_repository: Callable[..., Repository]) -> None:
    entry = '[[ignore]]\nrule = "locks/outside-requirement"\nreason = "waits for the index"\ntargets = ["pydantic"]\n'
    repository = make_repository({"pyproject.toml": PYPROJECT, "uv.lock": LOCK, "trueup.toml": entry})
    done = repository.trueup("locks", "-v")
    assert done.returncode == 0
    assert "suppressed (config: waits for the index)" in done.stdout


def test_check_runs_it_by_itself(make_repository: Callable[..., Repository]) -> None:
    repository = make_repository({"pyproject.toml": PYPROJECT, "uv.lock": LOCK})
    assert FINDING in repository.trueup("check").stdout


def test_what_cannot_be_decided_is_a_note(make_repository: Callable[..., Repository]) -> None:
    text = PYPROJECT.partition("dependencies")[0] + 'dynamic = ["dependencies"]\n'
    repository = make_repository({"pyproject.toml": text, "uv.lock": LOCK})
    done = repository.trueup("locks", "-v")
    assert done.returncode == 0
    assert (
        "pyproject.toml: note: cannot be decided offline: requirements that are dynamic: dependencies [locks]"
        in done.stdout
    )


def test_the_messages_are_escaped(make_repository: Callable[..., Repository]) -> None:
    text = PYPROJECT.replace("pydantic==2.13.5", "evil\\u001b[2J==1")
    repository = make_repository({"pyproject.toml": text, "uv.lock": LOCK})
    done = repository.trueup("locks", "--report", "text", "--report", "github=out.txt")
    assert "\x1b" not in done.stdout
    assert "\x1b" not in (Path(repository.root) / "out.txt").read_text()
