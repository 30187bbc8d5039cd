"""Scrapes again and again, alone, together and under load: MX-030 to MX-043."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

from trueup_contracts import requirement
from trueup_contracts.errors import AdapterError
from trueup_contracts.metrics import limits, normal
from trueup_contracts.metrics.accepting import SCRAPERS
from trueup_contracts.metrics.calls import Exporter, in_time, lawful, pages_for_a_while, some
from trueup_contracts.metrics.reading import PROTOBUF, Page
from trueup_contracts.pool import Threads
from trueup_contracts.subject import Subject

SCRAPES, SCRAPERS_AT_ONCE = 5, 8
MOST_NEW_SERIES = 0.25  # per distinct request; a bounded label fills up and stops
MOST_ROUNDS = 40  # of scrapes under load


@requirement("MX-030")
def test_a_scrape_answers_in_time(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    for name, accept in SCRAPERS.items():
        try:
            in_time(exporter, name, accept)
        except AdapterError as error:  # a client of HTTP has given up before
            raise AssertionError(f"{name} gets no answer: {error}") from error


@requirement("MX-031")
def test_most_scrapes_are_quick(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    times_s = []
    for _ in range(SCRAPES):
        begun = time.perf_counter()
        in_time(exporter, "a scraper", None)
        times_s.append(time.perf_counter() - begun)
    median_s = statistics.median(times_s)
    assert median_s < limits.QUICK_S * trueup_subject.scale, f"the median of {SCRAPES} scrapes is {median_s:.2f} s"


def _each_after_the_other(exporter: Exporter, judge: Callable[[Page, Page], None]) -> None:
    before = exporter.page(None)
    for round_ in range(SCRAPES):
        exporter.drive_if_claimed(3 * (SCRAPES - round_))  # less each time: what is counted anew each time falls
        after = exporter.page(None)
        judge(before, after)
        before = after


@requirement("MX-032")
def test_what_counts_stays_exposed(trueup_subject: Subject) -> None:
    def judge(before: Page, after: Page) -> None:
        lost = sorted(normal.counting_families(before) - normal.counting_families(after))
        assert not lost, f"the next scrape lacks {some(lost)}"

    _each_after_the_other(Exporter(trueup_subject), judge)


@requirement("MX-033")
def test_counters_never_fall(trueup_subject: Subject) -> None:
    def judge(before: Page, after: Page) -> None:
        fallen = normal.fallen(normal.growing(before), normal.growing(after))
        assert not fallen, f"at the next scrape {some(fallen)}"

    _each_after_the_other(Exporter(trueup_subject), judge)


@requirement("MX-034")
def test_scrapers_at_once_get_whole_pages(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    alone = {who: normal.counting_families(page) for who, page in exporter.pages()}
    begin = threading.Barrier(SCRAPERS_AT_ONCE)
    scrapers = [name for name in SCRAPERS if name in alone]

    def scrape(number: int) -> list[tuple[str, Page]]:
        begin.wait()
        chosen = [scrapers[(number + round_) % len(scrapers)] for round_ in range(SCRAPES)]
        return [(name, exporter.page(SCRAPERS[name])) for name in chosen]

    with Threads() as pool:
        found = [one for pages in pool.map(scrape, range(SCRAPERS_AT_ONCE)) for one in pages]
    for name, page in found:
        lawful(f"{name}, one of {SCRAPERS_AT_ONCE} at once,", page)
        lost = sorted(alone[name] - normal.counting_families(page))
        assert not lost, f"{name}, one of {SCRAPERS_AT_ONCE} at once, does not get {some(lost)}"


@requirement("MX-040")
def test_traffic_is_counted(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    before = normal.growing(exporter.page(None))
    exporter.drive(12, 12)
    for page in pages_for_a_while(exporter):
        after = normal.growing(page)
        if any(value > before.get(one, 0.0) for one, value in after.items()):
            return
    raise AssertionError(f"12 requests were handled, and none of {len(after)} counters and counts has risen")


@requirement("MX-041")
def test_every_request_is_counted(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    before = normal.growing(exporter.page(None))
    for requests in (1, 12, 130):
        exporter.drive(requests, requests)
        after = normal.growing(exporter.page(None))
        # A request may raise one of several series: of each outcome, of each worker.
        risen: dict[str, float] = {}
        for series, value in after.items():
            bound = dict(series.labels).get("le", "")
            name = f"{series.name} {bound}".strip()
            risen[name] = risen.get(name, 0.0) + value - before.get(series, 0.0)
        told = some([f"{name} rose by {value:g}" for name, value in risen.items() if value]) or "none rose at all"
        assert requests in risen.values(), f"of {requests} requests that were handled no counter knows: {told}"
        before = after


@requirement("MX-042")
def test_pages_are_lawful_while_others_count(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            exporter.drive(20, 20)

    with Threads() as pool:
        loads = [pool.submit(load) for _ in range(2)]
        try:
            accepts, before = list(SCRAPERS.values()), exporter.page(None)
            for round_ in range(MOST_ROUNDS):
                page = exporter.page(accepts[round_ % len(accepts)])
                if page.format == PROTOBUF:
                    continue
                lawful("a scraper under load", page)
                fallen = normal.fallen(normal.growing(before), normal.growing(page))
                assert not fallen, f"under load {some(fallen)}"
                before = page
        finally:
            stop.set()
        for one in loads:
            one.result()


@requirement("MX-043")
def test_distinct_requests_make_no_series(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive(100, 100)
    before = normal.series(exporter.page(None)).keys()
    requests = 200
    exporter.drive(requests, requests)
    after = normal.series(exporter.page(None)).keys()
    new = sorted(after - before)
    assert len(new) < MOST_NEW_SERIES * requests, (
        f"{requests} requests with ids that were never seen before made {len(new)} new series: {some(new)}"
    )
