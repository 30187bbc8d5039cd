"""The suite's own way to call an exporter."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from trueup_contracts.errors import WrongAnswerError
from trueup_contracts.metrics import limits
from trueup_contracts.metrics.accepting import SCRAPERS, MediaType, media_type
from trueup_contracts.metrics.reading import PROTOBUF, Page
from trueup_contracts.subject import Handle, Subject

if TYPE_CHECKING:
    from trueup.metrics.policy import PolicySet

_Result = TypeVar("_Result")
MOST_SHOWN = 5  # faults of one page, in a message


class Answer(NamedTuple):
    """What a scraper got."""

    status: int
    content_type: str
    body: bytes

    @property
    def media_type(self) -> MediaType:
        """The content type, read."""
        return media_type(self.content_type)

    @property
    def page(self) -> Page:
        """The body, read by the format that the content type declares."""
        return self.judged(None)

    def judged(self, policies: PolicySet | None) -> Page:
        """The same, against policies too."""
        return Page(self.body, self.media_type.name, policies)


class Exporter:
    """An open exporter. `config` is what of its source it passes on."""

    def __init__(self, subject: Subject, config: Mapping[str, Any] | None = None) -> None:
        self.subject = subject
        self.handle: Handle = subject.open() if config is None else subject.open(config=config)

    def scrape(self, accept: str | None = None) -> Answer:
        """One answer, whatever its status."""
        found = self.handle.call("scrape", accept=accept)
        if not isinstance(found, Mapping):
            found = {name: getattr(found, name, None) for name in Answer._fields}
        answer = Answer(*(found.get(name) for name in Answer._fields))
        due = {"status": int, "content_type": str, "body": bytes}
        for name, kind in due.items():
            value = getattr(answer, name)
            if not isinstance(value, kind):
                raise WrongAnswerError(f"scrape answered {name} {value!r}, and {kind.__name__} is due")
        return answer

    def page(self, accept: str | None = None) -> Page:
        """The page of an answer with status 200."""
        answer = self.scrape(accept)
        assert answer.status == 200, f"Accept {accept!r}: status {answer.status}: {answer.body[:300]!r}"
        return answer.page

    def pages(self) -> Iterator[tuple[str, Page]]:
        """What each scraper of the table gets; what is in Protocol Buffers is not read by this suite."""
        for name, accept in SCRAPERS.items():
            page = self.page(accept)
            if page.format != PROTOBUF:
                yield name, page

    def drive(self, requests: int, distinct_ids: int) -> None:
        """Traffic."""
        self.handle.call("drive", requests=requests, distinct_ids=distinct_ids)

    def drive_if_claimed(self, requests: int = 20) -> None:
        """Traffic, where there can be any."""
        if "traffic" in self.subject.capabilities:
            self.drive(requests, requests)

    def set_source(self, exposition: str) -> None:
        """Another source."""
        self.handle.call("set_source", exposition=exposition.encode())


def lawful(who: str, page: Page, rules: frozenset[str] | None = None) -> None:
    """The page must have none of these faults; where no rules are named, none that makes a reader refuse it."""
    from trueup_contracts.metrics.laws import ERRORS

    broken = [fault for fault in page.faults if fault.rule in (ERRORS if rules is None else rules)]
    told = "\n".join(f"  line {one.line}: {one.message} ({one.rule})" for one in broken[:MOST_SHOWN])
    more = f"\n  and {len(broken) - MOST_SHOWN} more" if len(broken) > MOST_SHOWN else ""
    assert not broken, f"the page that {who} gets:\n{told}{more}"


def pages_for_a_while(exporter: Exporter) -> Iterator[Page]:
    """Pages without an Accept header, at least one: for what another process or thread of the engine counts."""
    end = time.monotonic() + limits.COUNTED_S * exporter.subject.scale
    while True:
        yield exporter.page(None)
        if time.monotonic() >= end:
            return
        time.sleep(limits.LOOK_S)


def some(found: Sequence[object]) -> str:
    """A few of many, for a message."""
    told = ", ".join(str(one) for one in found[:MOST_SHOWN])
    return f"{told} and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else told


def in_time(exporter: Exporter, who: str, accept: str | None) -> Answer:
    """One answer, within the time that a scraper gives it."""
    limit_s = limits.SCRAPE_TIMEOUT_S * exporter.subject.scale
    return _within(limit_s, f"the scrape of {who}", lambda: exporter.scrape(accept))


def _within(limit_s: float, what: str, work: Callable[[], _Result]) -> _Result:
    """The result of `work`, which must come in time. What hangs is left behind: nothing can end it."""
    results: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((True, work()))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            results.put((False, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        is_result, found = results.get(timeout=limit_s)
    except queue.Empty:
        raise AssertionError(f"{what} has not answered within {limit_s:g} s") from None
    if not is_result:
        raise found
    result: _Result = found
    return result
