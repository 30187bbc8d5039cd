from __future__ import annotations

import re

import msgspec

from trueup.findings import CheckSummary, RunResult
from trueup.reports import render

SMALL = """\
docs/guide.md:7:5: warning: #KV-Router differs from the anchor kv-router in case only [links/fragment-case]
    -> #kv-router
docs/guide.md:12:5: error: docs/instal.md is not in the repository [links/missing-file]
    -> install.md
docs/guide.md:40:5: error: old.md is not in the repository [links/missing-file]
    It was renamed to new.md in 1f3c9a2.

docs/latest: error: the symlink's target v9 is not in the repository [symlinks/broken]

2 links/missing-file   Readers who follow it get a 404.
1 symlinks/broken      In every clone it points to nothing.
1 links/fragment-case  github.com retries a fragment in lower case; most other renderers do not, and there the link is \
dead.

"""
SUMMARY = "trueup: 690 files, 32,177 links checked in 0.41 s: 3 errors, 1 warning in 2 files; --fix mends 1"
VERBOSE = """\
docs/api.md:12:5: suppressed (config: made by the build): docs/instal.md is not in the repository [links/missing-file]
third_party/x: note: a submodule is not checked out: 3 links into it not checked [links]

"""


def test_the_whole_report(small: RunResult) -> None:
    assert render("text", small) == SMALL + SUMMARY + " (1 suppressed, 1 note; --verbose shows them)\n"


def test_verbose_tells_what_was_suppressed_and_the_notes(small: RunResult) -> None:
    assert render("text", small, verbose=True) == SMALL + VERBOSE + SUMMARY + " (1 suppressed, 1 note)\n"


def test_a_clean_run_is_one_line(clean: RunResult) -> None:
    assert render("text", clean) == "trueup: 690 files, 32,177 links checked in 0.41 s: nothing wrong\n"


def test_several_checks_are_named(clean: RunResult) -> None:
    checks = [CheckSummary("links", {"files": 1, "links": 1}), CheckSummary("locks", {"entries": 1})]
    assert render("text", msgspec.structs.replace(clean, checks=checks, seconds=12.345)) == (
        "trueup: links: 1 file, 1 link; locks: 1 entry checked in 12.3 s: nothing wrong\n"
    )


def test_colour_changes_nothing_else(small: RunResult) -> None:
    coloured = render("text", small, color=True, verbose=True)
    assert "docs/latest\x1b[0m: \x1b[1m\x1b[31merror\x1b[0m: the symlink's" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render("text", small, verbose=True)


def test_hostile_text_is_shown_not_obeyed(hostile: RunResult) -> None:
    report = render("text", hostile, verbose=True)
    lines = report.removesuffix("\n").split("\n")
    assert len(report.splitlines()) == len(lines) == 14
    assert [line for line in lines if line.lstrip().startswith("::") or "##[" in line] == []
    assert set(report) & set("\x1b\x07\x9b\x00\u202e\u2066\u2028\udc80\udcff\ud800\uffff\r") == set()
    path = r"\x3a:error::a\n::error file=x::b,c%0A\x1b[31m<script>alert(1)</script>]]>##\[add-mask]m|`\u202egnp\x80.md"
    text = r"a\n::error::x \r\n##\[set-output name=a]b \x1b]0;owned\x07 \x9b31m ]]> <script>"
    assert lines[0].startswith(f"{path}:12:5: warning: {text}")


def test_a_reason_of_many_findings_is_given_once(many: RunResult) -> None:
    report = render("text", many)
    assert report.count("Readers who follow it get a 404.") == 1
    assert "\n  800 links/missing-file   Readers" in report
    assert "\n1,200 links/fragment-case  github.com" in report


def test_a_reason_of_its_own_is_told_once_in_a_file(small: RunResult) -> None:
    renamed = small.findings[2]
    again = msgspec.structs.replace(renamed, line=41)
    elsewhere = msgspec.structs.replace(renamed, path="docs/other.md")
    lines = render("text", msgspec.structs.replace(small, findings=[renamed, again, elsewhere])).splitlines()
    assert lines[:5] == [
        "docs/guide.md:40:5: error: old.md is not in the repository [links/missing-file]",
        "    It was renamed to new.md in 1f3c9a2.",
        "docs/guide.md:41:5: error: old.md is not in the repository [links/missing-file]",
        "",
        "docs/other.md:40:5: error: old.md is not in the repository [links/missing-file]",
    ]
    assert lines[5] == "    It was renamed to new.md in 1f3c9a2."
