"""A new grid for a running service: RS-106 to RS-109."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router import model
from trueup_contracts.router.model import Axis
from trueup_contracts.router_service import grids
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.grids import ONE, Grid
from trueup_contracts.router_service.scripting import give
from trueup_contracts.router_service.steps import Gate, Hold, Item, complete
from trueup_contracts.subject import Subject

BEFORE, AFTER, HELD = 5, 10, 4  # requests


def _grid(subject: Subject, name: str, pool: int) -> Grid:
    """Two pools in each phase, `NAME-PHASE-0` and `-1`, and every request goes to this one of them."""
    two = Axis(0, 1_000, 2)
    config = model.agg(two, ONE) if grids.is_agg(subject) else model.disagg((ONE, two), (ONE, two))
    for phase in Grid(config).phases:
        config[f"{phase}_pool_dynamo_namespaces"] = [f"{name}-{phase}-{number}" for number in range(2)]
        strategy = config[f"{phase}_pool_selection_strategy"]
        mapping = strategy[f"{phase}_pool_mapping"]
        strategy[f"{phase}_pool_mapping"] = [[pool for _ in row] for row in mapping]
    return Grid(config)


class _Change:
    """The old grid sends everything to its first pools, the new one to its second; no names are common to both."""

    def __init__(self, subject: Subject) -> None:
        self.old, self.new = _grid(subject, "old", 0), _grid(subject, "new", 1)
        last = len(self.old.phases)
        self.allowed = {
            "old": [self.old.pools(phase)[0] for phase in self.old.phases][:last],
            "new": [self.new.pools(phase)[1] for phase in self.new.phases][:last],
        }

    def of(self, stream: Stream) -> str:
        """Which of the two has answered a request whole."""
        __tracebackhide__ = True
        stream.finished()
        pools = [one.get("pool") for one in stream.named("routed")]
        for name, allowed in self.allowed.items():
            if pools == allowed:
                return name
        raise AssertionError(
            f"a request went through {pools}: the old grid is {self.allowed['old']}, the new {self.allowed['new']}"
        )


@contextmanager
def _changing(subject: Subject) -> Iterator[tuple[Fleet, _Change]]:
    """Workers of both grids are known, and the router has the old one."""
    change = _Change(subject)
    wait = {"pool_wait_ms": round(5_000 * subject.scale)}
    with fleet(subject, change.old, service=wait, fresh=True) as served:
        for namespace, phase in change.new:
            served.add_worker(namespace, phase, f"{namespace}-w0")
        served.rediscover(served.workers)
        yield served, change


def _until_new(served: Fleet, change: _Change) -> None:
    """Request after request, each answered by one of the two, until the new one has answered."""
    __tracebackhide__ = True
    served.budgets.until(lambda: change.of(served.generate()) == "new", "a request that the new grid answers")


@requirement("RS-106")
def test_a_new_grid_is_taken_whole(trueup_subject: Subject) -> None:
    gate = Gate()
    with _changing(trueup_subject) as (served, change):
        for _ in range(BEFORE):
            assert change.of(served.generate()) == "old", "the new grid is not there yet"
        # Under way in the first phase while the grid changes.
        give(served.workers_of(change.old.first[0]), lambda asked: [Hold(gate), *complete(asked)])
        held = [served.generate() for _ in range(HELD)]
        served.until(lambda: gate.reached == HELD, f"{HELD} requests at workers")
        served.reset()
        served.reload(change.new.config)
        _until_new(served, change)
        gate.open()
        for stream in held:
            assert change.of(stream) == "old", "a request was accepted under the old grid, and the new one answered"
        served.budgets.until(
            lambda: all(change.of(served.generate()) == "new" for _ in range(AFTER)),
            f"{AFTER} requests one after the other that the new grid answers",
        )


@requirement("RS-107")
def test_a_wrong_grid_changes_nothing(trueup_subject: Subject) -> None:
    with _changing(trueup_subject) as (served, change):
        phase = change.new.phases[0]
        strategy = change.new.config[f"{phase}_pool_selection_strategy"]
        out_of_range = {
            **strategy,
            f"{phase}_pool_mapping": [[7 for _ in row] for row in strategy[f"{phase}_pool_mapping"]],
        }
        wrong: list[Mapping[str, Any] | bytes] = [
            {**change.new.config, f"{phase}_pool_selection_strategy": out_of_range},
            {**change.new.config, f"num_{phase}_pools": 3},
            b'{"mode": ',
            b"",
        ]
        for config in wrong:
            served.reload(config)
            what = f"the grid became {str(config)[:80]!r}, and a request was not answered by the old one"
            served.budgets.never(lambda: change.of(served.generate()) != "old", what)
        served.reload(change.new.config)
        _until_new(served, change)


@requirement("RS-108")
def test_a_stream_outlives_its_grid(trueup_subject: Subject) -> None:
    gate = Gate()
    with _changing(trueup_subject) as (served, change):
        give(served.last, lambda asked: [Item(), Hold(gate), *complete(asked)[1:]])
        stream = served.generate()
        stream.until("item")
        served.reset()
        served.reload(change.new.config)
        _until_new(served, change)
        gate.open()
        assert change.of(stream) == "old", "a stream of the old grid ended by the new one"
        assert len(stream.tokens) == 3, f"3 items are due: {stream.told}"


@requirement("RS-109")
def test_pools_come_and_go(trueup_subject: Subject) -> None:
    with _changing(trueup_subject) as (served, change):
        served.reload(change.new.config)
        due = {namespace for namespace, _ in change.new}

        def look() -> bool:
            return set(served.until_ready().get("pools", {})) == due

        served.budgets.until(look, f"the pools {sorted(due)}, and no others, in /readyz")
        _until_new(served, change)
