"""The benchmark of the router runs, gets right answers, and prints every table."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from fix_repository import PROJECT

NAMES = ["no proxy", "Starlette + aiohttp", "Starlette + httpx", "trueup-router", "trueup-router, disaggregated"]


def run(*words: str) -> str:
    command = [sys.executable, str(PROJECT / "benchmarks/router_service.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def first_cells(told: str) -> list[str]:
    cells = [line.split("|")[1].strip() for line in told.splitlines() if line.startswith("|")]
    return [cell for cell in cells if cell.strip("-")]


def test_beside_bare_proxies() -> None:
    told = run("throughput", "latency", "--rounds", "1", "--seconds", "0.3", "--clients", "4", "--rate", "40")
    assert first_cells(told) == [*NAMES, *NAMES]
    assert re.search(r"trueup-router takes \d+\.\d\d .* times the CPU time of Starlette \+ aiohttp", told)
    assert re.search(r"trueup-router adds at p99 to Starlette \+ aiohttp: -?[\d.]+ ms \(.*; aim: 2\)", told)


@pytest.mark.slow
def test_failover_and_streams() -> None:
    told = run("failover", "streams", "--kills", "1", "--streams", "20", "--minutes", "0.05", "--itl-ms", "50")
    assert "from the kill to the next dispatch" in told
    assert re.search(r"requests 90, completed \d+, errored \d+, refused 0, failovers \d+, lost 0 \n", told)
    assert re.search(r"\n\d+ answers, 0 of them wrong\n", told)
    assert re.search(r"the memory grows by [+-][\d.]+ MB a minute", told)


@pytest.mark.parametrize(
    ("program", "words", "message"),
    [
        ("router_service.py", ["nothing"], "there is no 'nothing': throughput, latency, failover, streams"),
        ("router_faults.py", ["--faults", "worker:fly"], "there is no 'worker:fly': worker:kill, "),
    ],
)
def test_what_cannot_be_obeyed_is_told(program: str, words: list[str], message: str) -> None:
    command = [sys.executable, str(PROJECT / "benchmarks" / program), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
