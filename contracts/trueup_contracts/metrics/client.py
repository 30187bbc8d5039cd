"""Scrapes a URL as a scraper does."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from trueup_contracts.metrics.calls import Answer


class Client:
    """An endpoint. A redirect is no answer: a scraper would not follow it either."""

    def __init__(self, url: str, limit_s: float) -> None:
        """`limit_s`: the time for one answer. A URL without a path means `/metrics`, as in Prometheus' settings."""
        has_path = urlsplit(url).path
        self._url = url if has_path else urlunsplit(urlsplit(url)._replace(path="/metrics"))
        self._limit_s = limit_s

    def scrape(self, accept: str | None) -> Answer:
        """One request, on a connection of its own. Raises `NoAnswer` where there is none, or a page too large."""
        from trueup.metrics.scraping import scrape

        found = scrape(self._url, accept, timeout_s=self._limit_s)
        return Answer(found.status, found.content_type, found.body)
