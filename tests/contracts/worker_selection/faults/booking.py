"""What is booked, and taken off again: WS-030 to WS-037."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.worker_selection.faults.registry import fault
from contracts.worker_selection.hooked import Booked, Depths, Hashes, Hooked, Load, Pair


@fault("WS-030")
class BooksTheBestOverlap(Hooked):
    """books the prompt less the best overlap of any worker"""

    def tokens_booked(self, worker: Pair, isl: int, depths: Depths) -> float:
        return self.uncached(isl, max(depths.values(), default=0))


@fault("WS-030")
class BooksTheWholePrompt(Hooked):
    """books the whole prompt, whatever is held"""

    def tokens_booked(self, worker: Pair, isl: int, depths: Depths) -> float:
        return isl


@fault("WS-030")
class BooksNewBlocksOnly(Hooked):
    """books no blocks that the worker holds already"""

    def book(
        self,
        identity: str,
        worker: Pair,
        isl: int,
        depths: Depths,
        hashes: Hashes,
        *,
        is_pinned: bool,
    ) -> None:
        rest = hashes[int(depths.get(worker, 0)) :]
        super().book(identity, worker, isl, depths, rest, is_pinned=is_pinned)


@fault("WS-031")
class PrefillStays(Hooked):
    """takes the prompt's tokens off at the end of the request only"""

    def prefill_done(self, id: str) -> None:
        pass


@fault("WS-031")
class PrefillTakesBlocks(Hooked):
    """takes the blocks off with the prefill"""

    def end_prefill(self, booked: Booked) -> None:
        if booked.is_prefilling:
            self.take_blocks(self.load(booked.worker), booked.hashes)
            booked.hashes = []
        super().end_prefill(booked)


@fault("WS-031")
class PrefillOfTheWorker(Hooked):
    """takes all of a worker's prompt tokens off when one prefill ends"""

    def end_prefill(self, booked: Booked) -> None:
        booked.is_prefilling = False
        self.load(booked.worker).tokens = 0


@fault("WS-032")
class DisconnectLeaksTokens(Hooked):
    """leaves the prompt tokens of a client that goes away during prefill"""

    def free(self, id: str) -> None:
        if id in self.requests:
            self.requests[id].is_prefilling = False
        super().free(id)


@fault("WS-032")
class DisconnectLeaksBlocks(Hooked):
    """leaves the blocks of a client that goes away during prefill"""

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        if booked is not None and booked.is_prefilling:
            self.end_prefill(booked)
            del self.requests[id]
            return
        super().free(id)


@fault("WS-033")
class SharedFreedAtOnce(Hooked):
    """drops a shared block with the first of its requests"""

    def take_blocks(self, load: Load, hashes: Hashes) -> None:
        for each in hashes:
            load.blocks.pop(each, None)


@fault("WS-033")
class CountsShared(Hooked):
    """counts a shared block for each of its requests"""

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        load = self.workers.get(self.key(*worker)) or Load()
        return {"prefill_tokens": load.tokens, "decode_blocks": load.blocks.total()}


@fault("WS-034")
class FreesTwice(Hooked):
    """takes the blocks off at every free"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.freed: dict[str, Booked] = {}

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        super().free(id)
        if booked is not None:
            self.freed[id] = booked

    def free_unknown(self, identity: str) -> None:
        booked = self.freed.get(identity)
        if booked is not None and booked.worker in self.workers:
            self.take_blocks(self.workers[booked.worker], booked.hashes)


@fault("WS-034")
class SecondFreeFails(Hooked):
    """refuses to free what was freed"""

    def free_unknown(self, identity: str) -> None:
        raise ValueError("not under way")


@fault("WS-035")
class PrefillDoneTwice(Hooked):
    """takes the prompt tokens off at every prefill_done"""

    def end_prefill(self, booked: Booked) -> None:
        if booked.is_prefilling or booked.worker in self.workers:
            super().end_prefill(booked)
            booked.is_prefilling = True
            booked.tokens = booked.tokens if self.requests.get("one") is booked else 0


@fault("WS-035")
class PrefillDoneAfterFree(Hooked):
    """takes the prompt tokens off once more for a request that was freed"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.all: dict[str, Booked] = {}

    def book(
        self,
        identity: str,
        worker: Pair,
        isl: int,
        depths: Depths,
        hashes: Hashes,
        *,
        is_pinned: bool,
    ) -> None:
        super().book(identity, worker, isl, depths, hashes, is_pinned=is_pinned)
        self.all[identity] = self.requests[identity]

    def prefill_done(self, id: str) -> None:
        booked = self.all.get(id)
        if booked is not None and id not in self.requests:
            self.load(booked.worker).tokens -= booked.tokens
        super().prefill_done(id)


@fault("WS-036")
class UnknownMeansTheLast(Hooked):
    """frees the newest request for an id that it does not know"""

    def free_unknown(self, identity: str) -> None:
        if self.requests:
            self.free(next(reversed(self.requests)))


@fault("WS-036")
class FreedBeforeItCame(Hooked):
    """remembers ids that were freed, and books none of them"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.unknown: set[str] = set()

    def free_unknown(self, identity: str) -> None:
        self.unknown.add(identity)

    def book(
        self,
        identity: str,
        worker: Pair,
        isl: int,
        depths: Depths,
        hashes: Hashes,
        *,
        is_pinned: bool,
    ) -> None:
        if identity not in self.unknown:
            super().book(identity, worker, isl, depths, hashes, is_pinned=is_pinned)


@fault("WS-036")
class IdsWithoutCase(Hooked):
    """folds the case of ids"""

    def free(self, id: str) -> None:
        super().free(id.lower())


@fault("WS-037")
class LeaksABlock(Hooked):
    """forgets the last block of a request that ends before its prefill while another one has it"""

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        if booked is not None and booked.is_prefilling and len(self.requests) > 2:
            booked.hashes = list(booked.hashes)[:-1]
        super().free(id)

    def take_blocks(self, load: Load, hashes: Hashes) -> None:
        super().take_blocks(load, hashes)
        load.requests += bool(load.requests == 1 and load.blocks)
