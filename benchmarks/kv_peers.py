"""What the reference's KV index is compared with: an index as one writes it down, twice.

Neither checks what it is given, locks, knows tiers or identities, or follows ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trueup_reference.kv_index import sequence_hashes

Worker = tuple[int, int]


class Node:
    """A block of the plain tree, as nodes look in SGLang's radix cache (`TreeNode`) and vLLM's production-stack
    (`src/vllm_router/prefix/hashtrie.py` at 35e4ad3, `TrieNode`), without their locks and times of use."""

    def __init__(self, parent: Node | None, local: int) -> None:
        self.parent = parent
        self.local = local
        self.children: dict[int, Node] = {}
        self.workers: set[Worker] = set()


class PlainTree:
    """A node for each block, with a dict of children and a set of workers; and for each worker a dict of its nodes."""

    def __init__(self, block_size: int) -> None:
        self.root = Node(None, 0)
        self.lookup: dict[Worker, dict[int, Node]] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        inner = event["event"]
        worker = (event["worker_id"], inner["dp_rank"])
        data = inner["data"]
        if data == "cleared":
            for node in self.lookup.pop(worker, {}).values():
                self._take(node, worker)
        elif "stored" in data:
            lookup = self.lookup.setdefault(worker, {})
            parent = data["stored"]["parent_hash"]
            node = self.root if parent is None else lookup[parent]
            for block in data["stored"]["blocks"]:
                local = block["tokens_hash"]
                child = node.children.get(local)
                if child is None:
                    child = node.children[local] = Node(node, local)
                child.workers.add(worker)
                lookup[block["block_hash"]] = child
                node = child
        else:
            lookup = self.lookup.get(worker, {})
            for name in data["removed"]["block_hashes"]:
                found = lookup.pop(name, None)
                if found is not None:
                    self._take(found, worker)

    def _take(self, node: Node, worker: Worker) -> None:
        node.workers.discard(worker)
        while not node.workers and not node.children and node.parent is not None:
            parent = node.parent
            if parent.children.get(node.local) is node:
                del parent.children[node.local]
            node = parent

    def find_matches(self, local_hashes: Sequence[int]) -> dict[Worker, int]:
        depths: dict[Worker, int] = {}
        node = self.root
        active: set[Worker] = set()
        depth = 0
        for local in local_hashes:
            child = node.children.get(local)
            if child is None:
                break
            staying = active & child.workers if depth else child.workers
            if len(staying) < len(active):
                for worker in active - staying:
                    depths[worker] = depth
            if not staying:
                return depths
            active = staying
            node = child
            depth += 1
        for worker in active:
            depths[worker] = depth
        return depths


class Dictionary:
    """Of each sequence hash the workers that hold it; a request's sequence hashes are made anew for each question."""

    def __init__(self, block_size: int) -> None:
        self.workers: dict[int, set[Worker]] = {}
        self.names: dict[Worker, set[int]] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        inner = event["event"]
        worker = (event["worker_id"], inner["dp_rank"])
        data = inner["data"]
        names = self.names.setdefault(worker, set())
        if data == "cleared":
            for name in names:
                self._take(name, worker)
            names.clear()
        elif "stored" in data:
            for block in data["stored"]["blocks"]:
                name = block["block_hash"]
                names.add(name)
                self.workers.setdefault(name, set()).add(worker)
        else:
            for name in data["removed"]["block_hashes"]:
                if name in names:
                    names.discard(name)
                    self._take(name, worker)

    def _take(self, name: int, worker: Worker) -> None:
        holders = self.workers[name]
        holders.discard(worker)
        if not holders:
            del self.workers[name]

    def find_matches(self, local_hashes: Sequence[int]) -> dict[Worker, int]:
        depths: dict[Worker, int] = {}
        active: set[Worker] = set()
        depth = 0
        for name in sequence_hashes(local_hashes):
            holders = self.workers.get(name)
            staying = set() if holders is None else holders & active if depth else holders
            if len(staying) < len(active):
                for worker in active - staying:
                    depths[worker] = depth
            if not staying:
                return depths
            active = staying
            depth += 1
        for worker in active:
            depths[worker] = depth
        return depths
