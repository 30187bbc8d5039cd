"""docs/embedding-cache.md: its programs run and print what it says, and it names every metric and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from fix_redis import RedisServer
from fix_repository import PROJECT
from page_runs import run_page
from trueup_reference.embedding_cache.metrics import COUNTERS, GAUGES, PREFIX

PAGE = PROJECT / "docs/embedding-cache.md"


def test_the_page_is_true(tmp_path: Path) -> None:
    assert run_page(PAGE, tmp_path, skips=lambda command: "pip install" in command or "share.py" in command) == 3


def test_the_page_is_true_of_redis(tmp_path: Path, shared_redis: RedisServer) -> None:
    variables = {"REDIS_URL": shared_redis.url}
    assert run_page(PAGE, tmp_path, variables, skips=lambda command: "share.py" not in command) == 2


def test_the_page_names_every_metric() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| Metric | |")[2].partition("\n\n")[0]
    first_column = " ".join(row.split("|")[1] for row in table.splitlines()[2:])
    named = {name.removeprefix(PREFIX).strip("_") for name in re.findall(r"`(\w+)`", first_column)}
    there = {f"{name}_total" for name in COUNTERS} | set(GAUGES) | {"compute_seconds"}
    assert named == there
