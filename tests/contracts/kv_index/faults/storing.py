"""Parents, ids, hashes and names: KX-010 to KX-011, KX-022 to KX-036."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Identity, Node, Worker
from contracts.kv_index.modes import Hooked
from trueup_contracts.kv_index import recipe

LOW = (1 << 32) - 1


@fault("KX-010")
class OrphansAtTheRoot(Hooked):
    """hangs a store with an unknown parent at the root"""

    def parent(self, worker: Worker, parent: int | None, identity: Any) -> Node | None:
        return super().parent(worker, parent, identity) or super().parent(worker, None, identity)


@fault("KX-010")
class OrphansWait(Hooked):
    """keeps a store with an unknown parent until the parent comes"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.waiting: list[tuple[Worker, Any, Any]] = []

    def store(self, worker: Worker, stored: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        if self.parent(worker, stored["parent_hash"], self.identity(inner.get("identity"))) is None:
            self.waiting.append((worker, stored, inner))
        super().store(worker, stored, inner)
        for one in [one for one in self.waiting if one[1]["parent_hash"] in self.held.get(one[0], {})]:
            self.waiting.remove(one)
            super().store(*one)


@fault("KX-011")
class ParentsOfAnybody(Hooked):
    """takes any worker's block for a parent"""

    def parent(self, worker: Worker, parent: int | None, identity: Any) -> Node | None:
        for other in (worker, *self.held):
            found = super().parent(other, parent, identity)
            if found is not None:
                return found
        return None


@fault("KX-022")
class IgnoresRanks(Hooked):
    """ignores the rank"""

    def worker(self, event: Mapping[str, Any]) -> Worker:
        return event["worker_id"], 0


@fault("KX-023")
class IdsAsFloats(Hooked):
    """keeps worker ids as floats"""

    def worker(self, event: Mapping[str, Any]) -> Worker:
        return int(float(event["worker_id"])), event["event"]["dp_rank"]


@fault("KX-023")
class SignedRanks(Hooked):
    """keeps ranks in 16 bits"""

    def worker(self, event: Mapping[str, Any]) -> Worker:
        return event["worker_id"], event["event"]["dp_rank"] & 0xFFFF


@fault("KX-024")
class ShortLocalHashes(Hooked):
    """keeps the lower half of local hashes"""

    def child(self, node: Node, local: int) -> Node:
        return super().child(node, local & LOW)

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        return super().walk(node, [one & LOW for one in request], *how)


@fault("KX-024")
class ZeroIsNoParent(Hooked):
    """takes a parent hash of 0 for none"""

    def is_root(self, parent: int | None) -> bool:
        return not parent


@fault("KX-025")
class GaugeForgetsLeaving(Hooked):
    """does not lower the gauge when a worker is taken out"""

    gone = 0

    def remove_worker(self, worker_id: int) -> None:
        before = super().tracked_blocks()
        super().remove_worker(worker_id)
        self.gone += before - super().tracked_blocks()

    def tracked_blocks(self) -> int:
        return super().tracked_blocks() + self.gone


@fault("KX-026")
class RemovesTooMuchAfterClearing(Hooked):
    """takes a block that a worker removes from everybody, once that worker was cleared and has stored again"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.cleared: set[Worker] = set()

    def clear(self, worker: Worker) -> None:
        self.cleared.add(worker)
        super().clear(worker)

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        others = [one for one in node.names if one != worker] if worker in self.cleared else []
        super().drop(worker, name, node)
        for other in others:
            super().drop(other, node.names[other], node)


@fault("KX-026")
class SplitsLoseAWorker(Hooked):
    """loses a worker's blocks behind a fork where three workers share what is before it"""

    def child(self, node: Node, local: int) -> Node:
        if local not in node.children and node.children and len(node.names) >= 3:
            first = next(iter(node.children.values()))
            for worker, name in list(first.names.items())[-1:]:
                super().drop(worker, name, first)
        return super().child(node, local)


@fault("KX-027")
class TheFirstOwns(Hooked):
    """lets the worker that stored a block first take it from the others when it removes it"""

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        is_owner = next(iter(node.names)) == worker
        others = [one for one in node.names if one != worker] if is_owner else []
        super().drop(worker, name, node)
        for other in others:
            super().drop(other, node.names[other], node)


@fault("KX-028")
class DropsOldIds(Hooked):
    """drops events whose id is not above the worker's last"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.last: dict[Worker, int] = {}

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        if inner["event_id"] > self.last.get(worker, -1):
            self.last[worker] = inner["event_id"]
            super().take(worker, inner)


@fault("KX-029")
class SharesItsTree(Hooked):
    """keeps its tree in the class"""

    _roots: dict[Identity, Node] = {}  # noqa: RUF012 - the fault
    _held: dict[Worker, dict[int, Node]] = {}  # noqa: RUF012

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.roots, self.held = self._roots, self._held


@fault("KX-030")
class WalksRecursively(Hooked):
    """matches by recursion"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        self.below(node, request, 0)
        return super().walk(node, request, *how)

    def below(self, node: Node | None, request: list[int], depth: int) -> int:
        child = node.children.get(request[depth]) if node is not None and depth < len(request) else None
        return depth if child is None else self.below(child, request, depth + 1)


@fault("KX-030")
class FreesRecursively(Hooked):
    """frees by recursion"""

    def free(self, node: Node) -> None:
        if node.parent is not None and not node.names and not node.children:
            del node.parent.children[node.local]
            self.free(node.parent)


@fault("KX-034")
class MatchesByNames(Hooked):
    """makes a request's sequence hashes by the recipe and looks for blocks of these names"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        names = list(recipe.sequence_hashes(request))
        return {
            worker: min(depth, sum(name in self.held[worker] for name in names))
            for worker, depth in super().walk(node, request, *how).items()
            if any(name in self.held[worker] for name in names)
        }


@fault("KX-035")
class OneTableOfNames(Hooked):
    """has one table of names for all workers"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.names: dict[int, Node] = {}

    def hold(self, worker: Worker, node: Node, name: int, tier: str) -> None:
        super().hold(worker, node, name, tier)
        self.names[name] = node

    def parent(self, worker: Worker, parent: int | None, identity: Any) -> Node | None:
        found = super().parent(worker, parent, identity)
        return found if found is None or parent is None else self.names[parent]


@fault("KX-036")
class FindsByLocalHash(Hooked):
    """finds what is removed by the local hash first, then by the sequence hash"""

    def remove(self, worker: Worker, names: Any, tier: str | None) -> None:
        by_local = {node.local: name for name, node in self.held.get(worker, {}).items()}
        super().remove(worker, [by_local.get(name, name) for name in names], tier)


@fault("KX-036")
class RequestsByEither(Hooked):
    """takes requests of sequence hashes too"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found = super().walk(node, request, *how)
        for worker, names in self.held.items():
            depth = next((depth for depth, one in enumerate(request) if one not in names), len(request))
            if depth > found.get(worker, 0):
                found[worker] = depth
        return found


@fault("KX-037")
class SmallPages(Hooked):
    """keeps depths in 8 bits"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        return {worker: depth & 0xFF or depth for worker, depth in super().walk(node, request, *how).items()}


@fault("KX-037")
class LosesAtTheEdge(Hooked):
    """forgets the name of a block that begins a new page of 64 when it comes alone"""

    def store(self, worker: Worker, stored: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        super().store(worker, stored, inner)
        name = stored["blocks"][0]["block_hash"]
        if (
            len(stored["blocks"]) == 1
            and self.held[worker][name].depth() % 64 == 1
            and stored["parent_hash"] is not None
        ):
            del self.held[worker][name]
