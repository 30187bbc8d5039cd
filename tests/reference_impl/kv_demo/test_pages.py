"""docs/kv-routing.md and docs/mock-worker.md: their programs run and print what they say."""

from __future__ import annotations

import re
from pathlib import Path

from fix_repository import PROJECT
from page_runs import run_page
from trueup_reference.kv_demo.__main__ import parser
from trueup_reference.mock_worker.__main__ import parser as worker_parser
from trueup_reference.worker_selection.metrics import GAUGES, PREFIX

ROUTING, WORKER = PROJECT / "docs/kv-routing.md", PROJECT / "docs/mock-worker.md"


def test_the_pages_are_true(tmp_path: Path) -> None:
    """What runs until it is ended is started by the other tests of this folder."""

    def skips(command: str) -> bool:
        return not command.startswith("python ") or "mock_worker" in command

    (tmp_path / "routing").mkdir()
    (tmp_path / "worker").mkdir()
    assert run_page(_without_text(ROUTING, tmp_path), tmp_path / "routing", skips=skips) == 1
    assert run_page(_without_text(WORKER, tmp_path), tmp_path / "worker", skips=skips) == 1


def _without_text(page: Path, folder: Path) -> Path:
    """The page without its blocks of text, which are neither files nor commands."""
    made = folder / page.name
    made.write_text(re.sub(r"^```text\n.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL), "utf-8")
    return made


def test_the_pages_name_every_option() -> None:
    told = {ROUTING: parser(), WORKER: worker_parser()}
    common = {"--help", "--mock-workers", "--host", "--port", "--seed", "--drain-ms"}
    for page, arguments in told.items():
        text = page.read_text(encoding="utf-8")
        options = {name for action in arguments._actions for name in action.option_strings if name.startswith("--")}
        assert [name for name in sorted(options - common) if f"`{name}" not in text and f" {name}" not in text] == []


def test_the_page_names_every_metric() -> None:
    text = ROUTING.read_text(encoding="utf-8")
    assert all(f"`{PREFIX}_{name}`" in text or f"`_{name}`" in text for name in GAUGES)
    assert f"`{PREFIX}_requests_total`" in text
    assert f"`{PREFIX}_ended_total`" in text
