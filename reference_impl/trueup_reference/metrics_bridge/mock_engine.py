"""A stand-in for a serving engine: the metrics of one, without a model."""

from __future__ import annotations

import itertools

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
TOKENS = 16  # per request


class MockEngine:
    """Its metrics bear SGLang's prefix and some of its names; `registry` holds them."""

    def __init__(self, prefix: str = "sglang:", *, exemplars: bool = True) -> None:
        """`exemplars`: whether a request's id stands behind the bucket that it was counted in."""
        self.registry = CollectorRegistry()
        self._has_exemplars = exemplars
        labels = ("model_name",)
        made = {"registry": self.registry, "labelnames": labels}
        self._requests = Counter(f"{prefix}num_requests_total", "Requests handled.", **made)  # type: ignore[arg-type]
        self._tokens = Counter(f"{prefix}generation_tokens_total", "Tokens generated.", **made)  # type: ignore[arg-type]
        self._running = Gauge(f"{prefix}num_running_reqs", "Requests that run now.", **made)  # type: ignore[arg-type]
        self._ttft = Histogram(
            f"{prefix}time_to_first_token_seconds",
            "Time to the first token.",
            labels,
            registry=self.registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self._ids = itertools.count()
        for family in (self._requests, self._tokens, self._running, self._ttft):
            family.labels("mock")  # there from the first scrape on: no traffic is 0, not nothing

    def drive(self, requests: int, distinct_ids: int) -> None:
        """Handles requests. Their ids are new ones, and no label: each would be a series that stays for ever."""
        ids = [f"request-{next(self._ids)}" for _ in range(distinct_ids)]
        for number in range(requests):
            self._handle(ids[number % len(ids)] if ids else "", number)

    def _handle(self, request_id: str, number: int) -> None:
        with self._running.labels("mock").track_inprogress():
            latency_s = LATENCY_BUCKETS_S[(number + len(request_id)) % len(LATENCY_BUCKETS_S)]
            exemplar = {"request_id": request_id} if request_id and self._has_exemplars else None
            self._ttft.labels("mock").observe(latency_s, exemplar)
            self._tokens.labels("mock").inc(TOKENS)
            self._requests.labels("mock").inc()
