"""Correct indexes of other constructions: a compressed tree, a map by position, and a dictionary of prefixes."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.kv_index.checking import checked_event, checked_hashes, checked_size
from trueup_contracts.errors import Closed
from trueup_contracts.kv_index import recipe

Worker = tuple[int, int]


class Base:
    """What all of them do alike: checking, and telling events apart. One lock around everything."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, block_size: int) -> None:
        self.block_size = checked_size(block_size)
        self.lock = threading.Lock()
        self.is_closed = False
        self.held: dict[Worker, dict[int, Any]] = {}  # name to the place of the block

    def apply(self, event: Any) -> None:
        self.check_open()
        checked = checked_event(event)
        worker, data = (checked["worker_id"], checked["event"]["dp_rank"]), checked["event"]["data"]
        with self.lock:
            if data == "cleared":
                self.clear(worker)
            elif "removed" in data:
                for name in data["removed"]["block_hashes"]:
                    self.remove(worker, name)
            else:
                parent = data["stored"]["parent_hash"]
                if parent is not None and parent not in self.held.get(worker, {}):
                    raise ValueError(f"{parent:#x} is not held")
                self.store(worker, parent, data["stored"]["blocks"])

    def store(self, worker: Worker, parent: int | None, blocks: Sequence[Mapping[str, int]]) -> None:
        raise NotImplementedError

    def drop(self, worker: Worker, name: int) -> None:
        """Takes the worker from a block that it holds."""
        raise NotImplementedError

    def depths(self, request: list[int]) -> dict[Worker, int]:
        raise NotImplementedError

    def remove(self, worker: Worker, name: int) -> None:
        if name in self.held.get(worker, {}):
            self.drop(worker, name)
            if not self.held[worker]:
                del self.held[worker]

    def clear(self, worker: Worker) -> None:
        for name in list(self.held.get(worker, {})):
            self.remove(worker, name)

    def remove_worker(self, worker_id: int) -> None:
        self.check_open()
        with self.lock:
            for worker in [one for one in self.held if one[0] == worker_id]:
                self.clear(worker)

    def find_matches(self, local_hashes: Sequence[int]) -> Any:
        self.check_open()
        request = checked_hashes(local_hashes)
        with self.lock:
            return self.depths(request)

    def tracked_blocks(self) -> int:
        self.check_open()
        with self.lock:
            return sum(map(len, self.held.values()))

    def check_open(self) -> None:
        if self.is_closed:
            raise Closed("the index is closed")

    def close(self) -> None:
        self.is_closed = True


class Run:
    """A node of the compressed tree: blocks in a row, and for each worker the names of those that it holds."""

    def __init__(self, parent: Run | None, locals_: list[int]) -> None:
        self.parent = parent
        self.locals = locals_
        self.children: dict[int, Run] = {}
        self.names: dict[Worker, dict[int, int]] = {}  # place in the run to name


class Compressed(Base):
    """A radix tree with path compression. Places are (run, number within it)."""

    capabilities = frozenset({"opaque_hashes", "threads", "nodes"})

    def __init__(self, block_size: int) -> None:
        super().__init__(block_size)
        self.root = Run(None, [])

    def store(self, worker: Worker, parent: int | None, blocks: Sequence[Mapping[str, int]]) -> None:
        names = self.held.setdefault(worker, {})
        run, place = (self.root, -1) if parent is None else names[parent]
        for block in blocks:
            old = names.get(block["block_hash"])
            run, place = self.step(run, place, block["tokens_hash"])
            if old is not None and (old[0] is not run or old[1] != place):
                return  # an ancestor, which is somewhere else already
            run.names.setdefault(worker, {})[place] = block["block_hash"]
            names[block["block_hash"]] = (run, place)

    def step(self, run: Run, place: int, local: int) -> tuple[Run, int]:
        """Where this block stands behind a place; made where it is not there."""
        if place + 1 < len(run.locals):
            if run.locals[place + 1] == local:
                return run, place + 1
            self.split(run, place + 1)
        child = run.children.get(local)
        if child is None:
            if run is not self.root and not run.children:
                run.locals.append(local)
                return run, place + 1
            child = run.children[local] = Run(run, [local])
        return child, 0

    def split(self, run: Run, at: int) -> None:
        """The blocks from `at` on become a run of their own."""
        tail = Run(run, run.locals[at:])
        tail.children, run.children = run.children, {tail.locals[0]: tail}
        for child in tail.children.values():
            child.parent = tail
        del run.locals[at:]
        for worker, names in list(run.names.items()):
            moved = {place - at: name for place, name in names.items() if place >= at}
            if moved:
                tail.names[worker] = moved
                run.names[worker] = {place: name for place, name in names.items() if place < at}
                self.held[worker] |= {name: (tail, place) for place, name in moved.items()}
            if not run.names[worker]:
                del run.names[worker]

    def drop(self, worker: Worker, name: int) -> None:
        run, place = self.held[worker].pop(name)
        del run.names[worker][place]
        if not run.names[worker]:
            del run.names[worker]
        while run.parent is not None and not run.names and not run.children:
            del run.parent.children[run.locals[0]]
            run = run.parent

    def depths(self, request: list[int]) -> dict[Worker, int]:
        found: dict[Worker, int] = {}
        run, start = self.root, 0
        alive: set[Worker] | None = None
        while start < len(request):
            child = run.children.get(request[start])
            if child is None:
                break
            length = 0
            for local, asked in zip(child.locals, request[start:], strict=False):
                if local != asked:
                    break
                length += 1
            reaching = {worker: self.leading(names, length) for worker, names in child.names.items()}
            for worker, depth in reaching.items():
                if depth and (alive is None or worker in alive):
                    found[worker] = start + depth
            alive = {one for one, depth in reaching.items() if depth == length and (alive is None or one in alive)}
            if length < len(child.locals) or not alive:
                break
            run, start = child, start + length
        return found

    @staticmethod
    def leading(names: Mapping[int, int], most: int) -> int:
        return next((place for place in range(most) if place not in names), most)

    def nodes(self) -> int:
        left, count = [self.root], 0
        while left:
            run = left.pop()
            count += 1
            left.extend(run.children.values())
        return count


