"""Pages that differ by scraper, and answers that are not what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.metrics.hooked import LEGAL, OPENMETRICS, TEXT, Family, Hooked, Sample
from contracts.metrics.seeding import fault
from trueup_contracts.metrics.normal import escaped


@fault("MX-020")
class RewritesTheColon(Hooked):
    """writes _ for : in OpenMetrics, unless UTF-8 is allowed"""

    def escaped(self, name: str, escaping: str) -> str:
        return name if escaping == "allow-utf-8" else name.replace(":", "_")

    def metadata(self, kind: str, escaping: str, family: Family) -> list[str]:
        return super().metadata(kind, escaping if kind == OPENMETRICS else "allow-utf-8", family)

    def sample_name(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        return super().sample_name(kind, escaping if kind == OPENMETRICS else "allow-utf-8", family, sample)


@fault("MX-020")
class NoHistogramsInOpenMetrics(Hooked):
    """leaves histograms out of OpenMetrics"""

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        kept = [one for one in families if kind != OPENMETRICS or one.type != "histogram"]
        return super().body(kind, escaping, kept)


@fault("MX-020")
class LosesALabelInText(Hooked):
    """leaves the model's name out of the text format"""

    def labels(self, kind: str, family: Family, sample: Sample) -> list[tuple[str, str]]:
        found = super().labels(kind, family, sample)
        return found if kind == OPENMETRICS else [one for one in found if one[0] != "model_name"]


@fault("MX-020")
class UnitInOpenMetrics(Hooked):
    """adds the unit to the name in OpenMetrics alone"""

    def body(self, kind: str, escaping: str, families: Sequence[Family]) -> bytes:
        body = super().body(kind, escaping, families)
        return body.replace(b"num_running_reqs", b"num_running_reqs_ratio") if kind == OPENMETRICS else body


@fault("MX-020")
class BoundsOfText(Hooked):
    """has another bucket in the text format"""

    def labels(self, kind: str, family: Family, sample: Sample) -> list[tuple[str, str]]:
        found = super().labels(kind, family, sample)
        return found if kind == OPENMETRICS else [(name, "0.25" if value == "0.1" else value) for name, value in found]


@fault("MX-021")
class UntypedInText(Hooked):
    """calls counters untyped in the text format"""

    def type(self, kind: str, family: Family) -> str:
        return "untyped" if kind == TEXT and family.type == "counter" else super().type(kind, family)


@fault("MX-021")
class UnknownInOpenMetrics(Hooked):
    """calls a gauge unknown in OpenMetrics"""

    def engine(self) -> list[Family]:
        return [*super().engine(), Family("sglang:load", "gauge", "Load.", [Sample("", {}, 1.0)])]

    def type(self, kind: str, family: Family) -> str:
        return "unknown" if kind == OPENMETRICS and family.name.endswith("load") else super().type(kind, family)


