"""No correct subscriber fails, whatever it is built from: twenty seeds in `make test-slow` and `make faults`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.others import Pump, connect_asyncio
from contracts.event_transport.subscriber.running import verdicts
from contracts.suite_runs import verdicts_of, verdicts_over_the_wire
from fix_repository import PROJECT
from trueup_contracts import starting
from trueup_contracts.event_transport import SUBSCRIBER
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject

EXAMPLE = PROJECT / "examples/node-subscriber"
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed else []) for seed in range(20)]


# The pump is asked over the wire in each run.
FACTORIES = [
    pytest.param(Hooked, id="pyzmq"),
    pytest.param(connect_asyncio, id="asyncio"),
    pytest.param(Pump, id="a pump thread", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_seed_makes_it_fail(factory: Callable[..., Any], seed: int) -> None:
    assert verdicts(factory, Profile("quick", seed)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("factory", FACTORIES)
def test_a_thousand_subscribers_leave_nothing_behind(factory: Callable[..., Any]) -> None:
    assert verdicts(factory, Profile("thorough", 0), "ES-027") == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_nor_over_the_wire(seed: int, tmp_path: Path) -> None:
    module = "contracts.event_transport.subscriber.over_the_wire"
    assert verdicts_over_the_wire("event-subscriber", module, "Pump", Profile("quick", seed), tmp_path) == {}


@pytest.fixture(scope="module")
def node_subscriber(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, with its dependency: its package holds the library, so that no script of it need run."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    root = tmp_path_factory.mktemp("node") / "subscriber"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("node_modules", ".pytest_cache"))
    argv = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot install zeromq here: it takes too long")
    if done.returncode != 0:
        pytest.skip(f"npm cannot install zeromq here: {done.stderr[-200:]}")
    return root


@pytest.mark.parametrize("seed", SEEDS)
def test_nor_in_javascript(seed: int, node_subscriber: Path) -> None:
    subject = WireSubject(SUBSCRIBER, "node", "node adapter.mjs", Settings(node_subscriber))
    try:
        assert verdicts_of(subject, Profile("quick", seed)) == {}
    finally:
        subject.end()


def test_the_wire_module_is_the_one_that_init_writes() -> None:
    assert (EXAMPLE / "wire.mjs").read_bytes() == (starting.FOLDER / "wire.mjs").read_bytes()


def test_the_thirty_lines_of_the_docs_live(tmp_path: Path) -> None:
    page = (PROJECT / "docs/contracts/event-transport.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None
    (tmp_path / "my_router.py").write_text(found[1], encoding="utf-8")
    words = [
        "--contracts",
        "--contracts-impl",
        "event-subscriber = my_router:Subscriber",
        "--contracts-profile",
        "quick",
        "--contracts-timeout-scale",  # one requirement waits in vain
        "0.4",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "24/33 pass" in done.stdout, done.stdout + done.stderr
    failed = re.findall(r"^  (ES-\d+) MUST +FAIL", done.stdout, re.MULTILINE)
    assert "fails nine others" in page
    assert (len(failed), min(failed)) == (9, "ES-032")
