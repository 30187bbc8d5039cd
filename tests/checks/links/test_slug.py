from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.links import slug
from trueup.links.document import Heading
from trueup.links.slug import FLAVOURS, Slugger, anchors

CASES = [
    # text content of the heading, GitHub's slugs (the likeliest first)
    ("Getting Started", ("getting-started",)),
    ("E=mc²", ("emc",)),
    ("½ cup", ("-cup",)),
    ("① one", ("-one",)),
    ("Ⅷ", ("ⅷ",)),
    ("Ⓐ", ("ⓐ",)),
    ("🅰 blood", ("🅰-blood",)),
    ("Display & Layout", ("display--layout",)),
    (":rocket: Launch", ("rocket-launch",)),
    ("What's new?", ("whats-new",)),
    ("v1.2.3 (2026-01-28)", ("v123-2026-01-28",)),
    ("snake_case and `code`", ("snake_case-and-code",)),
    ("中文標題 CJK title", ("中文標題-cjk-title",)),
    ("한국어", ("한국어",)),
    ("हिन्दी", ("हिन्दी",)),
    ("Über Größe", ("über-größe",)),
    ("undertie‿word", ("undertie‿word",)),
    ("em—dash", ("emdash",)),
    ("no\u00a0break", ("nobreak",)),
    ("a\tb", ("ab", "a-b")),
    ("two  spaces", ("two--spaces",)),
    ("🎯 影响范围", ("-影响范围",)),
    ("📊 统计摘要", ("-统计摘要",)),
    ("⚠️ 潜在风险", ("\ufe0f-潜在风险", "-潜在风险")),
    ("feat: global router for hierarchical planner (#5697)", ("feat-global-router-for-hierarchical-planner-5697",)),
    ("👩‍💻 dev", ("-dev",)),
    (" behind an image", ("-behind-an-image", "behind-an-image")),
    ("\n  Raw\n  HTML\n", ("--raw--html", "raw--html", "raw-html")),
    ("ΟΔΟΣ", ("οδος", "οδοσ")),
    ("İstanbul", ("i̇stanbul",)),
    ("!?", ("",)),
    ("", ("",)),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_github_slugs(text: str, expected: tuple[str, ...]) -> None:
    assert slug.github_slugs(text) == expected
    assert slug.docusaurus_slugs(text) == expected


@pytest.mark.parametrize(
    ("text", "mdbook", "mkdocs", "hugo"),
    [
        ("Getting Started", ("getting-started",), ("getting-started",), ("getting-started",)),
        ("Display & Layout", ("display--layout",), ("display-layout", "display--layout"), ("display--layout",)),
        (
            "`--passes`: add more",
            ("--passes-add-more",),
            ("-passes-add-more", "--passes-add-more"),
            ("--passes-add-more",),
        ),
        ("½ cup", ("½-cup",), ("12-cup", "½-cup"), ("-cup",)),
        ("Über", ("über", "Über"), ("uber", "über"), ("über",)),
        ("中文 title", ("中文-title",), ("title", "中文-title"), ("中文-title",)),
        ("⚠️ Risk", ("-risk",), ("risk",), ("-risk",)),
        ("::", ("section",), ("",), ("heading",)),
        ("tab\there", ("tab-here",), ("tab-here", "tabhere"), ("tab-here",)),
        (" edge ", ("edge",), ("edge",), ("-edge-", "edge")),
        ("ΟΔΟΣ", ("οδος", "ΟΔΟΣ"), ("", "οδος"), ("οδοσ",)),
    ],
)
def test_slugs_of_generators(
    text: str, mdbook: tuple[str, ...], mkdocs: tuple[str, ...], hugo: tuple[str, ...]
) -> None:
    assert (slug.mdbook_slugs(text), slug.mkdocs_slugs(text), slug.hugo_slugs(text)) == (mdbook, mkdocs, hugo)


@pytest.mark.parametrize(
    ("flavour", "texts", "expected"),
    [
        # A number that is itself the slug of another heading is skipped.
        (
            "github",
            ["echo", "echo", "echo 1", "echo-1", "echo", "foxtrot-1", "foxtrot", "foxtrot"],
            ["echo", "echo-1", "echo-1-1", "echo-1-2", "echo-2", "foxtrot-1", "foxtrot", "foxtrot-2"],
        ),
        ("github", ["!", "?", "!"], ["", "-1", "-2"]),
        ("docusaurus", ["a", "a"], ["a", "a-1"]),
        ("mdbook", ["::", "a", "!!", "a"], ["section", "a", "section-1", "a-1"]),
        ("hugo", ["!", "a", "!"], ["heading", "a", "heading-1"]),
        (
            "mkdocs",
            ["a", "a", "a_1", "a", "a_5", "a_5", "!", "!"],
            ["a", "a_1", "a_2", "a_3", "a_5", "a_6", "_1", "_2"],
        ),
    ],
)
def test_repeats_are_numbered(flavour: str, texts: list[str], expected: list[str]) -> None:
    slugger = Slugger(flavour)
    assert [slugger.slug(text) for text in texts] == expected


@pytest.mark.parametrize(
    ("flavour", "headings", "ids", "expected"),
    [
        ("github", [], [], set()),
        ("github", [Heading("A b"), Heading("a B")], ["X"], {"a-b", "a-b-1", "X"}),
        ("github", [Heading("!")], ["user-content-me"], {"me"}),
        ("mkdocs", [Heading("A"), Heading("A")], ["X"], {"a", "a_1", "X"}),
        # An explicit id takes the slug's place, and no slug takes its name again.
        ("mdbook", [Heading("One", "two"), Heading("Two")], [], {"two", "two-1"}),
        ("hugo", [Heading("One", "x")], [], {"x"}),
        # Every reading is numbered by itself.
        (
            "docusaurus",
            [Heading("⚠️ Risk"), Heading("⚠ Risk"), Heading("⚠️ Risk")],
            [],
            {"\ufe0f-risk", "-risk", "\ufe0f-risk-1", "-risk-1", "-risk-2"},
        ),
    ],
)
def test_anchors(flavour: str, headings: list[Heading], ids: list[str], expected: set[str]) -> None:
    assert anchors(headings, ids, flavour) == expected


def test_an_unknown_flavour_is_refused() -> None:
    with pytest.raises(KeyError, match="wiki"):
        anchors([], [], "wiki")


HEADINGS = st.lists(st.builds(Heading, st.text(max_size=30) | st.sampled_from(["a", "A", "a-1", "a_1", "a 1", "!"])))


@given(st.text())
def test_a_slug_is_in_lower_case_and_free_of_spaces(text: str) -> None:
    for form in slug.github_slugs(text):
        assert form == form.lower()
        assert not any(char.isspace() for char in form)


@given(st.text())
def test_the_slug_of_a_slug_is_itself(text: str) -> None:
    first = slug.github_slugs(text)[0]
    assert slug.github_slugs(first)[0] == first


@given(HEADINGS, st.sampled_from(sorted(FLAVOURS)))
def test_numbered_slugs_are_all_different_and_accepted(headings: list[Heading], flavour: str) -> None:
    slugger = Slugger(flavour)
    numbered = [slugger.slug(heading.text) for heading in headings]
    assert len(set(numbered)) == len(numbered)
    assert set(numbered) - {""} <= anchors(headings, [], flavour)


@given(HEADINGS, st.sampled_from(sorted(FLAVOURS)))
def test_a_batch_gives_what_single_headings_give(headings: list[Heading], flavour: str) -> None:
    """All headings are slugged in one go; where none repeats, that must change nothing."""
    alone: list[Any] = [anchors([heading], [], flavour) for heading in headings]
    if sum(map(len, alone)) == len(frozenset().union(*alone)) and all(alone):
        assert frozenset().union(*alone) <= anchors(headings, [], flavour)


@pytest.mark.parametrize("flavour", sorted(FLAVOURS))
@pytest.mark.parametrize("texts", [("Same",), ("a_1", "a"), ("a-1", "a"), ("!",)], ids=str)
def test_many_repeats_take_linear_time(flavour: str, texts: tuple[str, ...]) -> None:
    def seconds(count: int) -> float:
        headings = [Heading(text) for text in texts for _ in range(count)]
        start = time.perf_counter()
        assert len(anchors(headings, [], flavour)) >= count - 1  # one slug may be empty
        return time.perf_counter() - start

    seconds(10)
    # Quadratic time would be 64 times as long; the first run may be too short to measure.
    assert seconds(16_000) < 30 * max(min(seconds(2_000), seconds(2_000)), 0.002)
