"""What scrapers send as their Accept header, and what an answer's content type says."""

from __future__ import annotations

from typing import NamedTuple

from trueup.metrics.doctor.scrapers import scrapers
from trueup_contracts.metrics.reading import OPENMETRICS, PROTOBUF, TEXT


class MediaType(NamedTuple):
    """A media type and its parameters, names in small letters."""

    name: str
    parameters: dict[str, str]


def media_type(text: str) -> MediaType:
    """One media type, as a content type or as an offer."""
    name, *parameters = (part.strip() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters if parameter)
    return MediaType(name.lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs})


def _by_header(*, rewrites: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in scrapers():
        if one.rewrites == rewrites:
            found.setdefault(one.accept, one.title)  # several scrapers send the same
    return {title: accept for accept, title in found.items()}


# Scraper to header: the table of `trueup metrics doctor`, with its sources, and the two that ask for the least.
SCRAPERS: dict[str, str | None] = {
    "a scraper without an Accept header": None,
    "a reader of text alone": "text/plain;version=0.0.4",
    **_by_header(rewrites=False),
}
# Escaping scheme to header, of scrapers that want names rewritten.
ESCAPING = {media_type(accept).parameters["escaping"]: accept for accept in _by_header(rewrites=True).values()}
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


def offers(accept: str | None) -> list[MediaType]:
    """What a scraper takes, without regard to its preference: wildcards as the formats that they stand for."""
    found = []
    for part in ("*/*" if accept is None else accept).split(","):
        offer = media_type(part)
        if offer.parameters.get("q") not in ("0", "0.0"):
            names = _ANY.get(offer.name, (offer.name,))
            found += [MediaType(name, offer.parameters) for name in names]
    return found
