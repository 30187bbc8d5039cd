"""The router of examples/node-router, over the wire: a correct implementation that shares nothing with the others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.suite_runs import verdicts_of
from fix_repository import PROJECT
from trueup_contracts import starting
from trueup_contracts.profile import Profile
from trueup_contracts.router import SUITE
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject

EXAMPLE = PROJECT / "examples/node-router"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 20), marks=pytest.mark.slow)], ids=["few", "rest"])
def test_no_seed_makes_it_fail(seeds: range) -> None:
    subject = WireSubject(SUITE, "node", "node adapter.mjs", Settings(EXAMPLE))
    try:
        failed = {seed: verdicts_of(subject, Profile("quick", seed)) for seed in seeds}
    finally:
        subject.end()
    assert failed == {seed: {} for seed in seeds}


def test_it_passes_outside_this_repository(tmp_path: Path) -> None:
    root = tmp_path / "node-router"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(".pytest_cache"))
    words = ["--contracts", "--contracts-level", "should", "--contracts-profile", "quick"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "32/32 pass  14/14 pass" in done.stdout
    assert "node-router 1.0 (JavaScript (Node " in done.stdout


def test_the_wire_module_is_the_one_that_init_writes() -> None:
    assert (EXAMPLE / "wire.mjs").read_bytes() == (starting.FOLDER / "wire.mjs").read_bytes()
