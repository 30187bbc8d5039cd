"""docs/kv-index.md: its programs run and print what it says, and it names every metric and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from fix_repository import PROJECT
from page_runs import run_page
from trueup_reference.kv_index.metrics import COUNTERS, GAUGES

PAGE = PROJECT / "docs/kv-index.md"


def test_the_page_is_true(tmp_path: Path) -> None:
    assert run_page(PAGE, tmp_path, skips=lambda command: "pip install" in command) == 3


def test_the_page_names_every_metric() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| Metric | |")[2].partition("\n\n")[0]
    first_column = " ".join(row.split("|")[1] for row in table.splitlines()[2:])
    named = re.findall(r"`(\w+)`", first_column)
    assert len(named) == len(set(named))
    assert set(named) == {f"{name}_total" for name in COUNTERS} | set(GAUGES)
