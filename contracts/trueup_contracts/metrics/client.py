"""Scrapes a URL as a scraper does."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from trueup_contracts.metrics.calls import Answer

MOST_BYTES = 64 << 20


class Client:
    """An endpoint. Redirects are not followed: their status is the answer."""

    def __init__(self, url: str, limit_s: float) -> None:
        """`limit_s`: the longest silence."""
        self._parts = urlsplit(url)
        self._limit_s = limit_s

    def scrape(self, accept: str | None) -> Answer:
        """One request, on a connection of its own. `OSError` where nobody answers."""
        parts = self._parts
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        assert parts.hostname is not None
        connection = kind(parts.hostname, parts.port, timeout=self._limit_s)
        try:
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            connection.request("GET", path, headers={} if accept is None else {"Accept": accept})
            answer = connection.getresponse()
            body = answer.read(MOST_BYTES + 1)
            if len(body) > MOST_BYTES:
                raise OSError(f"the page is larger than {MOST_BYTES} bytes")
            return Answer(answer.status, answer.headers.get("Content-Type", ""), body)
        finally:
            connection.close()
