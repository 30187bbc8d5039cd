"""What a scraper's Accept header asks for, and what it gets."""

from __future__ import annotations

from typing import NamedTuple

from trueup_reference.metrics_bridge.escaping import DEFAULT, SCHEMES

OPENMETRICS, TEXT = "application/openmetrics-text", "text/plain"
VERSIONS = {OPENMETRICS: ("1.0.0",), TEXT: ("0.0.4", "1.0.0")}
_ANY = {"*/*": TEXT, "text/*": TEXT}


class Chosen(NamedTuple):
    """A format. `escaping` is told only to those who named a scheme."""

    media_type: str
    version: str
    escaping: str = DEFAULT
    tells_escaping: bool = False

    @property
    def content_type(self) -> str:
        """The header's value."""
        told = f"; escaping={self.escaping}" if self.tells_escaping else ""
        return f"{self.media_type}; version={self.version}; charset=utf-8{told}"


def choose(accept: str | None) -> Chosen:
    """The offer of the highest weight, the first of equal ones; the oldest text format where none is known.

    Whoever cannot take that is told so by its content type: an error would leave a scraper without any metrics.
    """
    best, weight = Chosen(TEXT, "0.0.4"), 0.0
    for offer in (accept or "").split(","):
        media_type, *parameters = (part.strip() for part in offer.split(";"))
        found = dict(_pair(parameter) for parameter in parameters)
        media_type = _ANY.get(media_type.lower(), media_type.lower())
        offered = found.get("version", VERSIONS.get(media_type, ("",))[0])
        if offered in VERSIONS.get(media_type, ()) and _weight(found.get("q", "1")) > weight:
            weight = _weight(found.get("q", "1"))
            scheme = found.get("escaping", "")
            known = scheme if scheme in SCHEMES else DEFAULT
            # Version 0.0.4 of the text format has no quoted names, so it cannot carry others than the legal ones.
            plain = offered == "0.0.4"
            best = Chosen(media_type, offered, DEFAULT if plain else known, scheme in SCHEMES and not plain)
    return best


def _pair(parameter: str) -> tuple[str, str]:
    name, _, value = parameter.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _weight(text: str) -> float:
    try:
        return min(float(text), 1.0)
    except ValueError:
        return 0.0
