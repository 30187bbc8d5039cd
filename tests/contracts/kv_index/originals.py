"""Models of indexes in the field, written from their behaviour. What they break of MUST stands in `BREAKS`.

`DynamoTree`: ai-dynamo/dynamo, `RadixTree` of `lib/llm/src/kv_router/indexer.rs` as it first knew ranks. A node for
each block, found by each worker's table of names; a depth is how many blocks on the way the worker holds; a removal
stops at the first name that it does not know; a node without workers loses its children and stays (#11678).
`DynamoTreeLater`: the same with removals that go on, as later versions do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.kv_index.checking import checked_event, checked_hashes, checked_size

Worker = tuple[int, int]


class Block:
    def __init__(self) -> None:
        self.children: dict[int, Block] = {}
        self.workers: dict[Worker, int] = {}


class DynamoTree:
    capabilities = frozenset({"early_exit", "opaque_hashes", "clears_all_ranks"})

    def __init__(self, block_size: int) -> None:
        checked_size(block_size)
        self.root = Block()
        self.lookup: dict[Worker, dict[int, Block]] = {}

    def apply(self, event: Any) -> None:
        inner = checked_event(event)["event"]
        worker, data = (event["worker_id"], inner["dp_rank"]), inner["data"]
        names = self.lookup.setdefault(worker, {})
        if data == "cleared":
            self.clear(worker[0], keeps=True)
        elif "removed" in data:
            for name in data["removed"]["block_hashes"]:
                if name not in names:
                    if self.stops():
                        raise ValueError(f"no block {name:#x}")
                    continue
                self.free(names.pop(name), worker)
        else:
            self.store(worker, names, data["stored"])

    def stops(self) -> bool:
        return True

    def store(self, worker: Worker, names: dict[int, Block], stored: Mapping[str, Any]) -> None:
        block = self.root
        if stored["parent_hash"] is not None:
            if stored["parent_hash"] not in names:
                raise ValueError(f"no parent {stored['parent_hash']:#x}")
            block = names[stored["parent_hash"]]
        above = {id(block)}
        for told in stored["blocks"]:
            child = block.children.get(told["tokens_hash"])
            if child is None:
                child = block.children[told["tokens_hash"]] = names.get(told["block_hash"]) or Block()
            if id(child) in above:
                raise ValueError("a cycle")
            above.add(id(child))
            child.workers[worker] = told["block_hash"]
            names[told["block_hash"]] = child
            block = child

    def free(self, block: Block, worker: Worker) -> None:
        block.workers.pop(worker, None)
        if not block.workers:
            block.children.clear()

    def clear(self, worker_id: int, *, keeps: bool) -> None:
        for worker in [worker for worker in self.lookup if worker[0] == worker_id]:
            for block in self.lookup.pop(worker).values():
                self.free(block, worker)
            if keeps:
                self.lookup[worker] = {}

    def remove_worker(self, worker_id: int) -> None:
        self.clear(worker_id, keeps=False)

    def find_matches(self, local_hashes: Sequence[int], *, early_exit: bool = False) -> dict[Worker, int]:
        scores: dict[Worker, int] = {}
        block = self.root
        for local in checked_hashes(local_hashes):
            found = block.children.get(local)
            if found is None:
                break
            block = found
            for worker in block.workers:
                scores[worker] = scores.get(worker, 0) + 1
            if early_exit and len(block.workers) == 1:
                break
        return scores

    def tracked_blocks(self) -> int:
        return sum(map(len, self.lookup.values()))

    def close(self) -> None:
        """Rust drops it."""


class DynamoTreeLater(DynamoTree):
    def stops(self) -> bool:
        return False


ORIGINALS: list[type[DynamoTree]] = [DynamoTree, DynamoTreeLater]
BREAKS: dict[str, set[str]] = {"DynamoTree": {"KX-013"}, "DynamoTreeLater": set()}
