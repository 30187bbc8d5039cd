"""The numbers of publishers, subscribers and brokers as Prometheus metrics. No topic and no endpoint is a label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Role = Literal["publisher", "subscriber", "broker"]
PREFIX = "trueup_event"
COUNTERS: dict[Role, dict[str, str]] = {
    "publisher": {
        "accepted": "Batches that were queued.",
        "refused": "Batches without room, or that could not be encoded: their numbers are gone.",
        "dropped": "Batches that were queued and given up.",
        "sent": "Batches that were handed to ZMQ.",
        "replays": "Replays that were asked for.",
        "replayed": "Batches that were sent again.",
        "malformed_requests": "Requests for a replay that were none.",
        "replays_given_up": "Replays whose client read nothing any more.",
        "refused_peers": "Connections of clients whose key is not on the list.",
    },
    "subscriber": {
        "received": "Messages that were delivered.",
        "malformed": "Messages that were none: skipped.",
        "other_topic": "Messages of topics that only begin alike: skipped.",
        "gaps": "Places where numbers are missing.",
        "missed": "Messages that are lost: not replayed either.",
        "restarts": "Publishers that began anew.",
        "uncertain": "Places where a connection was lost and came back.",
        "duplicates": "Messages that were delivered before.",
        "out_of_order": "Messages that were delivered after a later one.",
        "replays": "Replays that were asked for.",
        "replays_failed": "Replays that did not come to their end.",
        "replayed": "Messages that came from replays.",
        "disconnects": "Connections that were lost.",
    },
    "broker": {
        "messages": "Messages that were handed on.",
        "bytes": "Bytes that were handed on.",
        "refused_peers": "Connections of clients whose key is not on the list.",
    },
}
GAUGES: dict[Role, dict[str, str]] = {
    "publisher": {
        "queued": "Batches that wait to be sent.",
        "subscribers": "Subscribers of the topic that are connected.",
        "replay_held": "Batches that could be sent again.",
        "replay_bytes": "Bytes of those.",
    },
    "subscriber": {"connected": "Endpoints that a publisher is at."},
    "broker": {},
}


class Source(Protocol):
    """Whatever is counted."""

    role: Role
    name: str

    def numbers(self) -> Mapping[str, float]:
        """The present numbers by the names above; a missing one does not apply."""


class TransportCollector:
    """For a registry of prometheus-client: `REGISTRY.register(TransportCollector(publisher, subscriber))`."""

    def __init__(self, *sources: Source) -> None:
        """`ValueError` where two of a kind have one name: their numbers could not be told apart."""
        names = [(source.role, source.name) for source in sources]
        for role, name in names:
            if names.count((role, name)) > 1:
                raise ValueError(f"two of one registry need names of their own, and there are two {role}s {name!r}")
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """The present numbers, for a scrape."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        present = [(source, source.numbers()) for source in self._sources]
        for kind, texts_of in ((CounterMetricFamily, COUNTERS), (GaugeMetricFamily, GAUGES)):
            for role, texts in texts_of.items():
                for name, text in texts.items():
                    family = kind(f"{PREFIX}_{role}_{name}", text, labels=[role])
                    for source, numbers in present:
                        if source.role == role and name in numbers:
                            family.add_metric([source.name], numbers[name])
                    if family.samples:
                        yield family
