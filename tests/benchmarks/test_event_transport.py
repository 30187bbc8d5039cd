"""The benchmark of the event transport runs, loses nothing, and prints every table."""

from __future__ import annotations

import re
import subprocess
import sys

from fix_repository import PROJECT


def test_the_benchmark_prints_its_tables() -> None:
    command = [sys.executable, str(PROJECT / "benchmarks/event_transport.py")]
    sizes = ["--messages", "300", "--paced", "50", "--rounds", "1", "--idle-s", "0.2", "--replayed", "200"]
    done = subprocess.run([*command, *sizes], capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [re.split(r" *\| *", line.strip("| ")) for line in done.stdout.splitlines() if line.startswith("|")]
    names = [row[0] for row in rows if not row[0].startswith("-")]
    assert names == [
        *["publisher", "bare", "frames", "reference", "reference", "bare"],
        *["both sides", "bare", "frames", "reference"],
        *["its publisher", "is not there", "is silent"],
        *["asked by", "bare DEALER", "ReplayClient", "late Subscriber"],
    ]
    assert "lost" not in done.stdout
    assert re.search(r"added p99: -?\d+ µs \(.*; aim: 50, (not )?reached.*\)", done.stdout)
