"""An exporter written by hand whose every decision is a method, so that a fault is a line."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from trueup_contracts.errors import Malformed

TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text"
BOUNDS_S = (0.1, 0.5, 1.0)
LEGAL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass
class Sample:
    suffix: str
    labels: dict[str, str]
    value: float
    exemplar: str = ""


@dataclass
class Family:
    """`name` is without `_total` and `_info`."""

    name: str
    type: str
    help: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def written(self) -> str:
        return self.name + {"counter": "_total", "info": "_info"}.get(self.type, "")


class Hooked:
    """Correct as it stands."""

    capabilities = frozenset({"filter", "traffic", "faults", "shutdown", "threads"})

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        self.check(config)
        self.keep: list[str] = list(config.get("keep_prefixes", []))
        self.drop: list[str] = list(config.get("drop_prefixes", []))
        self.add: str = config.get("add_prefix", "")
        self.lock = threading.Lock()
        self.source: list[Family] | None = None
        self.fails = self.stops = False
        self.requests = self.seen = 0
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0
        self.last_id = ""

    def check(self, config: Mapping[str, Any]) -> None:
        unknown = set(config) - {"keep_prefixes", "drop_prefixes", "add_prefix"}
        lists = [config.get(name, []) for name in ("keep_prefixes", "drop_prefixes")]
        if unknown or not all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists):
            raise ValueError("no such setting")
        if not isinstance(config.get("add_prefix", ""), str) or not LEGAL.fullmatch(config.get("add_prefix") or "_"):
            raise ValueError("no such prefix")

    # The engine.

    def drive(self, requests: int, distinct_ids: int) -> None:
        for number in range(requests):
            with self.lock:
                self.seen += 1
                self.last_id = f"id-{self.seen}"
            self.observe((number % 5) * 0.3)

    def observe(self, latency_s: float) -> None:
        with self.lock:
            self.requests += 1
            self.buckets[sum(latency_s > bound for bound in BOUNDS_S)] += 1
            self.sum_s += latency_s

    def engine(self) -> list[Family]:
        labels = {"model_name": "mock"}
        return [
            Family("sglang:num_requests", "counter", "Requests handled.", [Sample("_total", labels, self.requests)]),
            Family("sglang:num_running_reqs", "gauge", "Requests that run.", [Sample("", labels, 0.0)]),
            Family("sglang:ttft_seconds", "histogram", "Time to the first token.", self.histogram(labels)),
            Family("sglang:queue_seconds", "summary", "Time in the queue.", self.summary(labels)),
            Family("sglang:build", "info", "The release.", [Sample("_info", {"version": "1.0"}, 1.0)]),
        ]

    def histogram(self, labels: dict[str, str]) -> list[Sample]:
        total, samples = 0, []
        for bound, count in zip([*map(str, BOUNDS_S), "+Inf"], self.buckets, strict=True):
            total += count
            samples.append(Sample("_bucket", {**labels, "le": bound}, total, self.exemplar(count)))
        return [*samples, Sample("_sum", labels, self.sum_s), Sample("_count", labels, total)]

    def exemplar(self, count: int) -> str:
        return ' # {trace_id="abc"} 0.05' if count else ""

    def summary(self, labels: dict[str, str]) -> list[Sample]:
        quantiles = [Sample("", {**labels, "quantile": one}, 0.2) for one in ("0.5", "0.99")]
        return [*quantiles, Sample("_sum", labels, 0.2 * self.requests), Sample("_count", labels, self.requests)]

    def fail_next(self) -> None:
        self.fails = True

    def begin_shutdown(self) -> None:
        self.stops = True

    # The source.

    def set_source(self, exposition: bytes) -> None:
        self.source = self.read(exposition)

    def read(self, exposition: bytes) -> list[Family]:
        try:
            found = list(text_string_to_metric_families(exposition.decode()))
        except ValueError as error:
            raise Malformed(str(error)) from error
        families = []
        created = {f"{one.name}_created" for one in found}
        for one in found:
            if one.name not in created:
                samples = [Sample(s.name.removeprefix(one.name), dict(s.labels), s.value) for s in one.samples]
                families.append(Family(one.name, one.type, one.documentation, samples))
        return families

    def passed_on(self, families: Iterable[Family]) -> list[Family]:
        renamed = [replace(one, name=self.name(one.name)) for one in families if self.is_kept(one)]
        self.check_clashes(renamed)
        return renamed

    def check_clashes(self, families: Sequence[Family]) -> None:
        names = [one.name for one in families]
        if len(set(names)) < len(names):
            raise ValueError("two families of one name")

    def is_kept(self, family: Family) -> bool:
        if any(self.begins(family.written, prefix) for prefix in self.drop):
            return False
        return not self.keep or any(self.begins(family.written, prefix) for prefix in self.keep)

    def begins(self, name: str, prefix: str) -> bool:
        return name.startswith(prefix)

    def name(self, name: str) -> str:
        if not self.add:
            return name
        name = self.bare(name)
        return name if self.has_prefix(name) else self.add + name

    def bare(self, name: str) -> str:
        return next((name.removeprefix(one) for one in self.keep if name.startswith(one)), name)

    def has_prefix(self, name: str) -> bool:
        return name.startswith(self.add)

    # The page.

    def scrape(self, accept: str | None) -> dict[str, Any]:
        kind, escaping, told = self.choose(accept)
        try:
            families = self.collect()
        except Exception as error:  # noqa: BLE001
            return self.failed(error)
        return {
            "status": 200,
            "content_type": self.content_type(kind, told),
            "body": self.body(kind, escaping, families),
        }

    def collect(self) -> list[Family]:
        with self.lock:
            if self.fails:
                self.fails = False
                raise RuntimeError("the collection failed")
            families = self.engine() if self.source is None else self.source
        return self.passed_on(families)

    def failed(self, error: Exception) -> dict[str, Any]:
        return {"status": 500, "content_type": TEXT, "body": str(error).encode()}

    def choose(self, accept: str | None) -> tuple[str, str, str]:
        """Format, escaping, and the escaping that the content type tells."""
        for offer in (accept or "").split(","):
            name, *parameters = (one.strip() for one in offer.split(";"))
            found = dict(one.partition("=")[::2] for one in parameters)
            if name == OPENMETRICS and found.get("version", "1.0.0") == "1.0.0":
                told = found.get("escaping", "")
                return OPENMETRICS, told, told if told in ("allow-utf-8", "underscores", "dots", "values") else ""
        return TEXT, "", ""

    def content_type(self, kind: str, told: str) -> str:
        version = "1.0.0" if kind == OPENMETRICS else "0.0.4"
        return f"{kind}; version={version}; charset=utf-8{f'; escaping={told}' if told else ''}"

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        lines = [line for one in self.ordered(families) for line in self.lines(kind, escaping, one)]
        return "".join(f"{line}\n" for line in [*lines, *self.end(kind)]).encode()

    def ordered(self, families: Sequence[Family]) -> Sequence[Family]:
        return families

    def end(self, kind: str) -> list[str]:
        return ["# EOF"] if kind == OPENMETRICS else []

    def lines(self, kind: str, escaping: str, family: Family) -> list[str]:
        metadata = self.metadata(kind, escaping, family)
        return [*metadata, *(self.sample(kind, escaping, family, one) for one in family.samples)]

    def metadata(self, kind: str, escaping: str, family: Family) -> list[str]:
        name = self.escaped(family.name if kind == OPENMETRICS else family.written, escaping)
        text = family.help.replace("\\", r"\\").replace("\n", r"\n")
        if kind == OPENMETRICS:
            text = text.replace('"', r"\"")
        return [f"# HELP {name} {text}", f"# TYPE {name} {self.type(kind, family)}"]

    def type(self, kind: str, family: Family) -> str:
        if kind == OPENMETRICS:
            return family.type
        return {"info": "gauge", "unknown": "untyped"}.get(family.type, family.type)

    def sample(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        name = self.sample_name(kind, escaping, family, sample)
        labels = self.labels(kind, family, sample)
        told = ",".join(f'{key}="{self.label_value(value)}"' for key, value in labels)
        value = self.value(kind, family, sample)
        return f"{name}{f'{{{told}}}' if told else ''} {value}{sample.exemplar if kind == OPENMETRICS else ''}"

    def sample_name(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        return self.escaped(family.name + sample.suffix, escaping)

    def escaped(self, name: str, escaping: str) -> str:
        return name

    def labels(self, kind: str, family: Family, sample: Sample) -> list[tuple[str, str]]:
        return list(sample.labels.items())

    def label_value(self, value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    def value(self, kind: str, family: Family, sample: Sample) -> str:
        return repr(float(sample.value)).replace("inf", "+Inf").replace("nan", "NaN")
