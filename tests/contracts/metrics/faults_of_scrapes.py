"""Exporters that are wrong over time: under load, after a failure, during shutdown."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Mapping
from typing import Any

from contracts.metrics.hooked import Family, Hooked, Sample
from contracts.metrics.seeding import fault
from trueup_contracts.errors import Malformed

# The suite's limits are ten seconds and one; the tests of the faults lower them to a tenth of that.
HANGS_S, SLOW_S = 2.0, 0.15


@fault("MX-030")
class Hangs(Hooked):
    """waits for an engine that is gone"""

    def collect(self) -> list[Family]:
        threading.Event().wait(HANGS_S)
        return super().collect()


@fault("MX-031")
class Slow(Hooked):
    """asks each worker in turn"""

    def collect(self) -> list[Family]:
        threading.Event().wait(SLOW_S)
        return super().collect()


@fault("MX-032")
class ReadsAnIteratorOnce(Hooked):
    """keeps an iterator, which is empty at the second scrape"""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.histograms = iter([family for family in super().engine() if family.type == "histogram"])

    def engine(self) -> list[Family]:
        return [one for one in super().engine() if one.type != "histogram"] + list(self.histograms)


@fault("MX-032")
class ForgetsIdleFamilies(Hooked):
    """drops a counter that did not rise since the last scrape"""

    scrapes = 0

    def engine(self) -> list[Family]:
        self.scrapes += 1
        return [one for one in super().engine() if one.type != "counter" or self.scrapes % 3]


@fault("MX-033")
class ResetsAtScrape(Hooked):
    """sets its counter back at each scrape, as statsd does"""

    def engine(self) -> list[Family]:
        families = super().engine()
        self.requests = 0
        return families


@fault("MX-033")
class CountsBackwards(Hooked):
    """exposes what is left of a quota as a counter"""

    def engine(self) -> list[Family]:
        left = Sample("_total", {}, 1e6 - self.requests)
        return [*super().engine(), Family("sglang:quota", "counter", "Quota.", [left])]


@fault("MX-033")
class WindowedHistogram(Hooked):
    """forgets what is older than the last ten requests in its histogram"""

    def observe(self, latency_s: float) -> None:
        super().observe(latency_s)
        with self.lock:
            if sum(self.buckets) > 10:
                self.buckets = [0] * len(self.buckets)


@fault("MX-034")
class OneBuffer(Hooked):
    """builds every page in one buffer"""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.buffer: list[str] = []

    def body(self, kind: str, escaping: str, families: Any) -> bytes:
        self.buffer.clear()
        for family in families:
            self.buffer.extend(self.lines(kind, escaping, family))
            threading.Event().wait(0.001)  # another scraper comes in between
        return "".join(f"{line}\n" for line in [*self.buffer, *self.end(kind)]).encode()


@fault("MX-034")
class OneScraperAtATime(Hooked):
    """refuses a scraper while another one is served"""

    busy = False

    def scrape(self, accept: str | None) -> dict[str, Any]:
        if self.busy:
            return {"status": 503, "content_type": "text/plain", "body": b"busy"}
        self.busy = True
        threading.Event().wait(0.002)
        try:
            return super().scrape(accept)
        finally:
            self.busy = False


@fault("MX-040")
class RenderedOnce(Hooked):
    """renders its page once"""

    first: Any = None

    def engine(self) -> list[Family]:
        self.first = self.first or super().engine()
        return list(self.first)


@fault("MX-041")
class Samples(Hooked):
    """counts every other request"""

    def observe(self, latency_s: float) -> None:
        if self.seen % 2 == 0:
            super().observe(latency_s)


@fault("MX-041")
class BatchesCounts(Hooked):
    """counts in batches of ten"""

    waiting = 0

    def observe(self, latency_s: float) -> None:
        self.waiting += 1
        if self.waiting == 10:
            self.waiting = 0
            for _ in range(10):
                super().observe(latency_s)


@fault("MX-042")
class CountsInTwoSteps(Hooked):
    """raises a bucket first, and the count of all a moment later"""

    count = 0

    def observe(self, latency_s: float) -> None:
        super().observe(latency_s)
        threading.Event().wait(0.0005)
        with self.lock:
            self.count += 1

    def histogram(self, labels: dict[str, str]) -> list[Sample]:
        samples = super().histogram(labels)
        samples[-1].value = self.count
        return samples


@fault("MX-042")
class ReadsWithoutALock(Hooked):
    """reads _count long before it reads the buckets"""

    def collect(self) -> list[Family]:
        before = float(self.requests)
        threading.Event().wait(0.001)
        families = super().collect()
        for family in families:
            if family.type == "histogram" and self.source is None:
                family.samples[-1].value = before
        return families


@fault("MX-043")
class RequestIdLabel(Hooked):
    """labels a gauge with the request's id"""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        super().__init__(config)
        self.ids: set[str] = set()

    def observe(self, latency_s: float) -> None:
        super().observe(latency_s)
        self.ids.add(self.last_id)

    def engine(self) -> list[Family]:
        samples = [Sample("", {"request_id": one}, 1.0) for one in sorted(self.ids)]
        return [*super().engine(), Family("sglang:request_tokens", "gauge", "Tokens.", samples)]


