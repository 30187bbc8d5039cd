"""An index whose every decision is a method, so that a fault is a line: a tree, and the names of each worker."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from contracts.kv_index.checking import checked_event, checked_hashes, checked_size
from trueup_contracts.errors import Closed
from trueup_contracts.kv_index import recipe

CLAIMS = (
    "dump early_exit find_matches_tokens memory nodes stats ttl tiers identity gap_state block_size opaque_hashes "
    "threads"
)
Worker = tuple[int, int]
Identity = tuple[Any, Any, Any]
PLAIN: Identity = (None, None, None)


class Node:
    """A block in the tree, with the workers that hold it: the name that each gives it, and the tiers."""

    def __init__(self, local: int, parent: Node | None) -> None:
        self.local = local
        self.parent = parent
        self.children: dict[int, Node] = {}
        self.names: dict[Worker, int] = {}
        self.tiers: dict[Worker, set[str]] = {}

    def depth(self) -> int:
        found, node = 0, self
        while node.parent is not None:
            found, node = found + 1, node.parent
        return found


class Core:
    """Correct as it stands; no approximate mode, and ids are not followed."""

    def __init__(self, block_size: int) -> None:
        self.block_size = self.check_size(block_size)
        self.lock: Any = threading.RLock()
        self.roots: dict[Identity, Node] = {}
        self.held: dict[Worker, dict[int, Node]] = {}
        self.unknown_parents = self.unknown_removals = 0
        self.is_closed = False

    # Checking.

    def check_size(self, block_size: Any) -> int:
        return checked_size(block_size)

    def check_event(self, event: Any) -> Mapping[str, Any]:
        return checked_event(event)

    def check_request(self, local_hashes: Any) -> list[int]:
        return checked_hashes(local_hashes)

    def check_open(self) -> None:
        if self.is_closed:
            raise Closed("the index is closed")

    def check_block_size(self, inner: Mapping[str, Any]) -> None:
        told = inner.get("block_size")
        if told is not None and told != self.block_size:
            raise ValueError(f"the event's blocks have {told} tokens, this index's have {self.block_size}")

    # Events.

    def apply(self, event: Any) -> None:
        self.check_open()
        checked = self.check_event(event)
        inner = checked["event"]
        self.check_block_size(inner)
        worker = self.worker(checked)
        with self.lock:
            self.take(worker, inner)

    def worker(self, event: Mapping[str, Any]) -> Worker:
        return event["worker_id"], event["event"]["dp_rank"]

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        data = inner["data"]
        if data == "cleared":
            self.clear(worker)
        elif "removed" in data:
            self.remove(worker, data["removed"]["block_hashes"], inner.get("tier"))
        else:
            self.store(worker, data["stored"], inner)

    def store(self, worker: Worker, stored: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        node = self.parent(worker, stored["parent_hash"], self.identity(inner.get("identity")))
        if node is None:
            self.unknown_parents += 1
            self.refuse_orphan(stored["parent_hash"])
            return
        names = self.held.setdefault(worker, {})
        tier = inner.get("tier", "gpu")
        for block in stored["blocks"]:
            name = self.named(block["block_hash"])
            old = names.get(name)
            if old is not None and old is not node.children.get(block["tokens_hash"]):
                break  # an ancestor, or another block of the same name
            node = self.child(node, block["tokens_hash"])
            self.hold(worker, node, name, tier)

    def refuse_orphan(self, parent: int) -> None:
        raise ValueError(f"the parent {parent:#x} is not held")

    def named(self, block_hash: int) -> int:
        return block_hash

    def identity(self, told: Mapping[str, Any] | None) -> Identity:
        fields = told or {}
        return fields.get("lora_name"), fields.get("cache_salt"), fields.get("group_idx")

    def parent(self, worker: Worker, parent: int | None, identity: Identity) -> Node | None:
        if self.is_root(parent):
            return self.roots.setdefault(identity, Node(0, None))
        assert parent is not None
        return self.held.get(worker, {}).get(self.named(parent))

    def is_root(self, parent: int | None) -> bool:
        return parent is None

    def child(self, node: Node, local: int) -> Node:
        found = node.children.get(local)
        if found is None:
            found = node.children[local] = Node(local, node)
        return found

    def hold(self, worker: Worker, node: Node, name: int, tier: str) -> None:
        node.names[worker] = name
        node.tiers.setdefault(worker, set()).add(tier)
        self.held[worker][name] = node

    def remove(self, worker: Worker, names: Iterable[int], tier: str | None) -> None:
        for told in names:
            name = self.named(told)
            node = self.held.get(worker, {}).get(name)
            if node is None or (tier is not None and tier not in node.tiers[worker]):
                self.not_held(worker, name)
                continue
            self.leave_tier(worker, node, tier)
            if not node.tiers[worker]:
                self.drop(worker, name, node)

    def leave_tier(self, worker: Worker, node: Node, tier: str | None) -> None:
        if tier is None:
            node.tiers[worker].clear()
        else:
            node.tiers[worker].discard(tier)

    def not_held(self, worker: Worker, name: int) -> None:
        self.unknown_removals += 1

    def drop(self, worker: Worker, name: int, node: Node) -> None:
        """This worker holds this block no more."""
        del self.held[worker][name]
        if not self.held[worker]:
            self.forget(worker)
        del node.names[worker], node.tiers[worker]
        self.free(node)

    def forget(self, worker: Worker) -> None:
        """It holds nothing any more."""
        del self.held[worker]

    def free(self, node: Node) -> None:
        """Detaches the node, and those before it, as far as nobody holds them and nothing hangs below."""
        while node.parent is not None and not node.names and not node.children:
            parent = node.parent
            del parent.children[node.local]
            node = parent
        if node.parent is None and not node.children:
            for identity in [one for one, root in self.roots.items() if root is node]:
                del self.roots[identity]

    def clear(self, worker: Worker) -> None:
        for name, node in list(self.held.get(worker, {}).items()):
            node.tiers[worker].clear()
            self.drop(worker, name, node)

    def remove_worker(self, worker_id: int) -> None:
        self.check_open()
        with self.lock:
            for worker in self.ranks(worker_id):
                self.clear(worker)

    def ranks(self, worker_id: int) -> list[Worker]:
        return [worker for worker in self.held if worker[0] == worker_id]

    # Asking.

    def find_matches(
        self,
        local_hashes: Sequence[int],
        *,
        early_exit: bool = False,
        tier: str | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> dict[Worker, int]:
        self.check_open()
        request = self.check_request(local_hashes)
        with self.lock:
            return self.walk(self.roots.get(self.identity(identity)), request, tier, early_exit)

    def walk(self, node: Node | None, request: list[int], tier: str | None, early_exit: bool) -> dict[Worker, int]:
        found: dict[Worker, int] = {}
        alive: set[Worker] | None = None
        for depth, local in enumerate(request, 1):
            node = node.children.get(local) if node is not None else None
            if node is None:
                break
            here = {worker for worker in node.names if self.counts(node, worker, tier)}
            alive = here if alive is None else alive & here
            if not alive:
                break
            found |= dict.fromkeys(alive, depth)
            if early_exit and len(alive) == 1:
                break
        return found

    def counts(self, node: Node, worker: Worker, tier: str | None) -> bool:
        return tier is None or tier in node.tiers[worker]

    recipe = recipe.NAME

    def local_hashes(self, tokens: Any, lora_name: str | None = None) -> list[int]:
        if not all(type(token) is int and 0 <= token < 1 << 32 for token in tokens):
            raise ValueError("a token is an integer of 32 bits")
        made = recipe.local_hashes(tokens, self.block_size)
        return made if lora_name is None else [one ^ hash_of(lora_name) for one in made]

    def find_matches_tokens(self, tokens: Sequence[int], lora_name: str | None = None) -> dict[Worker, int]:
        return self.find_matches(self.local_hashes(tokens, lora_name))

    def tracked_blocks(self) -> int:
        self.check_open()
        with self.lock:
            return sum(len(names) for names in self.held.values())

    def each_node(self) -> Iterator[Node]:
        left = list(self.roots.values())
        while left:
            node = left.pop()
            yield node
            left.extend(node.children.values())

    def nodes(self) -> int:
        with self.lock:
            return sum(1 for _ in self.each_node())

    def memory_bytes(self) -> int:
        with self.lock:
            return 400 * self.nodes() + 200 * self.tracked_blocks() + 300 * len(self.held)

    def stats(self) -> dict[str, int]:
        return {"unknown_parents": self.unknown_parents, "unknown_removals": self.unknown_removals}

    # Dumping.

    def dump(self) -> list[dict[str, Any]]:
        with self.lock:
            made: list[dict[str, Any]] = []
            for identity, root in self.roots.items():
                for worker in list(self.held):
                    made += self.dumped(worker, root, identity)
            return made

    def dumped(self, worker: Worker, root: Node, identity: Identity) -> Iterator[dict[str, Any]]:
        """Each block under its parent; one whose parent is not held under made-up blocks that are removed again."""
        ghosts: list[int] = []
        names: dict[int, int] = {}
        left = list(reversed(list(root.children.values())))
        while left:
            node = left.pop()
            left.extend(reversed(list(node.children.values())))
            name = node.names.get(worker)
            if name is None and not self.has_below(worker, node):
                continue
            if name is None:
                name = self.ghost(node, worker)
                ghosts.append(name)
            names[id(node)] = name
            parent = names[id(node.parent)] if node.parent is not root else None
            blocks = [{"block_hash": name, "tokens_hash": node.local}]
            for tier in sorted(node.tiers.get(worker, {"gpu"})):
                yield self.told(worker, {"stored": {"parent_hash": parent, "blocks": blocks}}, identity, tier)
        if ghosts:
            yield self.told(worker, {"removed": {"block_hashes": ghosts}}, identity, None)

    def has_below(self, worker: Worker, node: Node) -> bool:
        left = list(node.children.values())
        while left:
            one = left.pop()
            if worker in one.names:
                return True
            left.extend(one.children.values())
        return False

    def ghost(self, node: Node, worker: Worker) -> int:
        """A name for a block that this worker does not hold."""
        chain: list[int] = []
        one = node
        while one.parent is not None:
            chain.append(one.local)
            one = one.parent
        *_, made = recipe.sequence_hashes(reversed(chain))
        return made

    def told(self, worker: Worker, data: Any, identity: Identity, tier: str | None) -> dict[str, Any]:
        fields = dict(zip(("lora_name", "cache_salt", "group_idx"), identity, strict=True))
        beside: dict[str, Any] = {} if identity == PLAIN else {"identity": fields}
        if tier not in (None, "gpu"):
            beside["tier"] = tier
        return {"worker_id": worker[0], "event": {"event_id": 0, "dp_rank": worker[1], "data": data, **beside}}

    def close(self) -> None:
        self.is_closed = True


def hash_of(text: str) -> int:
    return recipe.local_hash([ord(letter) for letter in text])
