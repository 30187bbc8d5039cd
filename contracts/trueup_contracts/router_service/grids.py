"""Grids that the tests give to routers. Their pools are namespaces `PHASE-NUMBER`, such as `prefill-0`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trueup_contracts.router import model
from trueup_contracts.router.model import Axis
from trueup_contracts.subject import Subject

ONE = Axis(0, 1_000, 1)


@dataclass(frozen=True)
class Grid:
    """A configuration. Its requests go to `first` pools, and their items come from `last` ones: one phase in agg."""

    config: Mapping[str, Any]

    @property
    def is_agg(self) -> bool:
        """The mode."""
        return self.config.get("mode") == "agg"

    @property
    def phases(self) -> tuple[str, ...]:
        """In the order in which a request goes through them."""
        return ("agg",) if self.is_agg else ("prefill", "decode")

    def pools(self, phase: str) -> list[str]:
        """The namespaces of a phase, in pool order."""
        return list(self.config[f"{phase}_pool_dynamo_namespaces"])

    @property
    def first(self) -> list[str]:
        """Namespaces of the phase that a request begins with."""
        return self.pools(self.phases[0])

    @property
    def last(self) -> list[str]:
        """Namespaces of the phase that items come from."""
        return self.pools(self.phases[-1])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Each namespace with its phase."""
        for phase in self.phases:
            for namespace in self.pools(phase):
                yield namespace, phase


def is_agg(subject: Subject) -> bool:
    """The mode of tests for which it makes no difference: agg where only that is claimed."""
    return "agg" in subject.capabilities and "disagg" not in subject.capabilities


def plain(subject: Subject) -> Grid:
    """One pool for each phase."""
    return Grid(model.agg(ONE, ONE) if is_agg(subject) else model.disagg())


def bare(subject: Subject) -> Grid:
    """One pool of the mode agg where that is claimed, so that a request is one piece of work; else as `plain`."""
    return Grid(model.agg(ONE, ONE) if "agg" in subject.capabilities else model.disagg())


def by_target(subject: Subject, pools: int = 2, priorities: Sequence[int] | None = None, **more: Any) -> Grid:
    """Several pools of the first phase, chosen by the TTFT target: pool 0 below 1,000 ms, pool 1 from there, and so on.

    `priorities`: with them `enable_priority_retry`. Items come from the one decode pool, or from those pools in agg.
    """
    ttft = Axis(0, 1_000 * pools, pools)
    agg = is_agg(subject)
    more = {**_retries("agg" if agg else "prefill", priorities), **more}
    return Grid(model.agg(ttft, ONE, **more) if agg else model.disagg((ONE, ttft), (ONE, ONE), **more))


def _retries(phase: str, priorities: Sequence[int] | None) -> dict[str, Any]:
    """Those of a phase's pools, and that requests are tried again by them."""
    return {} if priorities is None else {"enable_priority_retry": True, f"{phase}_pool_priorities": list(priorities)}


def ttft_of(pool: int) -> float:
    """A TTFT target in the middle of a pool's band, in grids of `by_target`."""
    return 1_000.0 * pool + 500.0


def apart(subject: Subject, pools: int = 2, priorities: Sequence[int] | None = None) -> Grid:
    """Pools in each phase that share nothing: `targets` chooses both. Of the mode agg where that is claimed.

    `priorities`: of the first phase's pools, as in `by_target`.
    """
    axis = Axis(0, 1_000 * pools, pools)
    if "agg" in subject.capabilities:
        return Grid(model.agg(axis, ONE, **_retries("agg", priorities)))
    return Grid(model.disagg((ONE, axis), (ONE, axis), **_retries("prefill", priorities)))


def targets(pool: int) -> dict[str, float]:
    """Targets of a request for this pool of each phase, in grids of `apart`."""
    return {"ttft_ms": ttft_of(pool), "itl_ms": ttft_of(pool)}