@fault("MX-043")
class SessionLabel(RequestIdLabel):
    """labels a gauge with a hash of the request"""

    def observe(self, latency_s: float) -> None:
        super().observe(latency_s)
        self.ids = {f"{zlib.crc32(one.encode()):08x}" if one.startswith("id-") else one for one in self.ids}


@fault("MX-050")
class EmptyPage(Hooked):
    """answers an empty page with status 200 when a collection fails"""

    def failed(self, error: Exception) -> dict[str, Any]:
        return {"status": 200, "content_type": "text/plain; version=0.0.4", "body": b""}


@fault("MX-050")
class ErrorAsAPage(Hooked):
    """answers the error's text with status 200"""

    def failed(self, error: Exception) -> dict[str, Any]:
        return {**super().failed(error), "status": 200}


@fault("MX-050")
class NotFound(Hooked):
    """answers 404 when a collection fails"""

    def failed(self, error: Exception) -> dict[str, Any]:
        return {**super().failed(error), "status": 404}


@fault("MX-051")
class StaysBroken(Hooked):
    """gives a collector up that failed once"""

    has_failed = False

    def failed(self, error: Exception) -> dict[str, Any]:
        self.has_failed = True
        return super().failed(error)

    def engine(self) -> list[Family]:
        return [one for one in super().engine() if not self.has_failed or one.type == "gauge"]


@fault("MX-051")
class StartsAgain(Hooked):
    """makes a new registry when a collection fails"""

    def failed(self, error: Exception) -> dict[str, Any]:
        self.requests, self.buckets, self.sum_s = 0, [0] * len(self.buckets), 0.0
        return super().failed(error)


@fault("MX-052")
class HalfAPage(Hooked):
    """unregisters its collectors one after the other, and is cut off in the middle"""

    def scrape(self, accept: str | None) -> dict[str, Any]:
        answer = super().scrape(accept)
        body = answer["body"]
        return {**answer, "body": body[: len(body) // 2]} if self.stops else answer


@fault("MX-052")
class EmptyAtTheEnd(Hooked):
    """has an empty registry during shutdown"""

    def engine(self) -> list[Family]:
        return [] if self.stops else super().engine()


@fault("MX-052")
class HangsAtTheEnd(Hooked):
    """waits for the engine during shutdown"""

    def collect(self) -> list[Family]:
        if self.stops:
            threading.Event().wait(HANGS_S)
        return super().collect()


@fault("MX-052")
class RefusesOtherwise(Hooked):
    """says during shutdown that the request was malformed"""

    def scrape(self, accept: str | None) -> dict[str, Any]:
        if self.stops:
            raise Malformed("there is no engine")
        return super().scrape(accept)


@fault("MX-053")
class ZeroAtTheEnd(Hooked):
    """zeroes its counters at the begin of a shutdown"""

    def begin_shutdown(self) -> None:
        super().begin_shutdown()
        self.requests, self.buckets, self.sum_s = 0, [0] * len(self.buckets), 0.0


@fault("MX-053")
class OnlyGaugesAtTheEnd(Hooked):
    """exposes its gauges alone during shutdown"""

    def engine(self) -> list[Family]:
        return [one for one in super().engine() if not self.stops or one.type in ("gauge", "info")]
