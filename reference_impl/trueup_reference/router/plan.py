"""A grid as the service uses it: which pools a request of a phase may be sent to, in which order, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from trueup.grid_config.model import Configuration
from trueup.grid_config.parsing import from_text
from trueup_reference.router.protocol import Request, RouterError
from trueup_reference.router.selection import PoolRouter
from trueup_reference.worker_protocol import Phase

PHASES: dict[str, tuple[Phase, ...]] = {"disagg": ("prefill", "decode"), "agg": ("agg",)}


class Choice(NamedTuple):
    """The pools of a request: the one selected, then those for retries. `reason`: `grid` or `priority_override`."""

    namespaces: tuple[str, ...]
    reason: str


class Plan:
    """A grid that was found valid. Nothing changes after construction."""

    def __init__(self, config: Configuration, router: PoolRouter) -> None:
        """Use `read`."""
        self.mode = config.mode
        self.phases = PHASES[config.mode]
        self.retries_on_faster_pools = config.retries
        self.namespaces: dict[Phase, tuple[str, ...]] = {name: config.grids[name].namespaces for name in self.phases}
        self._grids = config.grids
        self._router = router
        self._axes = {name: len(config.grids[name].axes) for name in self.phases}
        self._orders = {
            name: [tuple(names[other] for other in router.retry_order(name, pool)) for pool in range(len(names))]
            for name, names in self.namespaces.items()
        }

    @classmethod
    def read(cls, text: bytes, defaults: Mapping[str, float] | None = None) -> Plan:
        """The plan of a grid's JSON text. Raises `trueup.grid_config.parsing.InvalidConfiguration`.

        `defaults`: `ttft_target_ms`, `itl_target_ms` of requests without.
        """
        return cls(from_text(text), PoolRouter.make_from_text(text, defaults))

    def pools(self) -> dict[str, frozenset[Phase]]:
        """The phases of each namespace."""
        found: dict[str, frozenset[Phase]] = {}
        for phase, names in self.namespaces.items():
            for name in names:
                found[name] = found.get(name, frozenset()) | {phase}
        return found

    def phases_of(self, request: Request) -> tuple[Phase, ...]:
        """The phases that the request needs. `RouterError` where this grid has none such."""
        if request.phases is None:
            return self.phases
        for phase in request.phases:
            if phase not in self.namespaces:
                raise RouterError("invalid_request", f"this router has no phase {phase}: {', '.join(self.phases)}")
        return request.phases

    def choose(self, phase: Phase, request: Request) -> Choice:
        """The pools for a phase. `RouterError` for a request that the grid has no answer to."""
        length, priority = len(request.token_ids), request.priority
        router = self._router
        try:
            if phase == "prefill":
                pool = router.select_prefill(length, request.ttft_target_ms, priority)
            elif phase == "decode":
                pool = router.select_decode(length, request.itl_target_ms, priority)
            else:
                isl = length if self._axes["agg"] == 3 else None
                pool = router.select_agg(request.ttft_target_ms, request.itl_target_ms, priority, isl)
        except (ValueError, TypeError) as error:
            raise RouterError("invalid_request", str(error)) from error
        return Choice(self._orders[phase][pool], self._reason(phase, priority))

    def _reason(self, phase: Phase, priority: int | None) -> str:
        if priority is not None:
            for rule in self._grids[phase].overrides:
                if rule.min_priority <= priority <= rule.max_priority:
                    return "priority_override"
        return "grid"
