"""What the contract kit costs: selection per call against a plain dataclass, round trips over the wire, whole runs.

python benchmarks/contracts.py [--runs N]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import timeit
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import timed
from trueup_contracts.registry import suite
from trueup_contracts.router.model import Axis, agg
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject
from trueup_reference.router import PoolRouter

CONFIG = agg(Axis(10, 3000, 7), Axis(5, 500, 5))
REQUESTS = [(ttft, itl) for ttft in (20, 700.5, 2999) for itl in (6, 99.25, 1000)]
CALLS = 2_000
TRIPS = 2_000
NODE = Path(__file__).resolve().parents[1] / "examples/node-router/adapter.mjs"


@dataclass
class Plain:
    """The formula, written down as one would."""

    ttft_min: float
    ttft_max: float
    ttft_resolution: int
    itl_min: float
    itl_max: float
    itl_resolution: int
    mapping: list[list[int]]

    def select(self, ttft: float | None = None, itl: float | None = None) -> int:
        if ttft is None:
            ttft = (self.ttft_min + self.ttft_max) / 2
        if itl is None:
            itl = (self.itl_min + self.itl_max) / 2
        ttft_step = (self.ttft_max - self.ttft_min) / self.ttft_resolution
        itl_step = (self.itl_max - self.itl_min) / self.itl_resolution
        row = max(0, min(int((ttft - self.ttft_min) / ttft_step), self.ttft_resolution - 1))
        column = max(0, min(int((itl - self.itl_min) / itl_step), self.itl_resolution - 1))
        return self.mapping[row][column]


@dataclass
class Bare:
    """What is left when nothing of a request is checked."""

    rows: tuple[float, ...]
    columns: tuple[float, ...]
    mapping: tuple[tuple[int, ...], ...]

    def select(self, ttft: float | None = None, itl: float | None = None) -> int:
        return self.mapping[bisect_right(self.rows, ttft)][bisect_right(self.columns, itl)]  # type: ignore[type-var]


def per_call_ns(select: Callable[..., int]) -> float:
    def work() -> None:
        for ttft, itl in REQUESTS:
            select(ttft, itl)

    return timeit.timeit(work, number=CALLS) / (CALLS * len(REQUESTS)) * 1e9


def selection(runs: int) -> None:
    strategy = CONFIG["agg_pool_selection_strategy"]
    mapping = strategy["agg_pool_mapping"]
    plain = Plain(10, 3000, 7, 5, 500, 5, mapping)
    router = PoolRouter(CONFIG)
    assert all(plain.select(*one) == router.select_agg(*one) for one in REQUESTS)
    rows, columns = (tuple(axis.edges) for axis in router._phases["agg"].axes)
    bare = Bare(rows, columns, tuple(map(tuple, mapping)))
    assert all(plain.select(*one) == bare.select(*one) for one in REQUESTS)
    samples = [[per_call_ns(one) for one in (plain.select, router.select_agg, bare.select)] for _ in range(runs)]
    theirs, ours, floor = (statistics.median(column) for column in zip(*samples, strict=True))
    ratios = [statistics.median(one[0] / one[place] for one in samples) for place in (1, 2)]
    print(f"selection: plain dataclass {theirs:.0f} ns, reference {ours:.0f} ns a call: {ratios[0]:.2f} times as fast")
    print(f"the floor, two lookups and no check of the request: {floor:.0f} ns, {ratios[1]:.2f} times as fast")


def round_trips(runs: int) -> None:
    serving = [sys.executable, "-m", "trueup_contracts.serving", "trueup_reference.adapters:router"]
    for name, argv in (("Python", serving), ("Node", ["node", str(NODE)])):
        subject = WireSubject(suite("router"), name, shlex.join(argv), Settings(Path.cwd()))
        router = subject.open(config=CONFIG)

        def ask(asked: object = router) -> None:
            asked.call("select_agg", ttft_target_ms=700.5, itl_target_ms=6)  # type: ignore[attr-defined]

        ask()
        each_s = [timeit.timeit(ask, number=TRIPS) / TRIPS for _ in range(runs)]
        subject.end()
        trip_s = statistics.median(each_s)
        print(f"wire, {name}: {trip_s * 1e6:.0f} µs a round trip, {1 / trip_s:,.0f} a second (every message validated)")


def seconds(argv: Sequence[str], folder: Path, runs: int) -> tuple[float, float]:
    """Wall and CPU time, medians."""
    samples = [one for one in (timed(argv, folder) for _ in range(runs)) if one is not None]
    return statistics.median(one.wall_s for one in samples), statistics.median(one.cpu_s for one in samples)


def whole_runs(runs: int) -> None:
    pytest = [sys.executable, "-m", "pytest"]
    base = [*pytest, "--contracts", "--contracts-impl", "router=reference", "--contracts-profile"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        seconds([*base, "quick"], folder, 1)  # writes the bytecode, as a first run does
        for what, words in (("quick", ["quick"]), ("default", ["default"]), ("collection", ["quick", "--co", "-q"])):
            wall_s, cpu_s = seconds([*base, *words], folder, runs)
            print(f"pytest --contracts on the reference, whole process, {what}: {wall_s:.2f} s, of CPU {cpu_s:.2f} s")
        names = [point["name"] for point in json.loads(plugins())]
        without = [*pytest, "--version", "--version", *(f"-pno:{one}" for one in names)]
        with_it = [*pytest, "--version", "--version", *(f"-pno:{one}" for one in names if one != "trueup-contracts")]
        pairs = [(seconds(without, folder, 1), seconds(with_it, folder, 1)) for _ in range(4 * runs)]
        wall_s, cpu_s = (statistics.median(one[kind] - other[kind] for other, one in pairs) for kind in (0, 1))
        print(
            f"the plugin in a run without the flag: {wall_s * 1000:.1f} ms, of CPU {cpu_s * 1000:.1f} ms "
            f"(medians of the differences of {4 * runs} pairs of processes)"
        )


def plugins() -> str:
    code = (
        "import json; from importlib.metadata import entry_points; "
        "print(json.dumps([{'name': one.name} for one in entry_points(group='pytest11')]))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(f"Python {platform.python_version()}, {runs} runs, medians\n")
    with tempfile.TemporaryDirectory() as bytecode:  # kept between runs, as users have it
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = bytecode
        selection(runs)
        round_trips(runs)
        whole_runs(runs)


if __name__ == "__main__":
    main()
