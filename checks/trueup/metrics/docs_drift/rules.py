"""The rules about docs that name metrics."""

from __future__ import annotations

from trueup.findings import Severity
from trueup.rules import Rule

RULES = (
    Rule(
        id="metrics/documented-but-gone",
        severity=Severity.ERROR,
        summary="a document that names a metric which does not exist",
        reason="Readers build dashboards and alerts from it that stay empty, and nothing errors.",
    ),
    Rule(
        id="metrics/undocumented-metric",
        severity=Severity.WARNING,
        summary="a metric that the reference documents leave out",
        reason="Whoever needs it does not learn that it is there.",
    ),
    Rule(
        id="metrics/documented-type",
        severity=Severity.WARNING,
        summary="a document that gives a metric another type than it has",
        reason="Readers take `rate()` of what is a gauge, or quantiles of what has no buckets.",
    ),
    Rule(
        id="metrics/documented-label",
        severity=Severity.WARNING,
        summary="a document that gives a metric a label which it does not have",
        reason="A query that selects by the label finds nothing.",
    ),
)
