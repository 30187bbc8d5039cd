"""How the suite asks at a URL."""

from __future__ import annotations

import json
import urllib.request


class Client:
    """The operations `count` and `add`."""

    def __init__(self, url: str, limit_s: float) -> None:
        self._url = url.rstrip("/")
        self._limit_s = limit_s

    def count(self) -> object:
        """GET /count."""
        with urllib.request.urlopen(f"{self._url}/count", timeout=self._limit_s) as answer:
            return json.load(answer)

    def add(self, number: int) -> None:
        """POST /add."""
        urllib.request.urlopen(f"{self._url}/add", data=str(number).encode(), timeout=self._limit_s).close()
