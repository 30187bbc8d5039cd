"""The laws of one family: what its samples must be, alone and together."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trueup.metrics.exposition.family import Family, Place, suffixes
from trueup.metrics.exposition.faults import Fault
from trueup.metrics.exposition.histograms import histogram_faults, summary_faults
from trueup.metrics.exposition.sample import Sample

_NEVER_FALLS = ("_bucket", "_count", "_gcount", "_total")


def family_faults(family: Family) -> Iterator[Fault]:
    """Every fault that the samples in `family.read` show; fills `shapes` and `series`."""
    yield from _samples(family)
    yield from _repeated(family)
    if family.kind in ("histogram", "gaugehistogram"):
        yield from histogram_faults(family)
    elif family.kind == "summary":
        yield from summary_faults(family)
    if family.openmetrics:
        yield from _grouping(family)
    take_shapes(family)


def _samples(family: Family) -> Iterator[Fault]:
    allowed = suffixes(family.kind, openmetrics=family.openmetrics)
    for sample in family.read:
        suffix = sample.name[len(family.name) :]
        if suffix not in allowed:
            written = " or ".join(f"{family.name}{one}" for one in allowed)
            message = f"a {family.kind} has no series {sample.name}, only {written}"
            yield at_name(sample, "stray-sample", message, written if len(allowed) == 1 else None)
            continue
        is_count = suffix in _NEVER_FALLS or (family.kind == "counter" and suffix == "")
        if (is_count or suffix == "_sum") and family.kind not in (None, "gauge", "untyped", "unknown"):
            if math.isnan(sample.value) and (is_count or family.openmetrics):
                yield at_value(sample, "nan-counter", f"{sample.name} is NaN")
            elif sample.value < 0 and (is_count or (family.openmetrics and suffix == "_sum")):
                yield at_value(sample, "negative-counter", f"{sample.name} is below zero")
        counts = suffix in ("_bucket", "_count", "_gcount")
        if family.openmetrics and counts and math.isfinite(sample.value) and not sample.value.is_integer():
            yield at_value(sample, "bad-value", f"{sample.name} counts: its value is an integer")
        elif family.openmetrics and counts and math.isinf(sample.value):
            yield at_value(sample, "bad-value", f"{sample.name} counts: its value is finite")
        if family.kind == "info" and sample.value != 1:
            yield at_value(sample, "bad-info-value", f"{sample.name} is 1, always")
        if family.kind == "stateset":
            if sample.value not in (0, 1):
                yield at_value(sample, "bad-info-value", f"a state of {sample.name} is 0 or 1")
            if sample.label(family.name) is None:
                yield at_name(sample, "bad-info-value", f"the label {family.name}, which names the state, is missing")
        if sample.exemplar_start is not None and not (
            (family.kind in ("histogram", "gaugehistogram") and suffix == "_bucket")
            or (family.kind == "counter" and suffix == "_total")
        ):
            yield Fault(
                "bad-exemplar",
                sample.name,
                sample.line,
                sample.exemplar_start + 1,
                sample.exemplar_start + 2,
                "only buckets of histograms and totals of counters have exemplars",
            )


def _repeated(family: Family) -> Iterator[Fault]:
    """Series that stand there twice, and timestamps that fall."""
    seen: dict[tuple[str, frozenset[tuple[str, str]]], Sample] = {}
    for sample in family.read:
        before = seen.get(sample.key)
        seen[sample.key] = sample
        if before is None:
            continue
        if family.openmetrics and sample.timestamp is not None and before.timestamp is not None:
            if sample.timestamp < before.timestamp:
                message = f"line {before.line} has a later timestamp of this series"
                yield at_value(sample, "unordered-timestamps", message)
            elif sample.timestamp == before.timestamp:
                yield at_name(sample, "duplicate-series", f"line {before.line} has this series at this timestamp")
        else:
            yield at_name(sample, "duplicate-series", f"line {before.line} has this series already")


def _grouping(family: Family) -> Iterator[Fault]:
    """OpenMetrics: the lines of one group stand together, and either all or none have a timestamp."""
    own = family.name if family.kind == "stateset" else family.own_label
    group: frozenset[tuple[str, str]] | None = None
    seen: dict[frozenset[tuple[str, str]], int] = {}
    last: Sample | None = None
    for sample in family.read:
        is_part = sample.name.endswith("_bucket") or family.kind in ("summary", "stateset")
        mine = frozenset() if family.kind == "info" else sample.group(own if is_part else None)
        if mine != group and mine in seen:
            message = f"its group began in line {seen[mine]}, and other groups stand between"
            yield at_name(sample, "split-group", message)
        elif mine == group and last is not None and last.key != sample.key:
            if (sample.timestamp is None) != (last.timestamp is None):
                message = "either every line of a group has a timestamp or none"
                yield at_value(sample, "unordered-timestamps", message)
            elif (
                sample.timestamp is not None
                and last.timestamp is not None
                and sample.timestamp < last.timestamp
                and family.kind != "info"
            ):
                yield at_value(sample, "unordered-timestamps", f"line {last.line} of this group has a later timestamp")
        elif mine == group and last is not None and (sample.timestamp is None) != (last.timestamp is None):
            yield at_value(sample, "unordered-timestamps", "either every line of a group has a timestamp or none")
        seen.setdefault(mine, sample.line)
        group, last = mine, sample


def take_shapes(family: Family) -> None:
    """Fills `shapes` and `series` from the samples that were read."""
    own = family.own_label
    sets: set[frozenset[tuple[str, str]]] = set()
    for sample in family.read:
        suffix = sample.name[len(family.name) :]
        is_part = suffix == "_bucket" or (suffix == "" and own == "quantile")
        names = tuple(sorted(label.name for label in sample.labels if not (is_part and label.name == own)))
        family.shapes.setdefault(names, Place(sample.line, sample.start + 1, sample.name_end + 1))
        sets.add(sample.group(own if is_part else None))
    family.series = len(sets)


def at_name(sample: Sample, rule: str, message: str, suggestion: str | None = None) -> Fault:
    """A fault of the whole series."""
    return Fault(rule, sample.name, sample.line, sample.start + 1, sample.name_end + 1, message, suggestion)


def at_value(sample: Sample, rule: str, message: str) -> Fault:
    """A fault of the value."""
    return Fault(rule, sample.name, sample.line, sample.value_start + 1, sample.value_end + 1, message)
