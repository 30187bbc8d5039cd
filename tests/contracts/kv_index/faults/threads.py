"""Threads: KX-070 to KX-072."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Node, Worker
from contracts.kv_index.modes import Hooked


class NoLock:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


@fault("KX-070")
class Unlocked(Hooked):
    """has no lock"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.lock = NoLock()


@fault("KX-070")
class ClearsUnlocked(Hooked):
    """takes workers out without the lock"""

    def remove_worker(self, worker_id: int) -> None:
        for worker in self.held.copy():
            if worker[0] == worker_id:
                for name in list(self.held.get(worker, {})):
                    self.remove(worker, [name], None)


@fault("KX-071")
class CachesStaleAnswers(Hooked):
    """drops its cached answers before an event is applied, and not after"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.answers: dict[tuple[int, ...], dict[Worker, int]] = {}

    def apply(self, event: Any) -> None:
        self.answers = {}
        super().apply(event)

    def remove_worker(self, worker_id: int) -> None:
        self.answers = {}
        super().remove_worker(worker_id)

    def find_matches(self, local_hashes: Sequence[int], **how: Any) -> dict[Worker, int]:
        found = self.answers.get(tuple(local_hashes))
        if found is None:
            found = self.answers[tuple(local_hashes)] = super().find_matches(local_hashes, **how)
        return dict(found)


@fault("KX-072")
class SplitsInPlace(Hooked):
    """takes a node's children away while it adds one, and asks without the lock"""

    def child(self, node: Node, local: int) -> Node:
        if local in node.children:
            return node.children[local]
        before = dict(node.children)
        node.children.clear()
        made = Node(local, node)
        node.children.update(before)
        node.children[local] = made
        return made

    def find_matches(self, local_hashes: Sequence[int], **how: Any) -> dict[Worker, int]:
        request = self.check_request(local_hashes)
        return self.walk(self.roots.get((None, None, None)), request, None, False)

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        found: dict[Worker, int] = {}
        for depth, local in enumerate(request, 1):
            node = node.children.get(local) if node is not None else None
            if node is None:
                break
            found |= {worker: depth for worker in list(node.names) if found.get(worker, 0) == depth - 1}
        return found
