"""docs/event-transport.md: its programs run and print what it says, and it names every metric and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import zmq

from fix_repository import PROJECT
from page_runs import run_page
from trueup_reference.event_transport.metrics import COUNTERS, GAUGES, PREFIX

PAGE = PROJECT / "docs/event-transport.md"


@pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq is built without CURVE")
def test_the_page_is_true(tmp_path: Path) -> None:
    assert run_page(PAGE, tmp_path, skips=lambda command: "pip install" in command) == 7


def test_the_page_names_every_metric() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| Metric | |")[2].partition("\n\n")[0]
    named = set()
    for row in table.splitlines()[2:]:
        role = ""
        for name in re.findall(r"`(\w+)`", row.split("|")[1]):
            role = name.removeprefix(f"{PREFIX}_").partition("_")[0] if name.startswith(PREFIX) else role
            named.add(f"{role}_{name.removeprefix(f'{PREFIX}_{role}').strip('_')}")
    there = {f"{role}_{name}_total" for role, texts in COUNTERS.items() for name in texts}
    assert named == there | {f"{role}_{name}" for role, texts in GAUGES.items() for name in texts}
