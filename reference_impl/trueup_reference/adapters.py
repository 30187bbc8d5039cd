"""What the contract suites are given to open: one factory per suite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trueup_reference.router import PoolRouter


class RouterFactory:
    """The factory of the suite `router`."""

    capabilities = PoolRouter.capabilities
    name = "trueup reference router"

    def __call__(self, config: Mapping[str, Any], defaults: Mapping[str, float] | None = None) -> PoolRouter:
        """A router of this configuration."""
        return PoolRouter(config, defaults)

    def make_from_text(self, text: bytes) -> PoolRouter:
        """A router of this JSON text."""
        return PoolRouter.make_from_text(text)


router = RouterFactory()