class ByPosition(Base):
    """A map for each position from the recipe's sequence hash to the workers that hold it.

    It finds a request's blocks by making their sequence hashes: engines that make other ones are not understood.
    """

    capabilities = frozenset({"threads", "find_matches_tokens"})
    recipe = recipe.NAME

    def __init__(self, block_size: int) -> None:
        super().__init__(block_size)
        self.levels: list[dict[int, set[Worker]]] = []

    def store(self, worker: Worker, parent: int | None, blocks: Sequence[Mapping[str, int]]) -> None:
        names = self.held.setdefault(worker, {})
        first = 0 if parent is None else names[parent] + 1
        for position, block in enumerate(blocks, first):
            name = block["block_hash"]
            if names.get(name, position) != position:
                return  # an ancestor
            while len(self.levels) <= position:
                self.levels.append({})
            self.levels[position].setdefault(name, set()).add(worker)
            names[name] = position

    def drop(self, worker: Worker, name: int) -> None:
        level = self.levels[self.held[worker].pop(name)]
        level[name].remove(worker)
        if not level[name]:
            del level[name]
        while self.levels and not self.levels[-1]:
            self.levels.pop()

    def depths(self, request: list[int]) -> dict[Worker, int]:
        found: dict[Worker, int] = {}
        for position, name in enumerate(recipe.sequence_hashes(request)):
            here = self.levels[position].get(name, set()) if position < len(self.levels) else set()
            here = {worker for worker in here if found.get(worker, 0) == position}
            if not here:
                break
            found |= dict.fromkeys(here, position + 1)
        return found

    def find_matches_tokens(self, tokens: Sequence[int], lora_name: str | None = None) -> dict[Worker, int]:
        if lora_name is not None:
            raise ValueError("adapters are not supported")
        if not all(type(token) is int and 0 <= token < 1 << 32 for token in tokens):
            raise ValueError("a token is an integer of 32 bits")
        return self.depths(recipe.local_hashes(tokens, self.block_size))


class Prefixes(Base):
    """A dictionary from a prefix, by a digest of its own, to the workers that hold its last block. Tells lists.

    Of a worker that is cleared all ranks are. What stood behind a removed block is forgotten.
    """

    capabilities = frozenset({"opaque_hashes", "clears_all_ranks", "threads"})

    def __init__(self, block_size: int) -> None:
        super().__init__(block_size)
        self.prefixes: dict[bytes, set[Worker]] = {}
        self.children: dict[tuple[Worker, bytes], dict[bytes, int]] = {}

    @staticmethod
    def digest(before: bytes, local: int) -> bytes:
        return hashlib.blake2b(before + local.to_bytes(8, "big"), digest_size=16).digest()

    def store(self, worker: Worker, parent: int | None, blocks: Sequence[Mapping[str, int]]) -> None:
        names = self.held.setdefault(worker, {})
        before = b"" if parent is None else names[parent][0]
        for block in blocks:
            prefix, name = self.digest(before, block["tokens_hash"]), block["block_hash"]
            if name in names and names[name][0] != prefix:
                return
            names[name] = (prefix, before)
            self.prefixes.setdefault(prefix, set()).add(worker)
            self.children.setdefault((worker, before), {})[prefix] = name
            before = prefix

    def drop(self, worker: Worker, name: int) -> None:
        left = [name]
        while left:
            prefix, before = self.held[worker].pop(left.pop())
            left.extend(self.children.get((worker, prefix), {}).values())
            siblings = self.children[worker, before]
            del siblings[prefix]
            if not siblings:
                del self.children[worker, before]
            self.prefixes[prefix].remove(worker)
            if not self.prefixes[prefix]:
                del self.prefixes[prefix]

    def clear(self, worker: Worker) -> None:
        for one in [one for one in self.held if one[0] == worker[0]]:
            super().clear(one)

    def depths(self, request: list[int]) -> Any:
        found: dict[Worker, int] = {}
        for depth, prefix in enumerate(self.each(request), 1):
            here = {worker for worker in self.prefixes.get(prefix, set()) if found.get(worker, 0) == depth - 1}
            found |= dict.fromkeys(here, depth)
            if not here:
                break
        return [{"worker_id": one[0], "dp_rank": one[1], "depth": depth} for one, depth in found.items()]

    def each(self, request: list[int]) -> Iterator[bytes]:
        prefix = b""
        for local in request:
            prefix = self.digest(prefix, local)
            yield prefix


OTHERS: list[type[Base]] = [Compressed, ByPosition, Prefixes]
# What they do not do: blocks behind a removed one are gone.
LACKS = {"Prefixes": {"KX-050", "KX-051", "KX-053"}}
