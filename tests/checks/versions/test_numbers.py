"""Versions as texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.versions import numbers

SAME = [
    ("v0.14.0", "0.14.0"),
    ("0.14.0", "0.14.0+cu129"),
    ("v0.14.0-cu129", "0.14.0"),
    ("12.8.1-devel-ubuntu24.04", "12.8.1-runtime"),
    ("3.11-slim", "3.11-slim-bookworm"),
    ("1.0.0-rc.1", "1.0.0rc1"),
    ("v0.16.0-rc0", "0.16.0rc0"),
    ("0.6.1-dev1", "0.6.1.dev1"),
    ("release-1.2", "v1.2"),
    ("11bd71901bbe5b1630ceea73d27597364c9af683", "11bd71901bbe5b1630ceea73d27597364c9af683"),
]
OTHERS = [
    ("0.14.0", "0.14.1"),
    ("0.14", "0.14.0"),  # to another precision: `covers` tells
    ("1.0.0rc1", "1.0.0"),
    ("1.0.0-edge.1", "1.0.0-edge.2"),
    ("2026-07-10", "2026-08-01"),
    ("0.5.13.post1", "0.5.13"),
    ("11bd719", "11bd718"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_that_say_the_same(one: str, other: str) -> None:
    assert numbers.same(one, other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_texts_that_do_not(one: str, other: str) -> None:
    assert not numbers.same(one, other)


@pytest.mark.parametrize("text", ["", "latest", "main", "${TAG}", "{{ .Values.tag }}", "x", "1.2 3", "1" * 200, "-1.0"])
def test_what_is_no_version(text: str) -> None:
    assert numbers.parse(text) is None


@pytest.mark.parametrize(
    ("partial", "whole", "holds"),
    [
        ("0.14", "0.14.1", True),
        ("v0.14", "0.14.0-cu129", True),
        ("v6", "v6.3.0", True),
        ("0.1", "0.14.0", False),
        ("0.14.0", "0.14", False),
        ("0.14.0", "v0.14.0", True),
    ],
)
def test_a_partial_version_holds_what_begins_with_it(partial: str, whole: str, holds: bool) -> None:
    assert numbers.covers(partial, whole) is holds


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("0.14.0", "v0.14.1", "0.14.1"),
        ("v0.14.0", "0.14.1", "v0.14.1"),
        ("v0.14.0-cu129", "0.14.1", "v0.14.1-cu129"),
        ("0.14.0+cu129", "0.14.1", "0.14.1+cu129"),
        ("0.14", "0.15.2", "0.15"),
        ("0.14.0", "0.15.0rc1", "0.15.0rc1"),
        ("0.14", "0.15.0rc1", "0.15"),
        ("v4", "v5.0.0", "v5"),
        ("11bd71901bbe5b1630ceea73d27597364c9af683", "v5.0.0", None),
        ("latest", "0.15.0", None),
    ],
)
def test_a_new_version_in_the_form_of_the_old_one(old: str, new: str, written: str | None) -> None:
    assert numbers.rewritten(old, new) == written


@pytest.mark.parametrize(
    ("old", "new", "back"),
    [
        ("0.16.0rc0", "0.15.2", True),
        ("1.0.0", "1.0.0rc1", True),
        ("1.0.0", "1.0.0.post1", False),
        ("0.9.0", "0.10.0", False),
        ("2025-05-27-v1", "v0.3.9", False),
        ("1.0", "11bd71901bbe5b1630ceea73d27597364c9af683", False),
    ],
)
def test_which_way_a_change_goes(old: str, new: str, back: bool) -> None:
    assert numbers.goes_back(old, new) is back


VERSIONS = st.builds(
    lambda prefix, parts, pre, suffix: prefix + ".".join(map(str, parts)) + pre + suffix,
    st.sampled_from(["", "v", "V", "release-"]),
    st.lists(st.integers(0, 400), min_size=1, max_size=4),
    st.sampled_from(["", "rc1", "-rc.1", ".dev3", "-edge.2"]),
    st.sampled_from(["", "+cu129", "-slim", "-devel-ubuntu24.04"]),
)


@given(VERSIONS, VERSIONS)
def test_what_is_rewritten_says_the_new_version_as_precisely_as_the_old(old: str, new: str) -> None:
    written = numbers.rewritten(old, new)
    if written is not None:
        assert numbers.covers(written, new)
        before, after = numbers.parse(old), numbers.parse(written)
        assert before is not None
        assert after is not None
        assert after.prefix == before.prefix
        assert not before.suffix or after.suffix == before.suffix


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    version = numbers.parse(text)
    assert version is None or version.text == text
    assert numbers.same(text, text)
    assert numbers.covers(text, text)
    numbers.order(text)
