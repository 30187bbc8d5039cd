"""A family under another name: its samples keep their suffixes."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client.core import Metric


def renamed(family: Metric, name: str, label: Callable[[str], str] | None = None) -> Metric:
    """A copy of this name, with what `label` makes of the labels' names. The family itself is not changed."""
    made = Metric(name, family.documentation, family.type)
    made.unit = family.unit  # not through the constructor, which would lengthen the name
    for sample in family.samples:
        labels = sample.labels if label is None else {label(key): value for key, value in sample.labels.items()}
        made.samples.append(sample._replace(name=name + sample.name.removeprefix(family.name), labels=labels))
    return made
