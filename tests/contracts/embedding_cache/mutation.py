"""The mutation score of the reference cache under the embedding-cache suite alone, as far as it shows without a GPU."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType

import trueup_reference.embedding_cache.base as base_module
import trueup_reference.embedding_cache.cache as cache_module
import trueup_reference.embedding_cache.holding as holding_module
import trueup_reference.embedding_cache.ledger as ledger_module
from contracts import mutants
from contracts.suite_runs import verdicts_of
from trueup_contracts.embedding_cache import SUITE
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.profile import Profile
from trueup_reference import adapters

MODULES = (ledger_module, holding_module, cache_module, base_module)
# Slow, and of what is counted rather than of what is decided: asked last.
SLOW = {"EC-045", "EC-050", "EC-052", "EC-110", "EC-111", "EC-112"}
# Calls of the reference that the suite does not have, and lines that only a device reaches.
BEYOND = re.compile(r"get_many|set_many|_async|_call\(|is_cuda|cuda|begin_in_child|is_lost|joined|_computed|numbers")
CPU_LIMIT_S = 60  # the whole suite takes seconds
_LOOKED_AT_AGAIN = "equal: it only says whether to look for room before copying; room is looked for again when storing"
_LATER = "equal: what was taken out is freed at once in place of outside the lock"
_NOT_ASKED = "beyond the contract: get_many, set_many and get_or_compute_async are calls of the reference alone"
_NO_MEMORY = "beyond the contract without a device: only an allocation that fails comes here"
_OWN_COUNT = "beyond the contract: a count that only the metrics of the reference tell"
_RACE = (
    "equal but for the moment between two looks, in which somebody else may have stored it: then it is computed again"
)
_TOLD = "equal: a cache in memory always tells it; a Redis that cannot be reached does not"
_SHORT = "equal: it closes or moves the short way, and the long way answers the same"
# Mutants that behave as the reference does: the line, what stood there, what stands there.
EXPLAINED: dict[tuple[str, str, str], str] = {
    ("return held", "return held", "return None"): _LATER,
    ("self.pinned = 0  # entries", "", ""): _LOOKED_AT_AGAIN,
    ("was_pinned = held.pins > 0", "", ""): _LOOKED_AT_AGAIN,
    ("self.pinned += (held.pins > 0) - was_pinned", "", ""): _LOOKED_AT_AGAIN,
    (
        "if total + size_bytes - (old.size_bytes if old is not None and is_freed else 0) <= capacity_bytes:",
        "",
        "",
    ): _SHORT,
    (
        "is_freed = old is not None and old.storage != storage and self._users[old.storage] == 1",
        "old.storage != storage",
        "old.storage == storage",
    ): _SHORT,
    ("left[storage] = 1", "1", "2"): "equal: one user more or two, it stays held either way",
    ("if total <= capacity_bytes:", "total <= capacity_bytes", "total < capacity_bytes"): _SHORT,
    ("return tensor.nbytes if copies else tensor.untyped_storage().nbytes()", "", ""): (
        "beyond the contract: how much is evicted for a copy that found no memory"
    ),
    (
        "kept = tensor.clone() if tensor.is_contiguous() else tensor.clone(memory_format=torch.contiguous_format)",
        "",
        "",
    ): ("equal: of what is contiguous both make the same copy"),
    ("return 0 if self._users.get(held.storage, 0) + left[held.storage] else held.size_bytes", "0", "1"): (
        "equal: what is held has users (the other 0 of this line is found)"
    ),
    ("return [None if held is None else self._hand_out(held) for held in found]", "", ""): _NOT_ASKED,
    ("return {key: self.set(key, tensor) for key, tensor in tensors.items()}", "", ""): _NOT_ASKED,
    ("return work(*args)", "", ""): _NOT_ASKED,
    # The same lines of get_or_compute are found.
    ("return self._hand_out(found)", "", ""): _NOT_ASKED,
    ("if found is None:", "", ""): _NOT_ASKED,
    ('"entries": now.get("entries", 0),', "", ""): _TOLD,
    ('"current_bytes": now.get("bytes", 0),', "", ""): _TOLD,
    (
        '"utilization": now.get("bytes", 0) / self.capacity_bytes if self.capacity_bytes else 0.0,',
        "0",
        "1",
    ): _TOLD,
    ("return self._touched(key)", "", ""): "equal: whoever finds nothing looks again before computing",
    ("return self._ledger.entries.get(key)", "", ""): _RACE,
    ("if again is not None:", "", ""): _RACE,
    ("return again", "", ""): _RACE,
    ("return holding.take(checked, copies=False)", "", ""): _NO_MEMORY,
    ("if not holding.is_out_of_memory(error):", "", ""): _NO_MEMORY,
    ("raise", "", ""): _NO_MEMORY,
    ("self._refused += 1", "", ""): _OWN_COUNT,
    ("self._refused += not fits", "", ""): _OWN_COUNT,
    ("gone = self._ledger.evict_to(max(0, self._ledger.current_bytes - wanted))", "", ""): _NO_MEMORY,
    ("if not self.copies_on_set or (tensor.nbytes <= self.capacity_bytes and not self._ledger.pinned):", "", ""): (
        _LOOKED_AT_AGAIN
    ),
    ("raise TypeError(", "", ""): "equal: what is no tuple cannot be pickled either, and that is a TypeError",
    ("if not isinstance(self._lock, forking.Refusal):", "", ""): (
        "beyond the contract without a device: only a cache on one refuses after a fork"
    ),
    ("self.device = torch.empty(0, device=device).device", "", ""): "equal: a tensor of any size lies on the device",
}


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    try:
        with mutants.installed(mutant, module):
            return _verdicts()
    except Exception as error:  # noqa: BLE001 - whatever it is: a module that cannot be loaded is no cache
        return {"import": str(error)}


def _verdicts() -> Mapping[str, str]:
    profile = Profile("quick", 1)
    fast = {one.id for one in SUITE.requirements.values()} - SLOW
    for asked in (fast, SLOW):
        for factory in (adapters.embedding_cache, adapters.embedding_cache_sharing):
            subject = LocalSubject(SUITE, "test", "tests:factory", factory)
            but = {one for one in SUITE.requirements if one not in asked}
            failed = verdicts_of(subject, profile, but=but, stop=True)
            if failed:
                return failed
    return {}


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    print(f"not counted: mutants of lines that match {BEYOND.pattern}")
    total, survivors = mutants.score(MODULES, _failures, left_out=BEYOND, cpu_limit_s=CPU_LIMIT_S)
    return mutants.print_score(total, survivors, EXPLAINED)
