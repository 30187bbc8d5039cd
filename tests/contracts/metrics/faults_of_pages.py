"""Pages that break the formats' own laws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.metrics.hooked import OPENMETRICS, Family, Hooked, Sample
from contracts.metrics.seeding import fault


@fault("MX-001")
class EscapesNothing(Hooked):
    """writes label values as they are"""

    def engine(self) -> list[Family]:
        return [*super().engine(), Family("sglang:path", "gauge", "A path.", [Sample("", {"path": 'a "b"'}, 1.0)])]

    def label_value(self, value: str) -> str:
        return value


@fault("MX-001")
class DecimalComma(Hooked):
    """writes numbers as the locale has them"""

    def value(self, kind: str, family: Family, sample: Sample) -> str:
        return super().value(kind, family, sample).replace(".", ",")


@fault("MX-001")
class CutOff(Hooked):
    """leaves the last newline away"""

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        return super().body(kind, escaping, families).rstrip(b"\n")


@fault("MX-001")
class CarriageReturns(Hooked):
    """ends lines as Windows does"""

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        return super().body(kind, escaping, families).replace(b"\n", b"\r\n")


@fault("MX-001")
class OwnType(Hooked):
    """declares a type that there is not"""

    def type(self, kind: str, family: Family) -> str:
        return "timer" if family.type == "histogram" else super().type(kind, family)


@fault("MX-001")
class DashInName(Hooked):
    """takes a dash into a name"""

    def engine(self) -> list[Family]:
        return [*super().engine(), Family("sglang:cache-hits", "gauge", "Hits.", [Sample("", {}, 1.0)])]


@fault("MX-001")
class NoContent(Hooked):
    """answers 204 to whoever asks for text"""

    def scrape(self, accept: str | None) -> dict[str, Any]:
        answer = super().scrape(accept)
        return answer if accept and OPENMETRICS in accept else {**answer, "status": 204}


@fault("MX-002")
class MetadataPerSample(Hooked):
    """writes TYPE before each sample"""

    def lines(self, kind: str, escaping: str, family: Family) -> list[str]:
        metadata = self.metadata(kind, escaping, family)
        return [line for one in family.samples for line in [*metadata, self.sample(kind, escaping, family, one)]]


@fault("MX-002")
class MetadataLast(Hooked):
    """writes HELP and TYPE behind the samples"""

    def lines(self, kind: str, escaping: str, family: Family) -> list[str]:
        lines = super().lines(kind, escaping, family)
        return [*lines[2:], *lines[:2]]


@fault("MX-003")
class SplitFamily(Hooked):
    """writes one model's samples, then the next one's"""

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        lines = [line for one in families for line in self.lines(kind, escaping, one)]
        moved = [line for line in lines if line.startswith("sglang:ttft_seconds_count")]
        lines = [line for line in lines if line not in moved] + moved
        return "".join(f"{line}\n" for line in [*lines, *self.end(kind)]).encode()


@fault("MX-004")
class SameTwice(Hooked):
    """exposes a gauge of two workers without a label for the worker"""

    def engine(self) -> list[Family]:
        families = super().engine()
        families[1].samples.append(Sample("", dict(families[1].samples[0].labels), 1.0))
        return families


@fault("MX-004")
class SameInOtherOrder(Hooked):
    """exposes a series twice, with its labels in another order"""

    def engine(self) -> list[Family]:
        labels = {"a": "1", "b": "2"}
        samples = [Sample("", labels, 1.0), Sample("", dict(reversed(labels.items())), 1.0)]
        return [*super().engine(), Family("sglang:depth", "gauge", "Depth.", samples)]


class _OtherHistogram(Hooked):
    def histogram(self, labels: dict[str, str]) -> list[Sample]:
        return self.changed(super().histogram(labels), labels)

    def changed(self, samples: list[Sample], labels: dict[str, str]) -> list[Sample]:
        raise NotImplementedError


@fault("MX-005")
class NotCumulative(_OtherHistogram):
    """writes each bucket's own count"""

    def changed(self, samples: list[Sample], labels: dict[str, str]) -> list[Sample]:
        for sample, count in zip(samples, self.buckets, strict=False):
            sample.value = count
        return samples


@fault("MX-005")
class NoInfinity(_OtherHistogram):
    """leaves the bucket +Inf away"""

    def changed(self, samples: list[Sample], labels: dict[str, str]) -> list[Sample]:
        return [one for one in samples if one.labels.get("le") != "+Inf"]


