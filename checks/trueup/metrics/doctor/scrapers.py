"""Scrapers, and the Accept headers that they send: data, each with its source, in `scrapers.json`."""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec


class Scraper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scraper as it asks. `rewrites`: its escaping changes names by design (`values`, `dots`)."""

    id: str
    title: str
    accept: str
    source: str
    rewrites: bool = False


@functools.cache
def scrapers() -> tuple[Scraper, ...]:
    """All of them; several may share an id, by version."""
    data = (Path(__file__).parent / "scrapers.json").read_bytes()
    return tuple(msgspec.json.decode(data, type=list[Scraper]))
