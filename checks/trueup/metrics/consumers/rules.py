"""The rules about whatever consumes metrics: dashboards, alert rules, autoscalers, queries in docs and code."""

from __future__ import annotations

from trueup.findings import Severity
from trueup.rules import Rule

RULES = (
    Rule(
        id="metrics/unknown-metric",
        severity=Severity.ERROR,
        summary="a query for a metric that does not exist",
        reason="Nothing errors: the panel is empty, the alert never fires, the autoscaler never scales.",
    ),
    Rule(
        id="metrics/deprecated-metric",
        severity=Severity.WARNING,
        summary="a query for a metric that is deprecated or was removed",
        reason="From some release on the query finds nothing, and nothing errors.",
    ),
    Rule(
        id="metrics/impossible-series",
        severity=Severity.ERROR,
        summary="a query for a series that its metric's type does not have",
        reason="A gauge has no `_bucket` and a histogram no series of its bare name: the query finds nothing.",
    ),
    Rule(
        id="metrics/rate-of-gauge",
        severity=Severity.WARNING,
        summary="a rate or increase of a gauge",
        reason="Every fall of the gauge counts as a counter's restart: the rate is nonsense. Take `deriv` or `delta`.",
    ),
    Rule(
        id="metrics/quantile-without-le",
        severity=Severity.ERROR,
        summary="a histogram_quantile whose buckets have lost `le`",
        reason="Without the label `le` no bucket can be told from another: the query finds nothing.",
    ),
    Rule(
        id="metrics/unknown-label",
        severity=Severity.WARNING,
        summary="a query by a label that its metric does not have",
        reason="A matcher on a label that does not exist selects nothing; grouping by one puts everything together.",
    ),
    Rule(
        id="metrics/unparseable-expression",
        severity=Severity.ERROR,
        summary="an expression that is not PromQL",
        reason="Prometheus answers with an error; a rule file with one such expression is refused as a whole.",
    ),
    Rule(
        id="metrics/unreadable-consumer",
        severity=Severity.ERROR,
        summary="a dashboard or rule file that is not JSON or YAML",
        reason="Whatever loads it refuses it, and what it holds cannot be checked.",
    ),
    Rule(
        id="metrics/duplicate-key",
        severity=Severity.WARNING,
        summary="a key that stands in an object of a dashboard twice",
        reason="Parsers silently take one of the two: a panel may ask something else than whoever reads it believes.",
    ),
)
