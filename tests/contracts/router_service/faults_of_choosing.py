"""Routers that choose another pool than the grid says, or ask a worker something else."""

from __future__ import annotations

import dataclasses
from typing import Any

from contracts.router_service.plain.asked import Asked, Json, _target, identity
from contracts.router_service.plain.grid import Plan
from contracts.router_service.plain.pools import Pool, Worker
from contracts.router_service.plain.router import Job, Router
from contracts.router_service.plain.settings import Bounds
from contracts.router_service.seeding import fault
from trueup.grid_config import selection
from trueup.grid_config.model import Grid


@fault("RS-010")
class CountsTheAnswer(Plan):
    """counts the tokens of the answer to the length of the prompt"""

    def choose(self, phase: str, asked: Asked) -> str:
        return super().choose(phase, dataclasses.replace(asked, token_ids=[*asked.token_ids, *range(asked.max_tokens)]))


@fault("RS-010")
class OneLatency(Plan):
    """takes the TTFT target for decode too"""

    def choose(self, phase: str, asked: Asked) -> str:
        return super().choose(phase, dataclasses.replace(asked, itl_ms=asked.ttft_ms) if phase == "decode" else asked)


@fault("RS-011")
class SwapsTargets(Plan):
    """has rows for columns in the mode agg"""

    def choose(self, phase: str, asked: Asked) -> str:
        if phase == "agg":
            asked = dataclasses.replace(asked, ttft_ms=asked.itl_ms, itl_ms=asked.ttft_ms)
        return super().choose(phase, asked)


@fault("RS-012")
class FirstLayer(Plan):
    """takes the first layer of a grid of three axes"""

    def choose(self, phase: str, asked: Asked) -> str:
        return super().choose(phase, dataclasses.replace(asked, token_ids=[]) if phase == "agg" else asked)


@fault("RS-013", "_target")
def reads_targets_alone(found: Json, name: str) -> float | None:
    """reads the targets in one of their places"""
    return _target({"targets": found.get("targets")}, name)


@fault("RS-014", "select")
def absent_is_the_least(grid: Grid, values: list[float | None], priority: int | None = None) -> selection.Choice:
    """takes the least target for an absent one"""
    given = [axis.low if value is None else value for value, axis in zip(values, grid.axes, strict=True)]
    return selection.select(grid, given, priority)


@fault("RS-015", "select")
def zero_is_absent(grid: Grid, values: list[float | None], priority: int | None = None) -> selection.Choice:
    """takes a target of 0 for an absent one"""
    return selection.select(grid, [value or None for value in values], priority)


@fault("RS-016", "select")
def no_overrides(grid: Grid, values: list[float | None], priority: int | None = None) -> selection.Choice:
    """does not read priority_overrides"""
    return selection.select(grid, values)


@fault("RS-016", "select")
def below_the_most(grid: Grid, values: list[float | None], priority: int | None = None) -> selection.Choice:
    """takes the upper bound of an override for the first value beyond it"""
    rules = tuple(one._replace(max_priority=one.max_priority - 1) for one in grid.overrides)
    return selection.select(grid._replace(overrides=rules), values, priority)


@fault("RS-018")
class NoTrace(Router):
    """does not hand the trace on"""

    def make_job(self, asked: Asked, client: Any) -> Job:
        return super().make_job(dataclasses.replace(asked, headers={}), client)


@fault("RS-019")
class LastTrace(Router):
    """keeps the trace of the request before"""

    def make_job(self, asked: Asked, client: Any) -> Job:
        LAST.update(asked.headers)
        return super().make_job(dataclasses.replace(asked, headers=dict(LAST)), client)


LAST: dict[str, str] = {}


@fault("RS-028")
class NamesOfItsOwn(Router):
    """calls what it asks by names of its own"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        found = super().body(job, phase, number)
        return {"prompt_token_ids": found.pop("token_ids"), **found}


@fault("RS-029")
class OneTokenOfPrefill(Router):
    """asks prefill for one token"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        found = super().body(job, phase, number)
        return {**found, "max_tokens": 1} if phase != "decode" else found


@fault("RS-029")
class CountsFromOne(Router):
    """numbers its attempts from 1"""

    def next_attempt(self, job: Job, phase: str) -> int:
        return super().next_attempt(job, phase) + 1


@fault("RS-030")
class TransferAsText(Router):
    """hands the transfer on with its numbers as texts"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        found = super().body(job, phase, number)
        transfer = found["transfer"]
        return {**found, "transfer": transfer and {name: str(value) for name, value in transfer.items()}}


@fault("RS-030")
class WholeEvent(Router):
    """hands on the event that the transfer stands in"""

    async def hand_on(self, job: Job, phase: str, name: str, data: dict[str, Any]) -> None:
        await super().hand_on(job, phase, name, data)
        if name == "transfer":
            job.transfer = data


@fault("RS-031")
class NamedByItsModel(Router):
    """calls itself by what all replicas are called"""

    def __init__(self, plan: Plan, bounds: Bounds) -> None:
        super().__init__(plan, bounds)
        self.router_id = "global-router"


@fault("RS-032")
class Seconds(Router):
    """hands the deadline on in seconds"""

    def deadline_ms(self, job: Job) -> float | None:
        found = super().deadline_ms(job)
        return None if found is None else found / 1000


@fault("RS-033")
class KeepsTargets(Router):
    """keeps targets and priority to itself"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        return {**super().body(job, phase, number), "targets": None, "priority": None}


@fault("RS-034")
class AlwaysTheFirst(Pool):
    """asks the first worker of its list"""

    def rank(self, worker: Worker) -> tuple[object, ...]:
        return (self.workers.index(worker),)


@fault("RS-039")
class IdsOfItsOwn(Router):
    """has an id of its own for each request, towards the workers"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        return {**super().body(job, phase, number), "request_id": f"{self.router_id}-{job.asked.request_id}"}


@fault("RS-040", "identity")
def no_name(found: Json) -> str:
    """calls every request without an id the same"""
    return "unknown" if found.get("request_id") is None else identity(found)
