"""Tiers and identities: KX-090 to KX-097."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Identity, Node, Worker
from contracts.kv_index.modes import Hooked


@fault("KX-090")
class IgnoresTheTier(Hooked):
    """ignores the tier of a request"""

    def counts(self, node: Node, worker: Worker, tier: str | None) -> bool:
        return True


@fault("KX-090")
class MovesBetweenTiers(Hooked):
    """takes a store in a second tier for a move"""

    def hold(self, worker: Worker, node: Node, name: int, tier: str) -> None:
        node.tiers.pop(worker, None)
        super().hold(worker, node, name, tier)


@fault("KX-091")
class AddsTiersUp(Hooked):
    """counts a block once for each tier"""

    def tracked_blocks(self) -> int:
        return sum(len(node.tiers[worker]) for worker, names in self.held.items() for node in names.values())


@fault("KX-091")
class OneTierAtATime(Hooked):
    """without a tier answers the depth in the tier that has most"""

    def walk(self, node: Node | None, request: list[int], tier: str | None, early_exit: bool) -> dict[Worker, int]:
        found: dict[Worker, int] = {}
        for one in ("gpu", "cpu", "disk", "external") if tier is None else (tier,):
            for worker, depth in super().walk(node, request, one, early_exit).items():
                found[worker] = max(depth, found.get(worker, 0))
        return found


@fault("KX-092")
class RemovesFromAllTiers(Hooked):
    """removes from all tiers, whatever the removal names"""

    def leave_tier(self, worker: Worker, node: Node, tier: str | None) -> None:
        super().leave_tier(worker, node, None)


@fault("KX-092")
class RemovesFromTheGPU(Hooked):
    """takes a removal without a tier for one from the GPU"""

    def leave_tier(self, worker: Worker, node: Node, tier: str | None) -> None:
        super().leave_tier(worker, node, tier or "gpu")

    def clear(self, worker: Worker) -> None:
        super().clear(worker)


@fault("KX-093")
class ClearsTheGPU(Hooked):
    """keeps what lies in other tiers than the GPU when the worker is cleared"""

    def clear(self, worker: Worker) -> None:
        for name, node in list(self.held.get(worker, {}).items()):
            node.tiers[worker].discard("gpu")
            if not node.tiers[worker]:
                self.drop(worker, name, node)


@fault("KX-095")
class DropsTheSalt(Hooked):
    """drops the salt from the identity"""

    def identity(self, told: Mapping[str, Any] | None) -> Identity:
        lora, _, group = super().identity(told)
        return lora, None, group


@fault("KX-095")
class JoinsTexts(Hooked):
    """joins adapter and salt into one text"""

    def identity(self, told: Mapping[str, Any] | None) -> Identity:
        lora, salt, group = super().identity(told)
        return None if lora is None and salt is None else (lora or "") + (salt or ""), None, group


@fault("KX-095")
class EmptyIsNone(Hooked):
    """takes an empty text, and group 0, for none"""

    def identity(self, told: Mapping[str, Any] | None) -> Identity:
        lora, salt, group = super().identity(told)
        return lora or None, salt or None, group or None


@fault("KX-096")
class NoneIsAnIdentity(Hooked):
    """keeps events without an identity apart from those whose identity is None for all"""

    def identity(self, told: Mapping[str, Any] | None) -> Identity:
        return ("no identity", None, None) if told is None else super().identity(told)


@fault("KX-097")
class DropsTheGroup(Hooked):
    """treats a sliding window's blocks as a prefix like any other"""

    def identity(self, told: Mapping[str, Any] | None) -> Identity:
        lora, salt, _ = super().identity(told)
        return lora, salt, None
