"""The page of the tap is true: its commands run, and print what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from fix_repository import PROJECT
from page_runs import run_page
from trueup_contracts.event_transport.codec.dialects import MEANING
from trueup_contracts.event_transport.codec.golden import malformed
from trueup_contracts.event_transport.tap import findings

PAGE = PROJECT / "docs/events-tap.md"


def test_the_page(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "examples/kv-events/kv.jsonl", tmp_path)
    assert run_page(PAGE, tmp_path, {"TZ": "UTC"}, skips=_needs_an_engine) == 5


def _needs_an_engine(command: str) -> bool:
    return "tcp://" in command and ":9 " not in command


def test_the_page_names_every_finding() -> None:
    text = PAGE.read_text(encoding="utf-8")
    source = Path(findings.__file__).read_text(encoding="utf-8")
    kinds = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source)) | set(MEANING)
    assert {"time-unit", "not-connected", "no-messages", "two-shapes", "clock-skew", "replay-too-short"} <= kinds
    assert {kind for kind in kinds if f"`{kind}`" not in text} == set()


def test_the_page_counts_the_malformed_messages() -> None:
    assert f"and {len(malformed())} malformed ones" in PAGE.read_text(encoding="utf-8").replace("\n", " ")
