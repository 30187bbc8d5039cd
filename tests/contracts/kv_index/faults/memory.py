"""What is kept for ever: KX-060 to KX-064 and KX-127."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Node, Worker
from contracts.kv_index.modes import Hooked


@fault("KX-060")
class ForgetsNoName(Hooked):
    """keeps every name that a worker ever gave to a block"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.history: list[tuple[Worker, int]] = []

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        self.history.append((worker, name))
        super().drop(worker, name, node)


@fault("KX-060")
class LeaksWhenMended(Hooked):
    """keeps a block that is removed with others behind it, as a place to come back to"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.gaps: list[tuple[Worker, int, tuple[int, ...]]] = []

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        if any(worker in child.names for child in node.children.values()):
            self.gaps.append((worker, name, tuple(node.children)))
        super().drop(worker, name, node)


@fault("KX-064")
class DetachesNothing(Hooked):
    """never detaches a node that nobody holds"""

    def free(self, node: Node) -> None:
        pass


@fault("KX-064")
class DetachesOneNode(Hooked):
    """detaches a node that nobody holds, and not those before it that are left empty"""

    def free(self, node: Node) -> None:
        if node.parent is not None and not node.names and not node.children:
            del node.parent.children[node.local]


@fault("KX-061")
class KnowsAllWhoCame(Hooked):
    """keeps an entry for every worker that it ever heard of"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.first_events: dict[Worker, int] = {}

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        self.first_events.setdefault(worker, inner["event_id"])
        super().take(worker, inner)


@fault("KX-062")
class KeepsUnknownRemovals(Hooked):
    """keeps a look-up entry for each removal that found nothing"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.missing: set[int] = set()

    def not_held(self, worker: Worker, name: int) -> None:
        super().not_held(worker, name)
        self.missing.add(name)


@fault("KX-062")
class KeepsRequests(Hooked):
    """keeps every answer, for requests that come again"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.answers: dict[tuple[int, ...], dict[Worker, int]] = {}

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found = super().walk(node, request, *how)
        self.answers[tuple(request)] = found
        return found


@fault("KX-127")
class LooksThroughAList(Hooked):
    """looks each block up in a list"""

    def hold(self, worker: Worker, node: Node, name: int, tier: str) -> None:
        assert [one for one in self.held[worker] if one == name] in ([], [name])
        super().hold(worker, node, name, tier)
