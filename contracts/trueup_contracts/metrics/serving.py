"""A collection that fails, and an engine that goes: MX-050 to MX-053."""

from __future__ import annotations

from collections.abc import Iterator

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.metrics import normal
from trueup_contracts.metrics.accepting import SCRAPERS
from trueup_contracts.metrics.calls import Answer, Exporter, in_time, lawful, some
from trueup_contracts.metrics.reading import PROTOBUF, Page
from trueup_contracts.subject import Subject


@requirement("MX-050")
def test_a_failed_collection_is_no_empty_page(trueup_subject: Subject) -> None:
    for name, accept in SCRAPERS.items():
        exporter = Exporter(trueup_subject)
        exporter.drive_if_claimed()
        exporter.handle.call("fail_next")
        answer = exporter.scrape(accept)
        if answer.status >= 500:
            continue
        assert answer.status == 200, f"{name}: a collection failed, and the status is {answer.status}; 5xx is due"
        page = answer.page
        assert normal.series(page), f"{name}: a collection failed, and the answer is an empty page with status 200"
        lawful(f"{name} after a failed collection", page)


@requirement("MX-051")
def test_a_failed_collection_passes(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    before = exporter.page(None)
    exporter.handle.call("fail_next")
    exporter.scrape(None)
    after = exporter.page(None)
    _goes_on(before, after, "after a collection that failed")


def _goes_on(before: Page, after: Page, when: str) -> None:
    lost = sorted(normal.counting_families(before) - normal.counting_families(after))
    assert not lost, f"{when} the page lacks {some(lost)}"
    fallen = normal.fallen(normal.growing(before), normal.growing(after))
    assert not fallen, f"{when} {some(fallen)}"


def _last_answers(exporter: Exporter) -> Iterator[tuple[str, Answer]]:
    """What scrapers get once the shutdown has begun; those that are refused get nothing."""
    exporter.handle.call("begin_shutdown")
    for name, accept in SCRAPERS.items():
        try:
            answer = in_time(exporter, f"{name} during shutdown", accept)
        except Refusal as refusal:
            assert refusal.code == "closed", f"{name} was refused as {refusal.code!r}, not as 'closed'"
            continue
        yield name, answer


@requirement("MX-052")
def test_a_shutdown_gives_whole_pages_or_none(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    for name, answer in _last_answers(exporter):
        assert answer.status == 200 or answer.status >= 500, f"{name} during shutdown: status {answer.status}"
        if answer.status == 200 and answer.media_type.name != PROTOBUF:
            page = answer.page
            assert normal.series(page), f"{name} gets an empty page with status 200 during shutdown"
            lawful(f"{name} during shutdown", page)


@requirement("MX-053")
def test_no_counter_falls_in_a_shutdown(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    before = dict(exporter.pages())
    for name, answer in _last_answers(exporter):
        if answer.status == 200 and name in before:
            _goes_on(before[name], answer.page, f"{name}: during shutdown")