@fault("MX-005")
class CountIsAnother(_OtherHistogram):
    """counts what is above the last bound in _count alone"""

    def changed(self, samples: list[Sample], labels: dict[str, str]) -> list[Sample]:
        samples[-1].value += 1
        return samples


@fault("MX-005")
class BucketsBackwards(_OtherHistogram):
    """writes the largest bucket first"""

    def changed(self, samples: list[Sample], labels: dict[str, str]) -> list[Sample]:
        return [*reversed(samples[:-2]), *samples[-2:]]


@fault("MX-005")
class BucketsWithoutBound(_OtherHistogram):
    """loses the label le when it merges labels"""

    def changed(self, samples: list[Sample], labels: dict[str, str]) -> list[Sample]:
        samples[0].labels = {**labels}
        return samples


@fault("MX-006")
class NoSum(_OtherHistogram):
    """leaves _sum away"""

    def changed(self, samples: list[Sample], labels: dict[str, str]) -> list[Sample]:
        return [one for one in samples if one.suffix != "_sum"]


@fault("MX-007")
class CountsDown(Hooked):
    """gives requests back that were aborted, below zero"""

    def engine(self) -> list[Family]:
        families = super().engine()
        families[0].samples.append(Sample("_total", {"model_name": "other"}, -1.0))
        return families


@fault("MX-007")
class DividesByNothing(Hooked):
    """has a counter of NaN"""

    def engine(self) -> list[Family]:
        nan = Sample("_total", {}, float("nan"))
        return [*super().engine(), Family("sglang:tokens", "counter", "Tokens.", [nan])]


@fault("MX-008")
class CounterWithoutTotal(Hooked):
    """writes counters in OpenMetrics without _total"""

    def sample_name(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        name = super().sample_name(kind, escaping, family, sample)
        return name.removesuffix("_total") if kind == OPENMETRICS else name


@fault("MX-009")
class NoEnd(Hooked):
    """leaves # EOF away"""

    def end(self, kind: str) -> list[str]:
        return []


@fault("MX-009")
class AppendsBehindTheEnd(Hooked):
    """appends a second registry's page behind # EOF"""

    def end(self, kind: str) -> list[str]:
        more = ["# TYPE second gauge", "second 1.0"] if kind == OPENMETRICS else []
        return [*super().end(kind), *more, *super().end(kind)]


@fault("MX-010")
class QuantilesInPerCent(Hooked):
    """names quantiles in per cent"""

    def summary(self, labels: dict[str, str]) -> list[Sample]:
        samples = super().summary(labels)
        samples[1].labels["quantile"] = "99"
        return samples


@fault("MX-010")
class LabelTwice(Hooked):
    """merges constant labels with a series' own, and keeps both"""

    def labels(self, kind: str, family: Family, sample: Sample) -> list[tuple[str, str]]:
        labels = super().labels(kind, family, sample)
        return [*labels, ("model_name", "mock")] if family.type == "gauge" else labels


@fault("MX-011")
class ExemplarsInText(Hooked):
    """writes exemplars in the text format"""

    def sample(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        line = super().sample(kind, escaping, family, sample)
        return line if kind == OPENMETRICS else line + sample.exemplar


@fault("MX-011")
class ExemplarsOnGauges(Hooked):
    """writes an exemplar behind a gauge"""

    def engine(self) -> list[Family]:
        families = super().engine()
        families[1].samples[0].exemplar = ' # {trace_id="abc"} 1.0'
        return families


@fault("MX-012")
class NoTypes(Hooked):
    """writes no TYPE for gauges"""

    def metadata(self, kind: str, escaping: str, family: Family) -> list[str]:
        metadata = super().metadata(kind, escaping, family)
        return metadata[:1] if family.type == "gauge" else metadata


@fault("MX-012")
class NoHelp(Hooked):
    """writes no HELP"""

    def metadata(self, kind: str, escaping: str, family: Family) -> list[str]:
        return super().metadata(kind, escaping, family)[1:]


@fault("MX-013")
class Timestamps(Hooked):
    """writes when each value was last set"""

    def sample(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        stamp = "1764090000.0" if kind == OPENMETRICS else "1764090000000"
        line = super().sample(kind, escaping, family, sample)
        before, mark, exemplar = line.partition(" # ")
        return f"{before} {stamp}{mark}{exemplar}"
