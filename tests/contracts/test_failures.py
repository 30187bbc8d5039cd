"""Every fault is found by the requirement that names it, with a text from which it can be guessed.

Faults of which something else is said in each run are judged by the suite's own `test_faults.py`.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from contracts.failures import expected
from fix_repository import PROJECT


@pytest.mark.parametrize("suite_name", ["router", "embedding-cache", "kv-index", "worker-selection"])
def test_faults_are_found_and_failures_say_what_they_said(suite_name: str) -> None:
    # In a process of its own: what hypothesis draws depends on the modules that are loaded.
    argv = [sys.executable, "-W", "ignore", "-m", "contracts.failures", suite_name]
    done = subprocess.run(argv, cwd=PROJECT / "tests", capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    hint = f"python -m contracts.failures {suite_name} > failures.txt, and read what has changed"
    told = done.stdout.splitlines()
    assert [line for line in told if line.endswith(": nothing")] == [], "they survived"
    assert told == expected(suite_name), hint
