"""What scrapers send as their Accept header, and what an answer's content type says."""

from __future__ import annotations

from typing import NamedTuple

from trueup_contracts.metrics.reading import OPENMETRICS, PROTOBUF, TEXT

# Scraper to header. TODO: trueup.metrics' table
SCRAPERS: dict[str, str | None] = {
    "curl": "*/*",
    "no Accept header": None,
    "text 0.0.4 alone": "text/plain;version=0.0.4",
    "Prometheus 2": (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    ),
    "Prometheus 3": (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    ),
    "Prometheus 3, legacy names": (
        "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=underscores;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    ),
}
ESCAPING = {
    scheme: f"application/openmetrics-text;version=1.0.0;escaping={scheme};q=0.6,text/plain;version=0.0.4;q=0.3"
    for scheme in ("dots", "values")
}
# What nobody should send, and somebody does.
ODD = (
    "",
    "image/png",
    "application/openmetrics-text;version=9.9.9",
    "application/openmetrics-text;version=latest",
    "application/openmetrics-text;version=1.0.0;escaping=base64",
    "text/plain;version=0.0.4;q=high",
    ";;,,=;q",
    "application/json;q=0.9, " + "x/y;q=0.1, " * 300,
)
KNOWN = (TEXT, OPENMETRICS, PROTOBUF)
VERSIONS = {TEXT: {"0.0.4", "1.0.0"}, OPENMETRICS: {"0.0.1", "1.0.0"}}
_ANY = {"*/*": KNOWN, "text/*": (TEXT,), "application/*": (OPENMETRICS, PROTOBUF)}


class MediaType(NamedTuple):
    """A media type and its parameters, names in small letters."""

    name: str
    parameters: dict[str, str]


def offers(accept: str | None) -> list[MediaType]:
    """What a scraper takes, without regard to its preference: wildcards as the formats that they stand for."""
    found = []
    for part in ("*/*" if accept is None else accept).split(","):
        offer = media_type(part)
        if offer.parameters.get("q") not in ("0", "0.0"):
            names = _ANY.get(offer.name, (offer.name,))
            found += [MediaType(name, offer.parameters) for name in names]
    return found


def media_type(text: str) -> MediaType:
    """One media type, as a content type or as an offer."""
    name, *parameters = (part.strip() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters if parameter)
    return MediaType(name.lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs})
