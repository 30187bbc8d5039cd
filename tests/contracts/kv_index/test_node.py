"""The index of examples/node-kv-index, over the wire: a correct implementation that shares nothing with the others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.suite_runs import verdicts_of
from fix_repository import PROJECT
from trueup_contracts import starting
from trueup_contracts.kv_index import SUITE
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject

EXAMPLE = PROJECT / "examples/node-kv-index"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=pytest.mark.slow) for seed in range(20)])
def test_no_seed_makes_it_fail(seed: int) -> None:
    subject = WireSubject(SUITE, "node", "node adapter.mjs", Settings(EXAMPLE))
    try:
        assert verdicts_of(subject, Profile("quick", seed)) == {}
    finally:
        subject.end()


def test_it_passes_outside_this_repository(tmp_path: Path) -> None:
    root = tmp_path / "node-kv-index"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(".pytest_cache"))
    words = ["--contracts", "--contracts-level", "should", "--contracts-profile", "quick"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "39/39 pass  17/17 pass" in done.stdout
    assert "node-kv-index 1.0 (JavaScript (Node " in done.stdout


def test_the_wire_module_is_the_one_that_init_writes() -> None:
    assert (EXAMPLE / "wire.mjs").read_bytes() == (starting.FOLDER / "wire.mjs").read_bytes()
