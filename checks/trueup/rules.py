"""The registry of rules: every finding names one of them.

A rule's id is a noun phrase for what is wrong (`links/missing-file`) and never changes its
meaning. Each has a page, `docs/rules/ID.md`, which `trueup explain ID` prints.
"""

from __future__ import annotations

import functools

import msgspec

from trueup.errors import UsageError
from trueup.findings import Severity


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be wrong.

    `summary` says what is wrong in one line without a full stop; `reason` says, in words a writer
    understands, why that is a fault for readers; `fixable` is true where `--fix` can mend some cases.
    """

    id: str
    severity: Severity
    summary: str
    reason: str
    fixable: bool = False
    enabled: bool = True  # false: only where the configuration gives it a severity

    @property
    def default(self) -> str:
        """The severity where the configuration says nothing: `error`, `warning` or `off`."""
        return self.severity.value if self.enabled else "off"


@functools.cache
def registry() -> dict[str, Rule]:
    """All rules by id, in the order in which the documentation lists them."""
    from trueup.grid_config.rules import RULES as GRID_CONFIG
    from trueup.links.rules import RULES as LINKS
    from trueup.locks.rules import RULES as LOCKS
    from trueup.meta_rules import RULES as META
    from trueup.metrics.rules import RULES as METRICS
    from trueup.versions.rules import RULES as VERSIONS

    return {rule.id: rule for rule in (*LINKS, *GRID_CONFIG, *METRICS, *LOCKS, *VERSIONS, *META)}


def find(rule_id: str) -> Rule:
    """The rule of this id; a `UsageError` that names the nearest one where there is none."""
    rules = registry()
    if rule_id in rules:
        return rules[rule_id]
    raise UsageError(f"there is no rule {rule_id!r}", hint=nearest_hint(rule_id, list(rules)))


def nearest_hint(word: str, known: list[str]) -> str:
    """`did you mean …?`, or the list of what is known."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not close:
        tail = word.rpartition("/")[2]
        close = [name for name in known if name.rpartition("/")[2] == tail][:1]
    return f"did you mean {close[0]!r}?" if close else "known are: " + ", ".join(known)
