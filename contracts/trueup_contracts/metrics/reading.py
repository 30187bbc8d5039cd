"""Reads a page by the format that its content type declares, with the reader of `trueup metrics`."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trueup.metrics.exposition.family import Family as ReadFamily
    from trueup.metrics.exposition.faults import Fault
    from trueup.metrics.policy import PolicySet

TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text"
PROTOBUF = "application/vnd.google.protobuf"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


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


class Page:
    """What stands on a page, and what is wrong with it; each is read when it is asked for."""

    def __init__(self, body: bytes, format: str, policies: PolicySet | None = None) -> None:
        """`format` is a media type; what is not OpenMetrics is read as text. With policies, `faults` are theirs too."""
        self.body = body
        self.format = format
        self._policies = policies

    @functools.cached_property
    def faults(self) -> Sequence[Fault]:
        """What readers refuse or take for something else, in the order of the lines."""
        from trueup.metrics.exposition.exposition import read_exposition
        from trueup.metrics.policy import PolicySet

        policies = PolicySet(()) if self._policies is None else self._policies
        return read_exposition(self.body, policies, openmetrics=self.format == OPENMETRICS).faults

    @functools.cached_property
    def families(self) -> Sequence[Family]:
        """The families; a line that cannot be read is a fault, and the rest is here."""
        from trueup.metrics.exposition.reader import Reader

        found: dict[str, Family] = {}
        kept: dict[str, ReadFamily] = {}

        def done(family: ReadFamily) -> None:  # once for each part of a family
            kept[family.name] = family
            samples = [
                Sample(
                    one.name,
                    tuple((label.name, label.value) for label in one.labels),
                    one.value,
                    one.timestamp is not None,
                )
                for one in family.read
            ]
            family.read = []
            earlier = found[family.name].samples if family.name in found else ()
            text = None if family.help is None else _ESCAPE.sub(_unescaped, family.help)
            found[family.name] = Family(family.name, family.kind or "", text, [*earlier, *samples])

        reader = Reader(openmetrics=self.format == OPENMETRICS, known=kept.get, done=done)
        reader.block(self.body.decode("utf-8", "replace"), 1)
        return list(found.values())


def _unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1] if escape[1] in '\\"' else escape[0]
