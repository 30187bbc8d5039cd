"""docs/mock-worker.md and docs/router-discovery.md: what they show is what happens."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from fix_repository import PROJECT
from page_runs import commands, shell
from trueup_reference.etcd.settings import VARIABLES
from trueup_reference.mock_worker import MockWorker
from trueup_reference.mock_worker.control import OPERATIONS
from trueup_reference.mock_worker.faults import MEANINGS, NAMES
from trueup_reference.router.discovery import DiscoveryError, read_file

WORKER, DISCOVERY = PROJECT / "docs/mock-worker.md", PROJECT / "docs/router-discovery.md"


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_what_is_said_over_the_control_socket(tmp_path: Path) -> None:
    said = [one for block in blocks(WORKER, "console") for one in commands(block) if "mock_worker.control" in one[0]]
    assert len(said) == 2

    async def main() -> list[str]:
        async with MockWorker(control=tmp_path / "worker.sock"):
            return [await asyncio.to_thread(shell, command, tmp_path, {}) for command, _ in said]

    assert asyncio.run(main()) == ["\n".join(expected) + "\n" for _, expected in said]


def test_every_fault_and_operation_is_named() -> None:
    text = WORKER.read_text("utf-8")
    assert [name for name in [*NAMES, *MEANINGS, *OPERATIONS] if not re.search(rf"`{name}[`:@]", text)] == []


def test_the_file_that_is_shown_is_one_and_its_error_is_told_so() -> None:
    [shown] = blocks(DISCOVERY, "json")
    [entry] = read_file(shown.encode(), "workers.json")
    assert entry.phase == "prefill"
    [told] = blocks(DISCOVERY, "text")
    try:
        read_file(shown.replace('"phase": "prefill"', '"phase": "warm"').encode(), "workers.json")
    except DiscoveryError as error:
        shown = f"{error}\n"
    assert shown == told


def test_every_variable_is_named() -> None:
    text = DISCOVERY.read_text("utf-8")
    assert [name for name in VARIABLES if f"`{name}`" not in text] == []
