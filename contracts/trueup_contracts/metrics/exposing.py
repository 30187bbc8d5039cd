"""The formats' own laws, on the page that each scraper gets: MX-001 to MX-013."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.metrics.calls import Exporter, lawful, some
from trueup_contracts.metrics.laws import LAWS, METADATA, READABLE
from trueup_contracts.subject import Subject


def _holds(subject: Subject, rules: frozenset[str]) -> None:
    exporter = Exporter(subject)
    exporter.drive_if_claimed()
    for who, page in exporter.pages():
        lawful(who, page, rules)


@requirement("MX-001")
def test_every_scraper_can_read_its_page(trueup_subject: Subject) -> None:
    _holds(trueup_subject, READABLE)


@requirement("MX-002")
def test_metadata_stand_once_and_first(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-002"])


@requirement("MX-003")
def test_a_family_stands_together(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-003"])


@requirement("MX-004")
def test_no_series_stands_twice(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-004"])


@requirement("MX-005")
def test_buckets_are_cumulative(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-005"])


@requirement("MX-006")
def test_histograms_are_complete(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-006"])


@requirement("MX-007")
def test_counts_are_numbers_from_zero_on(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-007"])


@requirement("MX-008")
def test_a_family_has_the_samples_of_its_type(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-008"])


@requirement("MX-009")
def test_openmetrics_ends_in_its_mark(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-009"])


@requirement("MX-010")
def test_quantiles_and_labels_make_sense(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-010"])


@requirement("MX-011")
def test_exemplars_stand_where_they_may(trueup_subject: Subject) -> None:
    _holds(trueup_subject, LAWS["MX-011"])


@requirement("MX-012")
def test_every_family_says_what_it_is(trueup_subject: Subject) -> None:
    _holds(trueup_subject, METADATA)


@requirement("MX-013")
def test_samples_carry_no_timestamps(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    exporter.drive_if_claimed()
    for who, page in exporter.pages():
        stamped = [one.name for family in page.families for one in family.samples if one.has_timestamp]
        assert not stamped, f"the page that {who} gets has timestamps: {some(stamped)}"
