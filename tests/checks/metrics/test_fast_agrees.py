"""Looking at a family at a glance says no more than reading it line by line does."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.metrics.generating import damaged, lawful
from trueup.metrics.exposition.exposition import blocks
from trueup.metrics.exposition.family import Family
from trueup.metrics.exposition.fast import Glance
from trueup.metrics.exposition.laws import family_faults
from trueup.metrics.exposition.reader import Reader

TEXTS = st.one_of(
    *(st.tuples(one(openmetrics=form), st.just(form)) for one in (lawful, damaged) for form in (True, False))
)


def slowly(text: str, *, openmetrics: bool) -> tuple[list[Family], int]:
    found: list[Family] = []
    faults = 0

    def take(family: Family) -> None:
        nonlocal faults
        faults += sum(1 for _ in family_faults(family))
        family.read = []
        found.append(family)

    reader = Reader(openmetrics=openmetrics, known=lambda _: None, done=take)
    reader.block(text, 1)
    return found, faults + len(reader.faults)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_what_passes_at_a_glance_has_no_fault(case: tuple[str, bool]) -> None:
    text, openmetrics = case
    data = text.encode()
    glance = Glance(openmetrics=openmetrics)
    for start, end in blocks(data):
        block = data[start:end].decode()
        quick = glance.family(block, 1)
        if quick is not None:
            exact, faults = slowly(block, openmetrics=openmetrics)
            assert faults == 0
            assert [dataclasses.asdict(one) for one in exact] == [dataclasses.asdict(quick)]


@pytest.mark.parametrize("openmetrics", [True, False])
def test_what_clients_write_passes_at_a_glance(openmetrics: bool) -> None:
    """Otherwise nothing would be fast, and the test above would prove nothing."""
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
    from prometheus_client.exposition import generate_latest
    from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

    registry = CollectorRegistry()
    for model in ("m", "n", "zai-org/GLM 5 {x}"):
        if model == "m":
            histogram = Histogram("engine:ttft_seconds", "Text.", ["model", "engine"], registry=registry)
            counter = Counter("engine:requests", "Text.", ["model"], registry=registry)
            gauge = Gauge("engine:queue", "Text.", registry=registry)
            summary = Summary("engine:size_bytes", "Text.", ["model"], registry=registry)
        histogram.labels(model.strip("}"), "0").observe(0.3)
        counter.labels(model.strip("}")).inc()
        summary.labels(model.strip("}")).observe(3)
        gauge.set(3)
    written = generate_openmetrics if openmetrics else generate_latest
    data = written(registry, escaping="allow-utf-8")
    glance = Glance(openmetrics=openmetrics)
    slow = [data[a:b] for a, b in blocks(data) if glance.family(data[a:b].decode(), 1) is None]
    assert [one for one in slow if one != b"# EOF\n"] == []
