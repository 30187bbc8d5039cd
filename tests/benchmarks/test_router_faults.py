"""The fault run of the router, short and long: nothing is lost; and a router that loses something is found out."""

from __future__ import annotations

import gzip
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fix_repository import PROJECT

CARELESS = Path(__file__).with_name("careless_router.py")


def run(tmp_path: Path, *words: str) -> tuple[int, str, dict[str, Any]]:
    ledger = tmp_path / "ledger.json.gz"
    command = [sys.executable, str(PROJECT / "benchmarks/router_faults.py"), "--ledger", str(ledger), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, json.loads(gzip.decompress(ledger.read_bytes()))


def check_books(kept: dict[str, Any]) -> None:
    """The counts are those of the requests in the file, and everything that was accepted has one end."""
    counts, tries = kept["counts"], [one for request in kept["requests"] for one in request["tries"]]
    assert counts["requests"] == len(kept["requests"]) > 50
    for end in ("completed", "errored", "interrupted", "lost", "refused", "unreached"):
        assert counts[end] == sum(one["outcome"] == end for one in tries)
    accepted = [one for one in tries if one["is_accepted"]]
    assert counts["accepted"] == len(accepted)
    assert {one["outcome"] for one in accepted} <= {"completed", "errored", "interrupted", "lost"}
    killed = {one["whom"] for one in kept["faults"] if one["what"] == "kill"}
    assert {one["router"] for one in tries if one["outcome"] == "interrupted"} <= killed


def test_nothing_is_lost_in_a_short_run(tmp_path: Path) -> None:
    code, told, kept = run(tmp_path, "--minutes", "0.1", "--seed", "3", "--rate", "15")
    assert (code, kept["broken"]) == (0, []), told
    assert told.endswith("kept: nothing was lost\n")
    assert len(kept["faults"]) >= 2
    check_books(kept)


def test_a_router_that_loses_requests_is_found_out(tmp_path: Path) -> None:
    router = shlex.join([sys.executable, str(CARELESS)])
    words = ("--minutes", "0.08", "--rate", "40", "--workers", "1", "--faults", "router:stop", "--router", router)
    code, told, kept = run(tmp_path, *words)
    assert code == 1, told
    assert any("requests were lost" in one for one in kept["broken"]), told
    assert "BROKEN: " in told
    check_books(kept)


needs_etcd = pytest.mark.skipif(shutil.which("etcd") is None, reason="etcd is not installed")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("--seed", "1"), pytest.param(("--seed", "2", "--etcd"), marks=needs_etcd)], ids=["a file", "etcd"]
)
def test_nothing_is_lost_in_a_long_run(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, told, kept = run(tmp_path, "--minutes", "1.5", *words)
    assert (code, kept["broken"]) == (0, []), told
    assert kept["counts"]["interrupted_then_completed"] == kept["counts"]["requests_interrupted"] > 0
    assert kept["counts"]["failovers"] > 0
    check_books(kept)
