"""No correct client of replays fails, whatever it is built from: twenty seeds in `make test-slow` and `make faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.event_transport.replay.hooked import Hooked
from contracts.event_transport.replay.others import in_loop
from contracts.event_transport.running import verdicts
from contracts.suite_runs import verdicts_over_the_wire
from trueup_contracts.event_transport import REPLAY
from trueup_contracts.profile import Profile
from trueup_reference import adapters

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed else []) for seed in range(20)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_socket_for_each(seed: int) -> None:
    assert verdicts(REPLAY, Hooked, Profile("quick", seed)) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_an_event_loop(seed: int) -> None:
    assert verdicts(REPLAY, in_loop, Profile("quick", seed)) == {}


def test_the_reference() -> None:
    for name in ("event_replay", "event_replay_asyncio"):
        target = f"trueup_reference.adapters:{name}"
        assert verdicts(REPLAY, getattr(adapters, name), Profile("quick", 1), target=target) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_over_the_wire(seed: int, tmp_path: Path) -> None:
    module = "contracts.event_transport.replay.over_the_wire"
    assert verdicts_over_the_wire("event-replay", module, "Hooked", Profile("quick", seed), tmp_path) == {}
