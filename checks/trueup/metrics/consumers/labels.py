"""Labels that a query uses and its metric does not have.

Scraping adds labels of its own (`job`, `pod`, whatever relabelling takes from Kubernetes), so a label that the policy
does not name is no fault by itself. It is one where the policy forbids it, or where it is nearly a label that the
metric has.
"""

from __future__ import annotations

from collections.abc import Iterator

from trueup.metrics.policy import Match
from trueup.metrics.promql import Use

# What Prometheus, its operator and Kubernetes' service discovery commonly add.
TARGET_LABELS = frozenset(
    "__name__ job instance pod namespace container node service endpoint cluster app env environment region zone "
    "hostname host le quantile prometheus prometheus_replica replica deployment component team tenant release "
    "nodename pod_name pod_ip container_name device gpu".split()
)
_NEAR = 80
_SHORTEST = 4


def label_faults(match: Match, use: Use, extra: frozenset[str]) -> Iterator[tuple[str, int, int, str, str | None]]:
    """Label, its place in the expression, what is wrong, and what was probably meant."""
    family = match.family
    known = {*family.labels, *(family.allowed_labels or ())}
    for matcher in use.matchers:
        label = matcher.label
        name = label.text.strip("\"'")
        if label.variables or name in known or name in extra:
            continue
        if name in family.forbidden_labels:
            yield name, label.start, label.end, f"`{match.name}` has no label `{name}`", None
        elif (
            name not in TARGET_LABELS and not name.startswith(("exported_", "__")) and family.allowed_labels is not None
        ):
            near = _near(name, known)
            if near is not None:
                message = f"`{match.name}` has no label `{name}`; it has `{near}`"
                yield name, label.start, label.end, message, near


def _near(name: str, known: set[str]) -> str | None:
    from rapidfuzz import fuzz, process

    if len(name) < _SHORTEST or len(name) > 300:
        return None
    found = process.extractOne(name, sorted(known), scorer=fuzz.ratio, score_cutoff=_NEAR)
    return None if found is None else str(found[0])