@fault("MX-022")
class MetadataKeepTheColon(Hooked):
    """writes _ for : in samples, and leaves HELP and TYPE as they are"""

    def sample_name(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        name = super().sample_name(kind, escaping, family, sample)
        return name.replace(":", "_") if kind == OPENMETRICS else name


@fault("MX-022")
class SamplesLoseTheColon(Hooked):
    """writes _ for : in samples, for everybody"""

    def sample_name(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        return super().sample_name(kind, escaping, family, sample).replace(":", "_")


class _OtherContentType(Hooked):
    def content_type(self, kind: str, told: str) -> str:
        return self.changed(super().content_type(kind, told), kind)

    def changed(self, content_type: str, kind: str) -> str:
        raise NotImplementedError


@fault("MX-023")
class Html(_OtherContentType):
    """declares every page as HTML"""

    def changed(self, content_type: str, kind: str) -> str:
        return "text/html; charset=utf-8"


@fault("MX-023")
class TextForAll(_OtherContentType):
    """declares OpenMetrics as text"""

    def changed(self, content_type: str, kind: str) -> str:
        return f"{TEXT}; version=0.0.4; charset=utf-8"


@fault("MX-023")
class NoContentType(_OtherContentType):
    """declares nothing"""

    def changed(self, content_type: str, kind: str) -> str:
        return ""


@fault("MX-023")
class OpenMetricsForAll(Hooked):
    """answers in OpenMetrics, whatever was asked for"""

    def choose(self, accept: str | None) -> tuple[str, str, str]:
        return OPENMETRICS, "", ""


@fault("MX-024")
class OldVersion(_OtherContentType):
    """tells a version that nobody asked for"""

    def changed(self, content_type: str, kind: str) -> str:
        return content_type.replace("1.0.0", "0.9.0")


@fault("MX-024")
class NoVersion(_OtherContentType):
    """tells no version"""

    def changed(self, content_type: str, kind: str) -> str:
        return content_type.replace("; version=0.0.4", "").replace("; version=1.0.0", "")


@fault("MX-024")
class Latin1(_OtherContentType):
    """tells another character set"""

    def changed(self, content_type: str, kind: str) -> str:
        return content_type.replace("utf-8", "iso-8859-1", 1)


@fault("MX-024")
class EscapingOfItsOwn(_OtherContentType):
    """tells an escaping that nobody asked for"""

    def changed(self, content_type: str, kind: str) -> str:
        return content_type.partition("; escaping")[0] + "; escaping=values"


@fault("MX-025")
class EncodesLegalNames(Hooked):
    """encodes under `values` what was always legal"""

    def escaped(self, name: str, escaping: str) -> str:
        return "U__" + name.replace("_", "__").replace(":", "_3a_") if escaping == "values" else name


@fault("MX-025")
class DotsAreDots(Hooked):
    """writes dots in names under `dots`"""

    def escaped(self, name: str, escaping: str) -> str:
        return name.replace("_", "_dot_") if escaping == "dots" else name


@fault("MX-025")
class ColonUnderDots(Hooked):
    """writes _ for : in samples under `dots`"""

    def sample_name(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        name = super().sample_name(kind, escaping, family, sample)
        return name.replace(":", "_") if escaping == "dots" else name


@fault("MX-026")
class DiesOfVersions(Hooked):
    """fails at a version that is no number"""

    def scrape(self, accept: str | None) -> dict[str, Any]:
        if accept and "latest" in accept:
            return self.failed(ValueError("invalid literal for int()"))
        return super().scrape(accept)


@fault("MX-026")
class RefusesTheUnknown(Hooked):
    """answers 404 to a scraper that takes nothing it knows"""

    def scrape(self, accept: str | None) -> dict[str, Any]:
        answer = super().scrape(accept)
        return {**answer, "status": 404, "body": b""} if accept == "image/png" else answer


class Utf8(Hooked):
    """Correct too: it escapes and quotes."""

    capabilities = Hooked.capabilities | {"utf8"}

    def escaped(self, name: str, escaping: str) -> str:
        if LEGAL.fullmatch(name):
            return name
        return self.quoted(name) if escaping == "allow-utf-8" else escaped(name, escaping or self.default)

    default = "underscores"

    def quoted(self, name: str) -> str:
        return f'"{name}"'

    def sample(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        renamed = replace(sample, labels={self.escaped(key, escaping): value for key, value in sample.labels.items()})
        line = super().sample(kind, escaping, family, renamed)
        if not line.startswith('"'):
            return line
        name, _, rest = line.partition('"{')
        return f'{{{name}",{rest}'


@fault("MX-027")
class QuotesForAll(Utf8):
    """quotes names for scrapers that never asked for it"""

    def escaped(self, name: str, escaping: str) -> str:
        return super().escaped(name, "allow-utf-8")


@fault("MX-027")
class UnderscoresForAll(Utf8):
    """knows one scheme of escaping only"""

    def escaped(self, name: str, escaping: str) -> str:
        return super().escaped(name, "underscores")


@fault("MX-027")
class ForgetsLabels(Utf8):
    """leaves the names of labels as they are"""

    def sample(self, kind: str, escaping: str, family: Family, sample: Sample) -> str:
        line = super().sample(kind, escaping, family, sample)
        return line.replace("zone_id", "zone.id")


@fault("MX-027")
class DropsTheFirstDigit(Utf8):
    """leaves away what a name must not begin with"""

    def escaped(self, name: str, escaping: str) -> str:
        return super().escaped(name.lstrip("0123456789"), escaping)
