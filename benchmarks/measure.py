"""Measures whole processes: wall and CPU time, memory."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

# lychee's exit code 2 and trueup's 1 are "found something", and so is remark's 1.
GOOD_CODES = (0, 1, 2)


class Sample(NamedTuple):
    """One process from start to end. CPU and peak cover the children it waited for (the peak: the largest one)."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str


class Tool(NamedTuple):
    """A command to time in the folder of a clone, and what to do before each run, untimed."""

    name: str
    argv: list[str]
    prepare: Callable[[], None]


def fail(message: str) -> NoReturn:
    """A user's mistake: one line, exit code 2."""
    print(f"links.py: {message}", file=sys.stderr)
    raise SystemExit(2)


def nothing() -> None:
    """Prepares nothing."""


def environment() -> dict[str, str]:
    """Without what a calling hook, or a terminal, would change."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_"))}


def timed(argv: Sequence[str], folder: Path, limit_s: float = 600.0) -> Sample | None:
    """Runs a command with its output going to a file; `None` when it was ended at the limit."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
        )
        ended_by_us = threading.Event()

        def end() -> None:
            ended_by_us.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit_s, end)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    if ended_by_us.is_set():
        return None
    if process.returncode not in GOOD_CODES or "Traceback (most recent call last)" in said:
        fail(f"`{' '.join(argv)}` ended with {process.returncode}:\n{said[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, said)


def memory_together(argv: Sequence[str], folder: Path) -> int | None:
    """The most resident memory that a command's processes have together, in a run of its own that is not timed.

    Looked at every 2 ms; a page that two processes share counts twice. `None` where the system does not tell.
    """
    if not Path("/proc/self/statm").exists():
        return None
    most = 0
    with open(os.devnull, "wb") as void:
        process = subprocess.Popen(
            argv, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=void, stderr=void
        )
        while process.poll() is None:
            most = max(most, sum(resident_bytes(pid) for pid in family(process.pid)))
            time.sleep(0.002)
    return most


def family(pid: int) -> Iterator[int]:
    """A process and those it started, as far as they still run."""
    yield pid
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            yield from family(int(child))


def resident_bytes(pid: int) -> int:
    """What a process has in memory; nothing when it has just ended."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def rounds(tools: Sequence[Tool], folder: Path, runs: int) -> dict[str, list[Sample]]:
    """Every tool once per round, in turn, so that a machine's moods hit all alike. The first round does not count."""
    samples: dict[str, list[Sample]] = {tool.name: [] for tool in tools}
    for number in range(runs + 1):
        for tool in tools:
            tool.prepare()
            sample = timed(tool.argv, folder)
            if sample is None:
                fail(f"{tool.name} did not end in 10 minutes")
            if number:
                samples[tool.name].append(sample)
    return samples


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], digits: int = 3) -> tuple[str, str]:
    """The median and the range, to print."""
    return f"{median(values):.{digits}f}", f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A Markdown table."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    print(flush=True)
