"""The benchmark of the KV index runs, and its peers answer as the index does."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from fix_repository import PROJECT

FOLDER = PROJECT / "benchmarks"


def run(*args: str) -> str:
    command = [sys.executable, str(FOLDER / "kv_index.py"), "--quick", "--blocks", "500", "--runs", "1", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_tables_have_every_contestant_and_the_aims() -> None:
    told = run()
    for title in (
        "Blocks stored",
        "Questions answered",
        "Blocks removed",
        "Microseconds of a call",
        "Bytes per tracked",
    ):
        assert title in told
    for row in ("2 x 16, half", "2 x 64, none, block by block", "bytes per block, reference / plain tree"):
        assert f"| {row}" in told
    assert "| reference | plain tree | dictionary |" in told


def test_the_other_tables() -> None:
    told = run("--scaling", "--indexer", "--shards", "1,2", "--segments", "16,256")
    assert "by the number of tracked blocks" in told
    assert "From payloads of format A" in told
    assert "| 2 processes" in told
    assert "By the most blocks of a segment" in told


def test_the_plot_is_an_svg_that_is_the_same_wherever_its_figures_are(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")
    path = tmp_path / "plot.svg"
    run("--plot", str(path))
    drawn = path.read_text(encoding="utf-8")
    assert drawn.startswith("<?xml")
    assert "<dc:date>" not in drawn
    assert len(drawn) < 200_000


def test_the_peers_answer_as_the_index_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    import kv_index as benchmark

    load = benchmark.make_load(benchmark.Scenario(4, 24, "half", 5), 2_000)
    indexes = [make(benchmark.BLOCK_SIZE) for make in benchmark.CONTESTANTS.values()]
    choices = random.Random(1)
    for event in [*load.stores, *load.removals]:
        for index in indexes:
            index.apply(event)
        request = choices.choice(load.questions)[: choices.randrange(25)]
        first, *others = [index.find_matches(request) for index in indexes]
        assert all(other == first for other in others)
    assert [index.find_matches(load.questions[0]) for index in indexes] == [{}, {}, {}]
