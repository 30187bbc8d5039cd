"""What loads before a command is known: that decides how long `trueup --help` takes, which the benchmarks measure."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


def loaded_by(*args: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-m", "trueup", *args], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("args", [["--help"], ["--version"]], ids=" ".join)
def test_the_command_line_loads_nothing_heavy(args: list[str]) -> None:
    loaded = loaded_by(*args)
    assert "trueup.cli" in loaded
    assert loaded & BANNED == set()
