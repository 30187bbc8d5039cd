"""What an endpoint answers to each scraper, as names that can be compared.

Two answers are never of the same moment, so label *values* and numbers are not compared: series names with their
label names are, after what the formats themselves differ in is taken away (`_created` series).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence

from trueup.metrics.doctor.scrapers import Scraper
from trueup.metrics.exposition.exposition import is_openmetrics
from trueup.metrics.exposition.family import Family
from trueup.metrics.exposition.opening import strange
from trueup.metrics.exposition.reader import Reader
from trueup.metrics.scraping import Answer, NoAnswer

Shape = tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Names:
    """What an answer holds: label names by series name, the names that HELP and TYPE lines have, and its faults."""

    openmetrics: bool
    series: dict[str, frozenset[Shape]]
    families: frozenset[str]
    orphans: frozenset[str]  # names of metadata that no sample belongs to
    faults: int

    @property
    def normal(self) -> dict[str, frozenset[Shape]]:
        """The series that do not depend on the format."""
        return {name: shapes for name, shapes in self.series.items() if not name.endswith("_created")}


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """One way of asking, and what came: either `names`, or `problem` says why not."""

    scraper: Scraper
    answer: Answer | None
    names: Names | None
    problem: str | None = None

    @property
    def format(self) -> str:
        """`OpenMetrics 1.0.0, escaping allow-utf-8`, as the Content-Type says."""
        return described(self.answer.content_type) if self.answer is not None else "no answer"


def ask_all(ask: Callable[[str], Answer], scrapers: Sequence[Scraper]) -> list[Reply]:
    """Asks once for each different Accept header; `ask` raises `NoAnswer`."""
    by_accept: dict[str, tuple[Answer | None, Names | None, str | None]] = {}
    by_body: dict[bytes, Names] = {}
    replies = []
    for scraper in scrapers:
        if scraper.accept not in by_accept:
            by_accept[scraper.accept] = _asked(ask, scraper.accept, by_body)
        replies.append(Reply(scraper, *by_accept[scraper.accept]))
    return replies


def _asked(
    ask: Callable[[str], Answer], accept: str, by_body: dict[bytes, Names]
) -> tuple[Answer | None, Names | None, str | None]:
    try:
        answer = ask(accept)
    except NoAnswer as error:
        return None, None, str(error)
    if answer.status != 200:
        return answer, None, f"status {answer.status}"
    if answer.content_type.lower().startswith("application/vnd.google.protobuf"):
        return answer, None, "protobuf, which is not compared"
    why = strange(answer.body)
    if why is not None:
        return answer, None, why[0]
    key = hashlib.sha256(answer.body).digest() + answer.content_type.encode("utf-8", "replace")
    if key not in by_body:
        by_body[key] = read_names(answer.body, openmetrics="openmetrics" in answer.content_type.lower())
    return answer, by_body[key], None


def read_names(body: bytes, *, openmetrics: bool | None = None) -> Names:
    """The names of an exposition; what cannot be read counts as faults."""
    form = is_openmetrics(body) if openmetrics is None else openmetrics
    series: dict[str, set[Shape]] = {}
    families: dict[str, Family] = {}
    with_metadata: set[str] = set()
    with_samples: set[str] = set()

    def take(family: Family) -> None:
        families[family.name] = family
        if family.has_metadata:
            with_metadata.add(family.name)
            if family.read:
                with_samples.add(family.name)
        for sample in family.read:
            shape = tuple(sorted(label.name for label in sample.labels))
            series.setdefault(sample.name, set()).add(shape)
        family.read = []

    reader = Reader(openmetrics=form, known=families.get, done=take)
    reader.block(body.decode("utf-8", "replace"), 1)
    return Names(
        form,
        {name: frozenset(shapes) for name, shapes in series.items()},
        frozenset(with_metadata),
        frozenset(with_metadata - with_samples),
        len(reader.faults),
    )


def described(content_type: str) -> str:
    """A Content-Type in words."""
    kind, *rest = (part.strip() for part in content_type.split(";"))
    options = {key.strip().lower(): value.strip() for key, _, value in (part.partition("=") for part in rest)}
    word = {"text/plain": "text", "application/openmetrics-text": "OpenMetrics"}.get(kind.lower())
    if word is None:
        return kind[:60] or "no Content-Type"
    version = options.get("version", "")[:20]
    escaping = options.get("escaping", "")[:20]
    return f"{word} {version}".strip() + (f", {escaping}" if escaping else "")
