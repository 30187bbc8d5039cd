"""No correct publisher fails, whatever it is built from: twenty seeds in `make test-slow` and `make faults`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.publisher.others import Plain, in_loop
from contracts.event_transport.running import verdicts
from contracts.suite_runs import verdicts_over_the_wire
from trueup_contracts.event_transport import PUBLISHER
from trueup_contracts.profile import Profile
from trueup_reference import adapters

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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_over_the_wire(seed: int, tmp_path: Path) -> None:
    module = "contracts.event_transport.publisher.over_the_wire"
    assert verdicts_over_the_wire("event-publisher", module, "Hooked", Profile("quick", seed), tmp_path) == {}
