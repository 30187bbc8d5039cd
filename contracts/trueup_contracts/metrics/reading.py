"""Reads a page by the format that its content type declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text"
PROTOBUF = "application/vnd.google.protobuf"


class Sample(NamedTuple):
    """One sample."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float
    has_timestamp: bool


class Family(NamedTuple):
    """A family: `type` is empty and `help` nothing where no line says it. Names are as they stand on the page."""

    name: str
    type: str
    help: str | None
    samples: Sequence[Sample]


class Fault(NamedTuple):
    """What a reader finds wrong."""

    rule: str
    line: int
    message: str


class Page(NamedTuple):
    """What stands on a page, and what is wrong with it."""

    format: str
    families: Sequence[Family]
    faults: Sequence[Fault]


def read(body: bytes, format: str, policies: Any = None) -> Page:
    """The page. What cannot be read is a fault, and the rest is read."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
    from prometheus_client.parser import text_string_to_metric_families as read_text

    try:
        text = body.decode("utf-8")
        found = list((read_openmetrics if format == OPENMETRICS else read_text)(text))
    except ValueError as error:
        return Page(format, (), [Fault("bad-line", 0, str(error))])
    families = [
        Family(
            one.name,
            one.type,
            one.documentation,
            [
                Sample(sample.name, tuple(sorted(sample.labels.items())), sample.value, sample.timestamp is not None)
                for sample in one.samples
            ],
        )
        for one in found
    ]
    return Page(format, families, [])
