"""The tests."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.subject import Handle, Subject


def opened(subject: Subject) -> Handle:
    """A service that runs, or one that is started."""
    return subject.open(config={"start": 0}) if "command" in subject.capabilities else subject.open()


@requirement("TY-001")
def test_the_count_is_a_number(trueup_subject: Subject) -> None:
    found = opened(trueup_subject).call("count")
    assert isinstance(found, int), f"count answered {found!r}, expected a number"


@requirement("TY-002")
def test_what_is_added_is_counted(trueup_subject: Subject) -> None:
    handle = opened(trueup_subject)
    before = handle.call("count")
    handle.call("add", number=3)
    after = handle.call("count")
    assert after == before + 3, f"count answered {after} after {before} and 3 more"


@requirement("TY-003")
def test_the_count_begins_where_the_configuration_says(trueup_subject: Subject) -> None:
    found = trueup_subject.open(config={"start": 40}).call("count")
    assert found == 40, f"count answered {found}, expected 40"
