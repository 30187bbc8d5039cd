"""The mutation score of the reference selection under the suite worker-selection alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType

import trueup_reference.worker_selection.loads as loads_module
import trueup_reference.worker_selection.requests as requests_module
import trueup_reference.worker_selection.selector as selector_module
from contracts import mutants
from contracts.suite_runs import verdicts_of
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.kv_index.selection import SUITE
from trueup_contracts.profile import Profile
from trueup_reference import adapters

MODULES = (requests_module, loads_module, selector_module)
# Slow, or of what is counted rather than of what is decided: asked last.
SLOW = {"WS-012", "WS-014", "WS-015", "WS-016", "WS-042", "WS-060", "WS-061"}
# Calls of the reference that the suite does not have: costs, loads, outcomes, the context manager, names.
BEYOND = re.compile(r"_outcomes|outcomes|def costs|found\.items\(\)|slots\[worker\]|len\(self\._requests\)|self\.name")
CPU_LIMIT_S = 60  # the whole suite takes seconds
_SHORT = "equal: it closes or moves the short way, and the long way answers the same"
_LATER = "equal: refused a line later"
_SAYS = "beyond the contract: what is said of a refusal, or counted for metrics"
_HUGE = "beyond the contract: lengths and seeds of more than 2^53"
_OTHERS = "beyond the contract: integers of other libraries, such as NumPy's"
_CHAIN = "beyond the contract: a hash names a block and all before it, so that a request has it once"
_NOTHING = "equal: a run of length 0 is added, or one of no worker"
# Mutants that behave as the reference does, or that no contract reaches: the line, what stood there, what stands there.
EXPLAINED: dict[tuple[str, str, str], str] = {
    ("MOST_TOKENS = 1 << 53  # above it binary64 skips integers", "", ""): _HUGE,
    ("_SMALLEST_SEED = -(1 << 63)", "", ""): _HUGE,
    ("if not least <= found <= most:", "least <= found <= most", "least <= found < most"): _HUGE,
    ("if self.overlap_weight > MOST_TOKENS:", "", ""): _HUGE,
    ('raise ValueError(f"overlap_weight is {overlap_weight}; at most {MOST_TOKENS} is due")', "", ""): _HUGE,
    ('raise TypeError(f"a request is a mapping, not a {type(request).__name__}")', "", ""): _LATER,
    ("if isinstance(given, str | bytes) or not isinstance(given, Iterable):", "", ""): _LATER,
    ('raise TypeError(f"seq_hashes is a {type(given).__name__}; a list of integers is due")', "", ""): _LATER,
    (
        'raise ValueError(f"{what}: a worker is a pair [id, rank], not {next(one for one in pairs if len(one) != 2)}")',
        "",
        "",
    ): _LATER,
    ("return set()", "", ""): "equal: nothing is as false as an empty set",
    ("return tuple(whole(what, value, 0, most) for value in values)", "", ""): _OTHERS,
    ("if not set(map(type, values)) <= {int}:", "", ""): _SHORT,
    ("wrong = next(value for value in values if not 0 <= value <= most)", "", ""): _SAYS,
    (
        "return Asked(identity, isl, hashes if len(distinct) == len(hashes) else tuple(distinct), chosen)",
        "",
        "",
    ): _CHAIN,
    ("return True", "", ""): _SAYS,
    ("return False", "", ""): _SAYS,
    ("self.prefilling = 0  # requests that these are of", "", ""): "equal, but for what fractions of overlaps round",
    ("slot.prefilling += 1", "", ""): "equal, but for what fractions of overlaps round",
    ("before, length = 0, 0", "", ""): _NOTHING,
    ("return left if left > 0 else 0", "left > 0", "left >= 0"): "equal: 0 either way",
    (
        "return workers[min(bisect_right(sums, self._chance.random() * sums[-1]), len(sums) - 1)]",
        "len(sums) - 1",
        "len(sums) + 1",
    ): "equal: only rounding could reach it",
}


def _failures(mutant: mutants.Mutant, module: ModuleType) -> Mapping[str, str]:
    try:
        with mutants.installed(mutant, module):
            return _verdicts()
    except Exception as error:  # noqa: BLE001 - whatever it is: a module that cannot be loaded is no selector
        return {"import": str(error)}


def _verdicts() -> Mapping[str, str]:
    fast = {one.id for one in SUITE.requirements.values()} - SLOW
    for asked in (fast, SLOW):
        subject = LocalSubject(SUITE, "test", "tests:factory", adapters.worker_selection)
        but = {one for one in SUITE.requirements if one not in asked}
        failed = verdicts_of(subject, Profile("quick", 1), but=but, stop=True)
        if failed:
            return failed
    return {}


def main() -> int:
    """Prints the score and every survivor; the number of those without an explanation."""
    print(f"not counted: mutants of lines that match {BEYOND.pattern}")
    total, survivors = mutants.score(MODULES, _failures, left_out=BEYOND, cpu_limit_s=CPU_LIMIT_S)
    return mutants.print_score(total, survivors, EXPLAINED)
