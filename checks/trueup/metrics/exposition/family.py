"""A metric family as it was read."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trueup.metrics.exposition.sample import Sample


@dataclasses.dataclass(slots=True)
class Place:
    """A line (from 1), and columns from 1."""

    line: int
    column: int = 1
    end_column: int = 1


@dataclasses.dataclass(slots=True)
class Family:
    """What the laws and the policy are asked about.

    `kind` is the type as the exposition writes it; `None` where there is no TYPE line. `shapes` are the sets of
    label names that its series have (without `le` and `quantile` where they are the type's own), each with the line
    of the first; `series` counts label sets, `samples` lines. `read` holds the samples where they were read one by one.
    """

    name: str
    openmetrics: bool
    kind: str | None = None
    help: str | None = None
    unit: str | None = None
    place: Place = dataclasses.field(default_factory=lambda: Place(1))
    shapes: dict[tuple[str, ...], Place] = dataclasses.field(default_factory=dict)
    series: int = 0
    samples: int = 0
    read: list[Sample] = dataclasses.field(default_factory=list)
    has_metadata: bool = False

    @property
    def policy_name(self) -> str:
        """Its name as a policy writes it: counters with `_total`, infos with `_info`."""
        suffix = {"counter": "_total", "info": "_info"}.get(self.kind or "", "") if self.openmetrics else ""
        return self.name if self.name.endswith(suffix) else self.name + suffix

    @property
    def own_label(self) -> str | None:
        """The label that belongs to the type."""
        if self.kind in ("histogram", "gaugehistogram"):
            return "le"
        return "quantile" if self.kind == "summary" else None


_TEXT = {
    "counter": ("",),
    "gauge": ("",),
    "untyped": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("", "_sum", "_count"),
}
_OPENMETRICS = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "unknown": ("",),
    "histogram": ("_bucket", "_sum", "_count", "_created"),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    "summary": ("", "_sum", "_count", "_created"),
    "info": ("_info",),
    "stateset": ("",),
}


def kinds(*, openmetrics: bool) -> tuple[str, ...]:
    """The types of the format."""
    return tuple(_OPENMETRICS if openmetrics else _TEXT)


def suffixes(kind: str | None, *, openmetrics: bool) -> tuple[str, ...]:
    """What the samples of a family of this type are called behind its name."""
    return (_OPENMETRICS if openmetrics else _TEXT).get(kind or "", ("",))
