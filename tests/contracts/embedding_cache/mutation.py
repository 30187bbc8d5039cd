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
