"""What a request is told: KX-001 to KX-009, KX-031."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Node, Worker
from contracts.kv_index.modes import Hooked


@fault("KX-001")
class OneShort(Hooked):
    """leaves out the last block of a request, as if it were not full"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        return super().walk(node, request[: max(1, len(request) - 1)], *how)


@fault("KX-001")
class AllAsDeepAsTheDeepest(Hooked):
    """gives every worker on the path the depth of the deepest"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found = super().walk(node, request, *how)
        return dict.fromkeys(found, max(found.values(), default=0))


@fault("KX-002")
class TellsZeros(Hooked):
    """tells depth 0 of every worker that it has heard of"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        return {**dict.fromkeys(self.held, 0), **super().walk(node, request, *how)}


@fault("KX-002")
class EmptyMatchesAll(Hooked):
    """lets an empty request match every worker"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        return super().walk(node, request, *how) if request else dict.fromkeys(self.held, 0)


@fault("KX-003")
class WeighsTiers(Hooked):
    """answers a score of blocks weighted by their tiers for a number of blocks"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found = super().walk(node, request, *how)
        scores: dict[Worker, Any] = {}
        for worker, depth in found.items():
            blocks = list(self.held[worker].values())
            tiers = sum(len(block.tiers[worker]) for block in blocks) / len(blocks)
            scores[worker] = depth * tiers if tiers > 1 else depth
        return scores


@fault("KX-003")
class TellsTheWholeChain(Hooked):
    """tells how deep the worker's chain goes, beyond the request too"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found = super().walk(node, request, *how)
        return {worker: max(found[worker], *(one.depth() for one in self.held[worker].values())) for worker in found}


@fault("KX-004")
class CountsAnywhere(Hooked):
    """counts the request's blocks that the worker holds, wherever they stand"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        counts = {
            worker: sum(any(one.local == local for one in names.values()) for local in request)
            for worker, names in self.held.items()
        }
        return {worker: count for worker, count in counts.items() if count}


@fault("KX-004")
class SkipsMissing(Hooked):
    """goes on behind a block that is not there"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        known: list[int] = []
        for local in request:
            if (
                super().walk(node, [*known, local], *how).values()
                and len(known) + 1 in super().walk(node, [*known, local], *how).values()
            ):
                known.append(local)
        return super().walk(node, known, *how)


@fault("KX-005")
class ByLocalHash(Hooked):
    """has one block for a local hash, whatever stands before it"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.blocks: dict[int, Node] = {}

    def child(self, node: Node, local: int) -> Node:
        found = self.blocks.setdefault(local, Node(local, node))
        node.children[local] = found
        return found

    def free(self, node: Node) -> None:
        if not node.names:
            self.blocks.pop(node.local, None)


@fault("KX-006")
class OneChild(Hooked):
    """keeps the newest branch alone"""

    def child(self, node: Node, local: int) -> Node:
        if node.parent is not None and local not in node.children:
            for old in node.children.values():
                for worker in list(old.names):
                    self.held[worker].pop(old.names[worker])
            node.children.clear()
        return super().child(node, local)


@fault("KX-007")
class CountsDuplicates(Hooked):
    """counts a block each time that it is stored"""

    stored = 0

    def hold(self, worker: Worker, node: Node, name: int, tier: str) -> None:
        self.stored += name in self.held[worker]
        super().hold(worker, node, name, tier)

    def tracked_blocks(self) -> int:
        return super().tracked_blocks() + self.stored


@fault("KX-007")
class DuplicatesCut(Hooked):
    """takes a chain that is stored again for all of it: what hung behind is gone"""

    def store(self, worker: Worker, stored: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        names = self.held.get(worker, {})
        node = names.get(stored["blocks"][-1]["block_hash"])
        super().store(worker, stored, inner)
        for child in list(node.children.values()) if node is not None else ():
            if worker in child.names:
                self.remove(worker, [child.names[worker]], None)


@fault("KX-008")
class CountsReferences(Hooked):
    """counts how often a block was stored, and frees it after as many removals"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.references: dict[tuple[Worker, int], int] = {}

    def hold(self, worker: Worker, node: Node, name: int, tier: str) -> None:
        self.references[worker, name] = self.references.get((worker, name), 0) + 1
        super().hold(worker, node, name, tier)

    def leave_tier(self, worker: Worker, node: Node, tier: str | None) -> None:
        name = node.names[worker]
        self.references[worker, name] -= 1
        if not self.references[worker, name]:
            super().leave_tier(worker, node, tier)


@fault("KX-009")
class ParentByLocalHash(Hooked):
    """takes the first block with the parent's local hash for the parent"""

    def parent(self, worker: Worker, parent: int | None, identity: Any) -> Node | None:
        found = super().parent(worker, parent, identity)
        if found is None or found.parent is None:
            return found
        return next(one for one in self.held[worker].values() if one.local == found.local)


@fault("KX-009")
class FlatParents(Hooked):
    """hangs what is stored below a deep parent at the first block of its chain"""

    def parent(self, worker: Worker, parent: int | None, identity: Any) -> Node | None:
        found = super().parent(worker, parent, identity)
        while found is not None and found.depth() > 1:
            found = found.parent
        return found


@fault("KX-031")
class AskingAdds(Hooked):
    """assumes that the best worker will hold what it was asked for"""

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found = super().walk(node, request, *how)
        if found and max(found.values()) == len(request) - 1 > 2:
            best = max(found, key=lambda worker: found[worker])
            last = node
            for local in request:
                assert last is not None
                last = self.child(last, local)
            assert last is not None
            self.hold(best, last, request[-1], "gpu")
        return found


@fault("KX-033")
class LosesTheParentInAnEvent(Hooked):
    """hangs the third and later blocks of an event below its second"""

    def store(self, worker: Worker, stored: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        blocks = stored["blocks"]
        super().store(worker, {**stored, "blocks": blocks[:2]}, inner)
        for block in blocks[2:]:
            super().store(worker, {"parent_hash": blocks[1]["block_hash"], "blocks": [block]}, inner)
