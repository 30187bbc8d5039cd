"""The laws of histograms and summaries, group by group."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

from trueup.metrics.exposition.family import Family
from trueup.metrics.exposition.faults import Fault
from trueup.metrics.exposition.numbers import number
from trueup.metrics.exposition.sample import Sample

Labels = frozenset[tuple[str, str]]


@dataclasses.dataclass(slots=True)
class _Group:
    """The lines of one label set (and, in OpenMetrics, of one timestamp)."""

    first: Sample
    buckets: list[tuple[float, Sample]] = dataclasses.field(default_factory=list)
    count: Sample | None = None
    sum: Sample | None = None


def histogram_faults(family: Family) -> Iterator[Fault]:
    """Buckets ascending to +Inf, cumulative, equal to the count, and nothing missing."""
    groups: dict[tuple[Labels, float | None], _Group] = {}
    for sample in family.read:
        suffix = sample.name[len(family.name) :]
        if suffix not in ("_bucket", "_sum", "_count", "_gsum", "_gcount"):
            continue
        key = (sample.group("le" if suffix == "_bucket" else None), sample.timestamp if family.openmetrics else None)
        group = groups.setdefault(key, _Group(sample))
        if suffix == "_bucket":
            bound, fault = _bound(sample, openmetrics=family.openmetrics)
            if fault is not None:
                yield fault
            if bound is not None:
                group.buckets.append((bound, sample))
        elif suffix in ("_count", "_gcount"):
            group.count = group.count or sample
        else:
            group.sum = group.sum or sample
    for group in groups.values():
        yield from _buckets(group)
        yield from _whole(group, family)


def _bound(sample: Sample, *, openmetrics: bool) -> tuple[float | None, Fault | None]:
    label = sample.label("le")
    if label is None:
        return None, _at(sample, "missing-le", "a bucket without the label le")
    bound = number(label.value)
    if bound is None or math.isnan(bound):
        message = f"le={label.value[:40]!r} is no number"
    elif openmetrics and math.isinf(bound) and label.value not in ("+Inf", "-Inf"):
        message = f"OpenMetrics writes infinity +Inf, not {label.value!r}"
    else:
        return bound, None
    return bound, Fault("bad-le", sample.name, sample.line, label.start + 1, label.end + 1, message)


def _buckets(group: _Group) -> Iterator[Fault]:
    before: tuple[float, Sample] | None = None
    for bound, sample in group.buckets:
        if before is not None and not bound > before[0]:
            message = f"le={_le(sample)} does not come after le={_le(before[1])} of line {before[1].line}"
            yield _at(sample, "unordered-buckets", message)
        elif before is not None and sample.value < before[1].value:
            message = f"le={_le(sample)} counts {sample.value:g}, fewer than le={_le(before[1])}: {before[1].value:g}"
            yield Fault(
                "not-cumulative", sample.name, sample.line, sample.value_start + 1, sample.value_end + 1, message
            )
        before = (bound, sample)


def _whole(group: _Group, family: Family) -> Iterator[Fault]:
    last = max(group.buckets, key=lambda one: one[0], default=None)
    if last is None or last[0] != math.inf:
        place = last[1] if last is not None else group.first
        yield _at(place, "missing-inf-bucket", f'no bucket le="+Inf" of {_shown(group, family)}')
    elif group.count is not None and group.count.value != last[1].value:
        yield Fault(
            "count-mismatch",
            group.count.name,
            group.count.line,
            group.count.value_start + 1,
            group.count.value_end + 1,
            f'{group.count.name} is {group.count.value:g}, the bucket le="+Inf" {last[1].value:g}',
        )
    negative = bool(group.buckets) and min(bound for bound, _ in group.buckets) < 0
    if group.count is None:
        yield _at(group.first, "incomplete-histogram", f"no _count of {_shown(group, family)}")
    if group.sum is None and not negative:
        yield _at(group.first, "incomplete-histogram", f"no _sum of {_shown(group, family)}")
    if negative and group.sum is not None and not group.sum.name.endswith("_gsum"):
        yield _at(group.sum, "negative-bucket-sum", f"{group.sum.name} beside buckets below zero")
    if (
        group.sum is not None
        and group.sum.name.endswith("_gsum")
        and group.sum.value < 0
        and not negative
        and family.openmetrics
    ):
        yield _at(group.sum, "negative-counter", f"{group.sum.name} is below zero, and no bucket is")


def summary_faults(family: Family) -> Iterator[Fault]:
    """Quantiles between 0 and 1, and both `_sum` and `_count`."""
    groups: dict[Labels, _Group] = {}
    for sample in family.read:
        suffix = sample.name[len(family.name) :]
        if suffix not in ("", "_sum", "_count"):
            continue
        group = groups.setdefault(sample.group(None if suffix else "quantile"), _Group(sample))
        if suffix == "_count":
            group.count = sample
        elif suffix == "_sum":
            group.sum = sample
        else:
            yield from _quantile(sample, openmetrics=family.openmetrics)
    for group in groups.values():
        if group.count is None:
            yield _at(group.first, "incomplete-histogram", f"no _count of {_shown(group, family)}")
        if group.sum is None:
            yield _at(group.first, "incomplete-histogram", f"no _sum of {_shown(group, family)}")


def _quantile(sample: Sample, *, openmetrics: bool) -> Iterator[Fault]:
    label = sample.label("quantile")
    if label is None:
        yield _at(sample, "missing-le", "a summary's series without the label quantile")
        return
    value = number(label.value)
    if value is None or not 0 <= value <= 1:
        message = f"quantile={label.value[:40]!r} does not lie between 0 and 1"
        yield Fault("bad-quantile", sample.name, sample.line, label.start + 1, label.end + 1, message)
    elif openmetrics and sample.value < 0:
        message = "OpenMetrics has no quantiles with a value below zero"
        yield Fault("bad-quantile", sample.name, sample.line, sample.value_start + 1, sample.value_end + 1, message)


def _le(sample: Sample) -> str:
    label = sample.label("le")
    return f'"{label.value[:40]}"' if label is not None else ""


def _shown(group: _Group, family: Family) -> str:
    labels = [f'{one.name}="{one.value[:40]}"' for one in group.first.labels if one.name != family.own_label]
    return family.name + ("{" + ",".join(labels) + "}" if labels else "")


def _at(sample: Sample, rule: str, message: str) -> Fault:
    return Fault(rule, sample.name, sample.line, sample.start + 1, sample.name_end + 1, message)
