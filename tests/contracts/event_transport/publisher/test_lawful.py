"""No correct publisher fails, whatever it is built from: twenty seeds in `make test-slow` and `make faults`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.publisher.others import Plain, in_loop
from contracts.event_transport.running import verdicts
from contracts.suite_runs import verdicts_of, verdicts_over_the_wire
from fix_repository import PROJECT
from trueup_contracts import starting
from trueup_contracts.event_transport import PUBLISHER
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Settings
from trueup_contracts.wire.client import WireSubject
from trueup_reference import adapters

EXAMPLE = PROJECT / "examples/node-publisher"
SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed else []) for seed in range(20)]
# Its replies do not tell the topic, as those of vLLM before #45177 and SGLang.
FIRST_FORM = {"EP-095"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_thread_of_its_own(seed: int) -> None:
    assert verdicts(PUBLISHER, Hooked, Profile("quick", seed)) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_callers_thread(seed: int) -> None:
    assert verdicts(PUBLISHER, Plain, Profile("quick", seed)) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_an_event_loop(seed: int) -> None:
    assert verdicts(PUBLISHER, in_loop, Profile("quick", seed)).keys() == FIRST_FORM


@pytest.mark.parametrize("name", ["event_publisher", pytest.param("event_publisher_asyncio", marks=pytest.mark.slow)])
def test_the_reference(name: str) -> None:
    factory: Callable[..., Any] = getattr(adapters, name)
    target = f"trueup_reference.adapters:{name}"
    assert verdicts(PUBLISHER, factory, Profile("quick", 1), target=target) == {}


@pytest.fixture(scope="module")
def node_publisher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, with its dependency: its package holds the library, so that no script of it need run."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    root = tmp_path_factory.mktemp("node") / "publisher"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("node_modules", ".pytest_cache"))
    argv = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot install zeromq here: it takes too long")
    if done.returncode != 0:
        pytest.skip(f"npm cannot install zeromq here: {done.stderr[-200:]}")
    return root


# Bursts take their time over the wire: they are left to `make test-slow`.
LONG = {"EP-042", "EP-061", "EP-064", "EP-092"}


@pytest.mark.parametrize("seed", SEEDS)
def test_in_javascript(seed: int, node_publisher: Path) -> None:
    subject = WireSubject(PUBLISHER, "node", "node adapter.mjs", Settings(node_publisher))
    try:
        assert verdicts_of(subject, Profile("quick", seed), but=() if seed else LONG) == {}
    finally:
        subject.end()


def test_the_wire_module_is_the_one_that_init_writes() -> None:
    assert (EXAMPLE / "wire.mjs").read_bytes() == (starting.FOLDER / "wire.mjs").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_over_the_wire(seed: int, tmp_path: Path) -> None:
    module = "contracts.event_transport.publisher.over_the_wire"
    assert verdicts_over_the_wire("event-publisher", module, "Hooked", Profile("quick", seed), tmp_path) == {}
