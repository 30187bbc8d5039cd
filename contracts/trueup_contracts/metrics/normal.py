"""What two pages must have in common: series, types and values, without what the formats write differently."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from trueup_contracts.metrics.reading import Family, Page, Sample

Labels = tuple[tuple[str, str], ...]
# OpenMetrics' types as the text format writes them.
AS_TEXT = {"info": "gauge", "stateset": "gauge", "unknown": "untyped", "gaugehistogram": "histogram"}
COUNTING = ("counter", "histogram", "summary")
LEGAL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Series(NamedTuple):
    """A series as a scraper stores it."""

    name: str
    labels: Labels

    def __str__(self) -> str:
        """As in a query."""
        told = ", ".join(f"{name}={value!r}" for name, value in self.labels)
        return f"{self.name}{{{told}}}" if told else self.name


class Shape(NamedTuple):
    """A family: type and help, and the values of its series."""

    type: str
    help: str
    values: Mapping[Series, float]


def base_name(family: Family) -> str:
    """The family's name as OpenMetrics has it for counters, and as the text format has it for infos."""
    if family.type == "counter":
        return family.name.removesuffix("_total")
    if family.type == "info":
        return f"{family.name.removesuffix('_info')}_info"
    return family.name


def families(page: Page) -> Iterator[Family]:
    """The families, without those of `_created` samples, which one format has and the other need not have."""
    names = {sample.name for one in page.families for sample in one.samples}
    for one in page.families:
        base = one.name.removesuffix("_created")
        if base == one.name or not names & {f"{base}_total", f"{base}_count"}:
            yield one


def types(page: Page) -> dict[str, str]:
    """Type by the names of the series, as the text format calls it, where a line says it."""
    return {sample.name: AS_TEXT.get(one.type, one.type) for one in families(page) if one.type for sample in kept(one)}


def series(page: Page) -> dict[Series, float]:
    """Every series with its value."""
    return {series_of(sample): sample.value for family in families(page) for sample in kept(family)}


def shapes(page: Page) -> dict[str, Shape]:
    """Every family that has samples."""
    return {
        base_name(one): Shape(
            AS_TEXT.get(one.type, one.type), one.help or "", {series_of(sample): sample.value for sample in kept(one)}
        )
        for one in families(page)
        if list(kept(one))
    }


def kept(family: Family) -> Iterator[Sample]:
    """The samples that both formats have."""
    created = f"{base_name(family)}_created"
    yield from (one for one in family.samples if family.type not in COUNTING or one.name != created)


def series_of(sample: Sample) -> Series:
    """The series of a sample: bounds as numbers, labels in order."""
    labels = [(name, _bound(value) if name in ("le", "quantile") else value) for name, value in sample.labels]
    return Series(sample.name, tuple(sorted(labels)))


def growing(page: Page) -> dict[Series, float]:
    """What may never fall: counters, counts, buckets, and sums of what is never negative."""
    found: dict[Series, float] = {}
    for family in families(page):
        if family.type in COUNTING:
            may_fall = family.type == "summary" or any(
                value.startswith("-") for one in family.samples for name, value in one.labels if name == "le"
            )
            for sample in kept(family):
                rest = sample.name.removeprefix(base_name(family))
                if (rest != "" and not (rest == "_sum" and may_fall)) or family.type == "counter":
                    found[series_of(sample)] = sample.value
    return found


def counting_families(page: Page) -> set[str]:
    """The counters, histograms and summaries that have samples."""
    return {base_name(one) for one in families(page) if one.type in COUNTING and list(kept(one))}


def fallen(before: Mapping[Series, float], after: Mapping[Series, float]) -> list[str]:
    """What has fallen, in words."""
    return [
        f"{one} fell from {value:g} to {after[one]:g}"
        for one, value in before.items()
        if one in after and (after[one] < value or math.isnan(after[one]))
    ]


def escaped(name: str, scheme: str) -> str:
    """A name under `underscores`, `dots` or `values`, by https://prometheus.io/docs/instrumenting/escaping_schemes/."""
    if scheme != "dots" and LEGAL.fullmatch(name):
        return name
    return ("U__" if scheme == "values" else "") + "".join(
        _letter(letter, scheme, re.match(r"[a-zA-Z_:]" if place == 0 else r"[a-zA-Z0-9_:]", letter) is not None)
        for place, letter in enumerate(name)
    )


def _letter(letter: str, scheme: str, is_legal: bool) -> str:
    if letter == "_" and scheme != "underscores":
        return "__"
    if letter == "." and scheme == "dots":
        return "_dot_"
    if is_legal:
        return letter
    return {"underscores": "_", "dots": "__"}.get(scheme, f"_{ord(letter):x}_")


def _bound(text: str) -> str:
    try:
        return repr(float(text))
    except ValueError:
        return text
