"""What an implementation offers to the suite `router`: lengths in tokens, targets in milliseconds, pools from 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class RouterFactory(Protocol):
    """The declared target: a function, a class, or an object that can be called. It may have `capabilities`."""

    def __call__(self, config: Mapping[str, Any], defaults: Mapping[str, float] | None = None) -> Router:
        """A router of this configuration; `ValueError` or `TypeError` refuses it.

        `defaults` (`ttft_target_ms`, `itl_target_ms`) is passed only under the capability `defaults`.
        """


class Router(Protocol):
    """One router. Every method refuses senseless requests by `ValueError` or `TypeError`."""

    def select_prefill(self, isl: int, ttft_target_ms: float | None = None, priority: int | None = None) -> int:
        """The prefill pool (mode disagg)."""

    def select_decode(
        self, context_length: int, itl_target_ms: float | None = None, priority: int | None = None
    ) -> int:
        """The decode pool (mode disagg)."""

    def select_agg(
        self,
        ttft_target_ms: float | None = None,
        itl_target_ms: float | None = None,
        priority: int | None = None,
        isl: int | None = None,
    ) -> int:
        """The pool (mode agg); `isl` is passed only under the capability `agg_isl`."""

    def retry_order(self, phase: str, pool: int) -> list[int]:
        """The pools to try, `pool` first (capability `priority_retry`); phases are prefill, decode and agg."""
