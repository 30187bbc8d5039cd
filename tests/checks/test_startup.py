"""What loads before a command is known: that decides how long `trueup --help` takes, which the benchmarks measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fix_repository import Repository

# Each costs milliseconds that every run would pay, and a hook's environment has no torch, zmq or pytest at all.
BANNED = {
    "argcomplete",
    "html.parser",
    "jinja2",
    "jsonschema",
    "markdown_it",
    "msgspec",
    "multiprocessing",
    "packaging",
    "pathspec",
    "promql_parser",
    "pyromark",
    "pytest",
    "torch",
    "tqdm",
    "trueup_contracts",
    "trueup_reference",
    "xml",
    "zmq",
}


def loaded_by(*args: str, folder: Path | None = None) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-m", "trueup", *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("args", [["--help"], ["--version"]], ids=" ".join)
def test_the_command_line_loads_nothing_heavy(args: list[str]) -> None:
    loaded = loaded_by(*args)
    assert "trueup.cli" in loaded
    assert loaded & BANNED == set()


HEAVY = ("trueup.metrics.consumers.judg", "trueup.metrics.promql", "trueup.locks.files")


def test_checks_of_files_that_are_not_there_load_nothing(repository: Repository) -> None:
    """`trueup check` runs them everywhere by default, and most repositories have neither a dashboard nor a lock."""
    repository.write("README.md", "# A page\n\n`code`\n")
    repository.write("config.yaml", "a: b\n")
    repository.add()
    loaded = loaded_by("check", folder=repository.root)
    assert {"trueup.metrics.policy", "trueup.locks.formats"} <= loaded
    assert sorted(name for name in loaded if name.startswith(HEAVY)) == []
    repository.write("rules.yaml", "groups:\n- rules:\n  - alert: A\n    expr: up == 0\n")
    repository.write("go.mod", "module example.org/a\n")
    repository.add()
    loaded = loaded_by("check", folder=repository.root)
    assert [sign for sign in HEAVY if not any(name.startswith(sign) for name in loaded)] == []
