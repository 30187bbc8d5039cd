"""What capabilities bring: KX-040 to KX-048, KX-063, KX-064, KX-110 to KX-116."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import xxhash

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Identity, Node, Worker
from contracts.kv_index.modes import Hooked
from trueup_contracts.kv_index import recipe


@fault("KX-040")
class DumpsRankZero(Hooked):
    """dumps every worker under rank 0"""

    def told(self, worker: Worker, data: Any, identity: Identity, tier: str | None) -> dict[str, Any]:
        return super().told((worker[0], 0), data, identity, tier)


@fault("KX-040")
class DumpsChildrenFirst(Hooked):
    """dumps children before their parents"""

    def dump(self) -> list[dict[str, Any]]:
        return super().dump()[::-1]


@fault("KX-040")
class DumpsItsOwnNames(Hooked):
    """dumps names that it made itself"""

    def dump(self) -> list[dict[str, Any]]:
        made = super().dump()
        for event in made:
            for block in event["event"]["data"].get("stored", {}).get("blocks", ()):
                block["block_hash"] ^= 1
            stored = event["event"]["data"].get("stored")
            if stored is not None and stored["parent_hash"] is not None:
                stored["parent_hash"] ^= 1
        return made


@fault("KX-041")
class DumpsWhatIsReached(Hooked):
    """dumps only what a match reaches"""

    def dumped(self, worker: Worker, root: Node, identity: Identity) -> Iterator[dict[str, Any]]:
        reached: list[int] = []
        left = list(root.children.values())
        while left:
            node = left.pop()
            if worker in node.names:
                reached.append(node.names[worker])
                left.extend(node.children.values())
        for event in super().dumped(worker, root, identity):
            stored = event["event"]["data"].get("stored")
            if stored is not None and stored["blocks"][0]["block_hash"] in reached:
                yield event


@fault("KX-042")
class ExitsAtOnce(Hooked):
    """with early_exit stops at the first block that it finds"""

    def walk(self, node: Node | None, request: list[int], tier: str | None, early_exit: bool) -> dict[Worker, int]:
        return super().walk(node, request[:1] if early_exit else request, tier, early_exit)


@fault("KX-042")
class ExitsWithOne(Hooked):
    """with early_exit answers the first of the deepest alone"""

    def walk(self, node: Node | None, request: list[int], tier: str | None, early_exit: bool) -> dict[Worker, int]:
        found = super().walk(node, request, tier, early_exit)
        if not early_exit or not found:
            return found
        best = max(found, key=lambda worker: found[worker])
        return {best: found[best]}


@fault("KX-045")
class BigEndian(Hooked):
    """hashes tokens as big-endian"""

    def local_hashes(self, tokens: Any, lora_name: str | None = None) -> list[int]:
        super().local_hashes(tokens, lora_name)
        return [self.hashed(tokens[at : at + self.block_size]) for at in self.starts(tokens)]

    def starts(self, tokens: Any) -> range:
        return range(0, len(tokens) - self.block_size + 1, self.block_size)

    def hashed(self, block: Any) -> int:
        return xxhash.xxh3_64_intdigest(struct.pack(f">{len(block)}I", *block), recipe.SEED)


@fault("KX-045")
class WithoutASeed(BigEndian):
    """hashes tokens without a seed"""

    def hashed(self, block: Any) -> int:
        return xxhash.xxh3_64_intdigest(struct.pack(f"<{len(block)}I", *block))


@fault("KX-046")
class CountsTheRest(Hooked):
    """hashes the tokens behind the last full block too"""

    def local_hashes(self, tokens: Any, lora_name: str | None = None) -> list[int]:
        rest = tokens[len(tokens) // self.block_size * self.block_size :]
        return [*super().local_hashes(tokens, lora_name), *([recipe.local_hash(rest)] if rest else [])]


@fault("KX-046")
class LosesTheLastBlock(Hooked):
    """leaves out the last block though it is full"""

    def local_hashes(self, tokens: Any, lora_name: str | None = None) -> list[int]:
        return super().local_hashes(tokens[: max(0, (len(tokens) - 1) // self.block_size * self.block_size)], lora_name)


@fault("KX-047")
class CutsTokens(Hooked):
    """cuts tokens to 32 bits"""

    def local_hashes(self, tokens: Any, lora_name: str | None = None) -> list[int]:
        return super().local_hashes([one & 0xFFFFFFFF if type(one) is int else one for one in tokens], lora_name)


@fault("KX-048")
class IgnoresAdapters(Hooked):
    """ignores the adapter"""

    def local_hashes(self, tokens: Any, lora_name: str | None = None) -> list[int]:
        return super().local_hashes(tokens)


@fault("KX-063")
class MostEver(Hooked):
    """accounts for the most memory that it ever held"""

    most = 0

    def memory_bytes(self) -> int:
        self.most = max(self.most, super().memory_bytes())
        return self.most


@fault("KX-063")
class LeavesOutTheTree(Hooked):
    """accounts for its table of workers alone"""

    def memory_bytes(self) -> int:
        return 300 * len(self.held)

    def forget(self, worker: Worker) -> None:
        """An account of entries that stay."""


@fault("KX-110")
class IgnoresTheBlockSize(Hooked):
    """takes events of any block size"""

    def check_block_size(self, inner: Mapping[str, Any]) -> None:
        pass


@fault("KX-110")
class SaysNoNumbers(Hooked):
    """refuses another block size without saying which"""

    def check_block_size(self, inner: Mapping[str, Any]) -> None:
        if inner.get("block_size", self.block_size) != self.block_size:
            raise ValueError("the block size does not match")


@fault("KX-115")
class CountsNoOrphans(Hooked):
    """does not count stores without a parent"""

    def stats(self) -> dict[str, int]:
        return {**super().stats(), "unknown_parents": 0}


@fault("KX-116")
class CountsRemovalsByEvent(Hooked):
    """counts a removal of several unknown blocks once"""

    def remove(self, worker: Worker, names: Any, tier: str | None) -> None:
        before = self.unknown_removals
        super().remove(worker, names, tier)
        self.unknown_removals = min(self.unknown_removals, before + 1)
