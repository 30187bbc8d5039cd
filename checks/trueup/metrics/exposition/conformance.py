"""What a policy says about the families of an exposition."""

from __future__ import annotations

from collections.abc import Iterator

from trueup.metrics.exposition.family import Family, Place
from trueup.metrics.exposition.faults import Fault
from trueup.metrics.policy import Match, PolicySet

_SAME = {"untyped": "unknown"}
# What the text format cannot say: both are written as gauges there.
_AS_GAUGE = ("info", "stateset", "gaugehistogram")


def policy_faults(family: Family, policies: PolicySet) -> Iterator[Fault]:
    """One family against the policies."""
    name = family.policy_name
    wrong = policies.wrong_prefix(name)
    if wrong is not None:
        message = f"{name} begins with {wrong.written}, the policy's prefix is {wrong.rule.prefix}"
        yield _fault(family, "wrong-prefix", message, wrong.right)
        return
    match = policies.family(name)
    if match is None:
        if policies.is_closed(name) and not _is_created(name, policies):
            near = policies.nearest(name, 1)
            yield _fault(family, "unknown-family", f"no policy has {name}", near[0] if near else None)
        return
    yield from _life(family, match)
    if not _same_type(family, match):
        kind = family.kind or "untyped"
        yield _fault(family, "type-mismatch", f"{name} is a {kind} here, a {match.family.type} in the policy")
    yield from _labels(family, match)
    bound = match.family.max_series
    if bound is not None and family.series > bound:
        yield _fault(family, "too-many-series", f"{name} has {family.series} series, the policy allows {bound}")


def missing_faults(seen: set[str], policies: PolicySet, line: int) -> Iterator[Fault]:
    """Required families that were not there; `seen` are names as policies write them."""
    for name in policies.required():
        if name not in seen:
            yield Fault("missing-family", name, line, 1, 1, f"{name} is required and not here")


def _life(family: Family, match: Match) -> Iterator[Fault]:
    rules = match.family
    new = " or ".join(rules.renamed_to)
    use = new or None
    if rules.removed_in is not None:
        message = f"{match.name} was removed in {rules.removed_in}"
    elif rules.deprecated_since is not None:
        message = f"{match.name} is deprecated since {rules.deprecated_since}"
    elif rules.renamed_to:
        message = f"{match.name} has another name now"
    else:
        return
    yield _fault(family, "deprecated-family", message, use)


def _same_type(family: Family, match: Match) -> bool:
    wanted = match.family.type
    if wanted is None:
        return True
    kind = _SAME.get(family.kind or "untyped", family.kind or "untyped")
    if kind == wanted:
        return True
    return not family.openmetrics and wanted in _AS_GAUGE and kind in ("gauge", "histogram", "unknown")


def _labels(family: Family, match: Match) -> Iterator[Fault]:
    rules = match.family
    allowed = None if rules.allowed_labels is None else {*rules.labels, *rules.allowed_labels}
    told: set[str] = set()
    for names, place in family.shapes.items():
        missing = [label for label in rules.labels if label not in names and label not in told]
        for label in missing:
            yield _at(family, place, "missing-label", f"{family.name} without the label {label}")
        extra = [
            label
            for label in names
            if label not in told and (label in rules.forbidden_labels or (allowed is not None and label not in allowed))
        ]
        for label in extra:
            yield _at(family, place, "forbidden-label", f"{family.name} has the label {label}, which no policy allows")
        told.update(missing, extra)


def _is_created(name: str, policies: PolicySet) -> bool:
    """The text format has `x_created` as a family of its own."""
    if not name.endswith("_created"):
        return False
    match = policies.series(name)
    return match is not None and match.is_series


def _fault(family: Family, rule: str, message: str, suggestion: str | None = None) -> Fault:
    return _at(family, family.place, rule, message, suggestion)


def _at(family: Family, place: Place, rule: str, message: str, suggestion: str | None = None) -> Fault:
    return Fault(rule, family.policy_name, place.line, place.column, place.end_column, message, suggestion)
