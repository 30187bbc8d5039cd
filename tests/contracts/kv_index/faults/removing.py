"""What goes, and whose: KX-012 to KX-021, KX-032 and KX-050 to KX-053."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Node, Worker
from contracts.kv_index.modes import Hooked


def behind(node: Node, worker: Worker) -> list[tuple[int, Node]]:
    """What the worker holds behind a block."""
    found, left = [], list(node.children.values())
    while left:
        one = left.pop()
        left.extend(one.children.values())
        if worker in one.names:
            found.append((one.names[worker], one))
    return found


@fault("KX-012")
class RemovesForAll(Hooked):
    """takes a removed block from every worker"""

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        for other in list(node.names):
            super().drop(other, node.names[other], node)


@fault("KX-012")
class FreesWithItsLastBlock(Hooked):
    """frees the node of a worker's last block while another worker still holds it"""

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        is_last = len(self.held[worker]) == 1
        super().drop(worker, name, node)
        if is_last and node.parent is not None:
            node.parent.children.pop(node.local, None)


@fault("KX-013")
class PhantomEntries(Hooked):
    """leaves an entry in the look-up for a removal that finds nothing"""

    def not_held(self, worker: Worker, name: int) -> None:
        super().not_held(worker, name)
        self.held.setdefault(worker, {})[-1 - name] = Node(0, None)

    def clear(self, worker: Worker) -> None:
        self.held[worker] = {name: node for name, node in self.held.get(worker, {}).items() if name >= 0}
        super().clear(worker)
        self.held.pop(worker, None)


@fault("KX-013")
class RemovalsStop(Hooked):
    """stops at the first block of a removal that is not held"""

    def remove(self, worker: Worker, names: Any, tier: str | None) -> None:
        for name in names:
            if name not in self.held.get(worker, {}):
                self.unknown_removals += 1
                return
            super().remove(worker, [name], tier)


@fault("KX-014")
class RemovesTheWholeChain(Hooked):
    """removes what stands before a block with it"""

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        before = node.parent
        super().drop(worker, name, node)
        while before is not None and worker in before.names:
            super().drop(worker, before.names[worker], before)
            before = before.parent


@fault("KX-015")
class ChildrenDangle(Hooked):
    """forgets a removed block's children in the look-up, and leaves them in the tree"""

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        children = behind(node, worker)
        super().drop(worker, name, node)
        for one, _ in children:
            self.held.get(worker, {}).pop(one, None)


@fault("KX-015")
class OneOfAnEvent(Hooked):
    """takes the parent's removal for that of its child, if both stand in one event"""

    def remove(self, worker: Worker, names: Any, tier: str | None) -> None:
        nodes = {name: self.held.get(worker, {}).get(name) for name in names}
        parents = {id(node) for node in nodes.values() if node is not None}
        super().remove(
            worker,
            [name for name, node in nodes.items() if node is None or len(names) < 3 or id(node.parent) not in parents],
            tier,
        )


@fault("KX-016")
class SkipsWhatEndsInAHeldBlock(Hooked):
    """skips a store whose last block is held, since what is before it must be there too"""

    def store(self, worker: Worker, stored: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        if stored["blocks"][-1]["block_hash"] not in self.held.get(worker, {}):
            super().store(worker, stored, inner)


@fault("KX-017")
class IgnoresCleared(Hooked):
    """does nothing when a worker is cleared"""

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        if inner["data"] != "cleared":
            super().take(worker, inner)


@fault("KX-017")
class ClearsAll(Hooked):
    """clears every worker"""

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        for one in list(self.held) if inner["data"] == "cleared" else [worker]:
            super().take(one, inner)


@fault("KX-018")
class OldParents(Hooked):
    """knows parents from before a worker was cleared"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.old: dict[Worker, dict[int, Node]] = {}

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        if inner["data"] == "cleared":
            self.old[worker] = dict(self.held.get(worker, {}))
        super().take(worker, inner)

    def parent(self, worker: Worker, parent: int | None, identity: Any) -> Node | None:
        found = super().parent(worker, parent, identity)
        return found if found is not None or parent is None else self.old.get(worker, {}).get(parent)


@fault("KX-019")
class RemovesRankZero(Hooked):
    """takes out rank 0 of a worker alone"""

    def ranks(self, worker_id: int) -> list[Worker]:
        return [worker for worker in super().ranks(worker_id) if worker[1] == 0]


@fault("KX-020")
class Hides(Hooked):
    """hides a worker that was taken out, and shows it again with its next event"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.hidden: set[int] = set()

    def remove_worker(self, worker_id: int) -> None:
        self.hidden.add(worker_id)

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        self.hidden.discard(worker[0])
        super().take(worker, inner)

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found = super().walk(node, request, *how)
        return {worker: depth for worker, depth in found.items() if worker[0] not in self.hidden}

    def tracked_blocks(self) -> int:
        return sum(len(names) for worker, names in self.held.items() if worker[0] not in self.hidden)


@fault("KX-021")
class MissesStrangers(Hooked):
    """fails where a worker is taken out that it never heard of"""

    def ranks(self, worker_id: int) -> list[Worker]:
        found = super().ranks(worker_id)
        if not found:
            raise KeyError(worker_id)
        return found


@fault("KX-032")
class RepairsForOthers(Hooked):
    """gives a block back to all who ever held it when one stores it again"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.before: dict[int, set[Worker]] = {}

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        self.before.setdefault(name, set()).add(worker)
        super().drop(worker, name, node)

    def hold(self, worker: Worker, node: Node, name: int, tier: str) -> None:
        super().hold(worker, node, name, tier)
        for other in self.before.pop(name, set()):
            self.held.setdefault(other, {})
            super().hold(other, node, name, tier)


@fault("KX-050")
class DropsWhatIsBehind(Hooked):
    """drops everything behind a removed block"""

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        children = behind(node, worker)
        super().drop(worker, name, node)
        for one, child in children:
            super().drop(worker, one, child)


@fault("KX-051")
class RefusesBelowGaps(Hooked):
    """refuses a store below a block that no match reaches"""

    def parent(self, worker: Worker, parent: int | None, identity: Any) -> Node | None:
        found = super().parent(worker, parent, identity)
        node = found
        while node is not None and node.parent is not None:
            if worker not in node.names:
                return None
            node = node.parent
        return found


@fault("KX-052")
class ClearsAllRanks(Hooked):
    """clears all ranks of a worker without saying so"""

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        for one in self.ranks(worker[0]) or [worker] if inner["data"] == "cleared" else [worker]:
            super().take(one, inner)


@fault("KX-053")
class DropsBehindTwo(Hooked):
    """drops what is behind removed blocks where an event removes two or more"""

    def remove(self, worker: Worker, names: Any, tier: str | None) -> None:
        nodes = [self.held.get(worker, {}).get(name) for name in names]
        children = [one for node in nodes if node is not None for one in behind(node, worker)]
        super().remove(worker, names, tier)
        for name, child in children if len(names) > 1 else ():
            if name in self.held.get(worker, {}):
                super().drop(worker, name, child)
