"""Without events: KX-080 to KX-085."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Worker
from contracts.kv_index.modes import Hooked


@fault("KX-080")
class RoutesToRankZero(Hooked):
    """routes to rank 0 of the worker"""

    def route(self, tokens: Sequence[int], worker_id: int, dp_rank: int) -> None:
        super().route(tokens, worker_id, 0)


@fault("KX-081")
class NeverExpires(Hooked):
    """lets nothing expire"""

    def is_over(self, end: float) -> bool:
        return False


@fault("KX-081")
class ExpiresEarly(Hooked):
    """lets entries expire after half their time"""

    def is_over(self, end: float) -> bool:
        assert self.ttl_s is not None
        return end - self.ttl_s / 2 <= self.now


@fault("KX-082")
class RenewsWhatIsNew(Hooked):
    """renews only the blocks of a prompt that were not there"""

    def renew(self, worker: Worker, name: int) -> None:
        assert self.ttl_s is not None
        self.expiry.setdefault((worker, name), self.now + self.ttl_s)


@fault("KX-083")
class Unbounded(Hooked):
    """has no bound"""

    def prune(self, worker: Worker, names: list[int]) -> None:
        pass


@fault("KX-083")
class ThrowsAllAway(Hooked):
    """throws everything away when it is full"""

    def kept(self) -> int:
        return 0


@fault("KX-084")
class ParentsFirst(Hooked):
    """prunes a prompt's first blocks before its last"""

    def order(self) -> list[tuple[Worker, int]]:
        depths = {key: self.held[key[0]][key[1]].depth() for key in self.expiry}
        return sorted(self.expiry, key=lambda key: (self.expiry[key], depths[key]))


@fault("KX-084")
class NewestFirst(Hooked):
    """prunes what was routed last"""

    def order(self) -> list[tuple[Worker, int]]:
        depths = {key: self.held[key[0]][key[1]].depth() for key in self.expiry}
        return sorted(self.expiry, key=lambda key: (-self.expiry[key], -depths[key]))


@fault("KX-085")
class PrunesByName(Hooked):
    """prunes of equal age in the order of hashes"""

    def order(self) -> list[tuple[Worker, int]]:
        return sorted(self.expiry, key=lambda key: (self.expiry[key], key[1]))
