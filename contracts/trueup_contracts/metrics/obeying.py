"""What the policy says, where the setting `contracts_metrics_policy` names one: MX-080 to MX-087."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trueup_contracts import requirement
from trueup_contracts.metrics import normal
from trueup_contracts.metrics.accepting import SCRAPERS
from trueup_contracts.metrics.calls import Exporter, lawful, pages_for_a_while, some
from trueup_contracts.metrics.laws import POLICY
from trueup_contracts.metrics.reading import PROTOBUF
from trueup_contracts.subject import Subject

if TYPE_CHECKING:
    from trueup.metrics.policy import PolicySet


def _obeys(subject: Subject, rules: frozenset[str]) -> None:
    policies: PolicySet = subject.options["contracts_metrics_policy"]
    exporter = Exporter(subject)
    exporter.drive_if_claimed()
    for who, accept in SCRAPERS.items():
        answer = exporter.scrape(accept)
        if answer.media_type.name != PROTOBUF:
            assert answer.status == 200, f"{who}: status {answer.status}"
            lawful(who, answer.judged(policies), rules)


@requirement("MX-080")
def test_families_have_the_policys_types(trueup_subject: Subject) -> None:
    _obeys(trueup_subject, POLICY["MX-080"])


@requirement("MX-081")
def test_what_the_policy_requires_is_exposed(trueup_subject: Subject) -> None:
    _obeys(trueup_subject, POLICY["MX-081"])


@requirement("MX-082")
def test_series_have_the_policys_labels(trueup_subject: Subject) -> None:
    _obeys(trueup_subject, POLICY["MX-082"])


@requirement("MX-083")
def test_prefixes_are_spelt_as_the_policy_says(trueup_subject: Subject) -> None:
    _obeys(trueup_subject, POLICY["MX-083"])


@requirement("MX-084")
def test_no_family_has_too_many_series(trueup_subject: Subject) -> None:
    exporter = Exporter(trueup_subject)
    if "traffic" in trueup_subject.capabilities:
        exporter.drive(300, 300)  # more than a policy allows for anything that has an id
    policies: PolicySet = trueup_subject.options["contracts_metrics_policy"]
    answer = exporter.scrape(None)
    lawful("a scraper", answer.judged(policies), POLICY["MX-084"])


@requirement("MX-085")
def test_traffic_fills_what_the_policy_expects(trueup_subject: Subject) -> None:
    policies: PolicySet = trueup_subject.options["contracts_metrics_policy"]
    exporter = Exporter(trueup_subject)
    exporter.drive(20, 20)
    expected = {**policies.required("required"), **policies.required("with-traffic")}
    for page in pages_for_a_while(exporter):
        filled = {family.name for family in page.families if list(normal.kept(family))}
        filled |= {f"{name}_total" for name in filled}  # a counter in OpenMetrics
        phantoms = sorted(expected.keys() - filled)
        if not phantoms:
            break
    assert not phantoms, f"20 requests were handled, and there is no sample of {some(phantoms)}"


@requirement("MX-086")
def test_every_family_is_known_to_the_policy(trueup_subject: Subject) -> None:
    _obeys(trueup_subject, POLICY["MX-086"])


@requirement("MX-087")
def test_nothing_deprecated_is_exposed(trueup_subject: Subject) -> None:
    _obeys(trueup_subject, POLICY["MX-087"])
