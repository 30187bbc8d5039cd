"""Exporters that break the policy of `policy.yaml`."""

from __future__ import annotations

from typing import Any

from contracts.metrics.hooked import Family, Hooked, Sample
from contracts.metrics.seeding import fault


class _Changed(Hooked):
    def engine(self) -> list[Family]:
        return self.changed(super().engine())

    def changed(self, families: list[Family]) -> list[Family]:
        raise NotImplementedError


@fault("MX-080")
class CounterIsAGauge(_Changed):
    """exposes a counter as a gauge"""

    def changed(self, families: list[Family]) -> list[Family]:
        value = families[0].samples[0].value
        families[0] = Family(
            "sglang:num_requests_total", "gauge", "Requests.", [Sample("", {"model_name": "m"}, value)]
        )
        return families


@fault("MX-080")
class HistogramIsASummary(_Changed):
    """exposes a histogram as a summary"""

    def changed(self, families: list[Family]) -> list[Family]:
        families[2].type = "summary"
        families[2].samples = families[2].samples[-2:]
        return families


@fault("MX-081")
class LacksOne(_Changed):
    """lacks a family that the policy requires"""

    def changed(self, families: list[Family]) -> list[Family]:
        return families[1:]


@fault("MX-081")
class RenamesOne(_Changed):
    """has renamed a family"""

    def changed(self, families: list[Family]) -> list[Family]:
        families[1].name = "sglang:running_requests"
        return families


@fault("MX-082")
class LosesALabel(_Changed):
    """has lost a label"""

    def changed(self, families: list[Family]) -> list[Family]:
        families[1].samples[0].labels = {}
        return families


@fault("MX-082")
class HasAUserLabel(_Changed):
    """labels with the user"""

    def changed(self, families: list[Family]) -> list[Family]:
        families[0].samples[0].labels = {"model_name": "mock", "user": "alice"}
        return families


@fault("MX-083")
class Underscore(_Changed):
    """writes sglang_ for sglang:"""

    def changed(self, families: list[Family]) -> list[Family]:
        for family in families:
            family.name = family.name.replace(":", "_")
        return families


@fault("MX-083")
class DoubledPrefix(_Changed):
    """writes the prefix twice"""

    def changed(self, families: list[Family]) -> list[Family]:
        families[1].name = "sglang:" + families[1].name
        return families


@fault("MX-084")
class SeriesPerRank(_Changed):
    """has a series for each of a thousand ranks"""

    def changed(self, families: list[Family]) -> list[Family]:
        families[1].samples = [Sample("", {"model_name": "mock", "rank": str(rank)}, 0.0) for rank in range(1000)]
        return families


@fault("MX-085")
class Phantom(_Changed):
    """declares a counter, and never counts"""

    def changed(self, families: list[Family]) -> list[Family]:
        families[0].samples = []
        return families


@fault("MX-085")
class PhantomUnderLoad(_Changed):
    """never registers what is there once traffic flows"""

    def changed(self, families: list[Family]) -> list[Family]:
        return [one for one in families if one.type != "histogram"]


@fault("MX-086")
class UnknownFamily(_Changed):
    """has a family that the policy does not know"""

    def changed(self, families: list[Family]) -> list[Family]:
        return [*families, Family("sglang:new_thing", "gauge", "New.", [Sample("", {}, 1.0)])]


@fault("MX-087")
class OldName(_Changed):
    """exposes a deprecated family beside the new one"""

    def changed(self, families: list[Family]) -> list[Family]:
        old: Any = Family("sglang:running_reqs", "gauge", "Old.", [Sample("", {"model_name": "mock"}, 0.0)])
        return [*families, old]
