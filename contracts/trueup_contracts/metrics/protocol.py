"""What an implementation offers to the suite `metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypedDict


class Config(TypedDict, total=False):
    """What is passed on of a source, and under what names (`filter`)."""

    keep_prefixes: list[str]  # names begin with one of these; with none, all do
    drop_prefixes: list[str]  # wins over keep_prefixes
    add_prefix: str  # takes the place of the kept prefix, or stands before names that do not begin with it


class Answer(TypedDict):
    """What a scraper gets."""

    status: int
    content_type: str
    body: bytes  # not compressed


class ExporterFactory(Protocol):
    """The declared target: a function, a class, or an object that can be called. It may have `capabilities`."""

    def __call__(self, config: Config | None = None) -> Exporter:
        """An exporter with an engine of its own. `config` is passed only under the capability `filter`.

        `ValueError` or `TypeError` refuses a configuration.
        """


class Exporter(Protocol):
    """The call that every exporter has. Its status 5xx is an answer; what it raises is an error."""

    def scrape(self, accept: str | None) -> Answer | Mapping[str, object]:
        """The answer to a scraper that sends this Accept header, or none."""


class Optional(Protocol):
    """The calls that capabilities bring."""

    def set_source(self, exposition: bytes) -> None:
        """From now on this page (text format 0.0.4) is what is passed on, in place of its engine (`filter`)."""

    def drive(self, requests: int, distinct_ids: int) -> None:
        """Handles so many requests, with so many different ids that were never seen before (`traffic`)."""

    def fail_next(self) -> None:
        """The next collection raises inside (`faults`)."""

    def begin_shutdown(self) -> None:
        """The engine begins to go; scrapes may still come (`shutdown`). `Closed` refuses them."""
