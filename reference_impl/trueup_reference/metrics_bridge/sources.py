"""Families from an exposition that somebody else wrote."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

_WITH_CREATED = ("counter", "histogram", "summary")


class TextSource:
    """A page of the text format 0.0.4, as an engine's own endpoint answers it."""

    def __init__(self, exposition: bytes) -> None:
        """Raises `ValueError` for a page that cannot be read: half of one would look like an engine that lost it."""
        families = list(text_string_to_metric_families(exposition.decode("utf-8")))
        # The text format writes `_created` samples as gauges of their own; in OpenMetrics those names are taken.
        created = {f"{family.name}_created" for family in families if family.type in _WITH_CREATED}
        self._families = [family for family in families if family.name not in created]

    def collect(self) -> Iterable[Metric]:
        """The families of the page."""
        return self._families
