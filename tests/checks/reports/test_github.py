from __future__ import annotations

import re

from trueup.findings import RunResult
from trueup.reports import render

COMMAND = re.compile(r"::(?P<command>error|warning|notice) (?P<properties>[^:]*)::(?P<message>[^\n]*)")


def undone(text: str) -> str:
    """What GitHub's runner makes of an escaped value."""
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")


def test_the_whole_report(small: RunResult) -> None:
    assert render("github", small) == (
        "::error file=docs/guide.md,line=12,col=5,endColumn=14,title=links/missing-file::"
        "docs/instal.md is not in the repository%0AReaders who follow it get a 404.%0A-> install.md\n"
        "::error file=docs/guide.md,line=40,col=5,endColumn=14,title=links/missing-file::"
        "old.md is not in the repository%0AIt was renamed to new.md in 1f3c9a2.\n"
        "::error file=docs/latest,title=symlinks/broken::"
        "the symlink's target v9 is not in the repository%0AIn every clone it points to nothing.\n"
        "::warning file=docs/guide.md,line=7,col=5,endColumn=14,title=links/fragment-case::"
        "#KV-Router differs from the anchor kv-router in case only%0A"
        "github.com retries a fragment in lower case; most other renderers do not, and there the link is dead.%0A"
        "-> #kv-router\n"
    )


def test_a_clean_run_says_nothing(clean: RunResult) -> None:
    assert render("github", clean) == ""


def test_a_range_of_lines_has_no_columns(small: RunResult) -> None:
    import msgspec

    wide = msgspec.structs.replace(small.findings[0], end_line=9)
    report = render("github", msgspec.structs.replace(small, findings=[wide]))
    assert report.startswith("::warning file=docs/guide.md,line=7,endLine=9,title=links/fragment-case::")


def test_ten_of_each_and_how_many_more(many: RunResult) -> None:
    commands = [COMMAND.fullmatch(line) for line in render("github", many).splitlines()]
    names = [found["command"] for found in commands if found]
    assert names == ["error"] * 10 + ["warning"] * 10 + ["notice"]
    assert commands[-1] is not None
    assert commands[-1]["message"] == (
        "790 more errors and 1,190 more warnings not shown here: GitHub shows 10 of each for a step."
    )


def test_hostile_text_is_one_command_each(hostile: RunResult) -> None:
    report = render("github", hostile)
    found = [COMMAND.fullmatch(line) for line in report.removesuffix("\n").split("\n")]
    assert len(report.splitlines()) == 2
    assert [match and match["command"] for match in found] == ["error", "warning"]
    assert set(report) & set("\x1b\x07\x9b\x00\u202e\u2066\u2028\udc80\r") == set()
    first = found[0]
    assert first is not None
    properties = dict(part.split("=", 1) for part in first["properties"].split(","))
    assert list(properties) == ["file", "line", "col", "endColumn", "title"]
    assert undone(properties["file"]) == (
        r"::error::a\n::error file=x::b,c%0A\x1b[31m<script>alert(1)</script>]]>##\[add-mask]m|`\u202egnp\x80.md"
    )
    assert [line[:15] for line in undone(first["message"]).split("\n")] == [
        r"a\n::error::x \ "[:15],
        r"a\n::error::x \ "[:15],
        r"-> a\n::error::",
    ]
