"""The rules about metric names: each part of the check brings its own."""

from __future__ import annotations

from collections.abc import Sequence

from trueup.metrics.consumers.rules import RULES as CONSUMERS
from trueup.metrics.docs_drift.rules import RULES as DOCS
from trueup.metrics.exposition.rules import RULES as EXPOSITION
from trueup.rules import Rule

# A part that consumes names adds its rules here.
RULES = (*EXPOSITION, *CONSUMERS, *DOCS)


def rules_of(*, without: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of the parts that are left out when these alone run; `metrics/wrong-prefix` is everybody's."""
    parts = {"expositions": EXPOSITION, "consumers": (*CONSUMERS, *DOCS)}
    return tuple(
        rule
        for name, rules in parts.items()
        if name not in without
        for rule in rules
        if rule.id != "metrics/wrong-prefix"
    )
