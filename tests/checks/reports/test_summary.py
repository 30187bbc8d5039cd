from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from trueup.errors import UsageError
from trueup.findings import RunResult
from trueup.reports import summary, write_job_summary

SMALL = """\
### ❌ trueup: 3 errors, 1 warning in 2 files

690 files, 32,177 links checked in 0.41 s, 1 suppressed, 1 note.

| | Where | What is wrong | Rule |
| --- | --- | --- | --- |
| ❌ | <code>docs/guide.md&#58;12&#58;5</code> | \
docs/instal.md is not in the repository<br>→ install.md | links/missing-file |
| ❌ | <code>docs/guide.md&#58;40&#58;5</code> | \
old.md is not in the repository<br>It was renamed to new.md in 1f3c9a2. | \
links/missing-file |
| ❌ | <code>docs/latest</code> | the symlink&#39;s target v9 is not in the repository | symlinks/broken |
| ⚠️ | <code>docs/guide.md&#58;7&#58;5</code> | &#35;KV-Router differs from the anchor kv-router in case only<br>\
→ &#35;kv-router | links/fragment-case |

- links/missing-file (2): Readers who follow it get a 404.
- symlinks/broken (1): In every clone it points to nothing.
- links/fragment-case (1): github.com retries a fragment in lower case; most other renderers do not, and there the \
link is dead.
"""
CLEAN = "### ✅ trueup: nothing wrong\n\n690 files, 32,177 links checked in 0.41 s.\n"


def written(tmp_path: Path, result: RunResult, **where: str) -> str:
    file = tmp_path / "summary"
    write_job_summary(str(file), result, **where)
    return file.read_text(encoding="utf-8")


def test_the_whole_summary(small: RunResult, tmp_path: Path) -> None:
    assert written(tmp_path, small) == SMALL


def test_a_clean_run(clean: RunResult, tmp_path: Path) -> None:
    assert written(tmp_path, clean) == CLEAN


def test_places_lead_to_github_where_it_is_known(small: RunResult, tmp_path: Path) -> None:
    links = re.findall(r'<a href="([^"]*)">', written(tmp_path, small, repository="octo/repo", ref="main"))
    base = "https://github.com/octo/repo/blob/main/docs"
    lines = [f"{base}/guide.md?plain=1#L{line}" for line in (12, 40, 7)]
    assert links == [*lines[:2], f"{base}/latest", lines[2]]


def test_it_is_appended(clean: RunResult, tmp_path: Path) -> None:
    (tmp_path / "summary").write_text("what was there", encoding="utf-8")
    assert written(tmp_path, clean) == "what was there\n" + CLEAN


@pytest.mark.parametrize("before_bytes", [0, 300_000, 983_040, 1_040_000])
def test_the_file_stays_below_a_mebibyte_in_bytes(many: RunResult, tmp_path: Path, before_bytes: int) -> None:
    file = tmp_path / "summary"
    file.write_bytes(b"x" * before_bytes)
    write_job_summary(str(file), many)
    added = file.read_bytes()[before_bytes:]
    assert before_bytes + len(added) < 1024 * 1024
    rows = [line[2] for line in added.decode().splitlines() if line.startswith(("| ❌", "| ⚠"))]
    if before_bytes > 900_000:
        assert added == b""  # no room: better nothing than half a table
        return
    left = re.search(r"^([\d,]+) more\.$", added.decode(), re.MULTILINE)
    assert left is not None
    assert len(rows) + int(left[1].replace(",", "")) == 2000
    assert rows == sorted(rows, key="❌⚠".index)
    assert len(added) > 1024 * 1024 - before_bytes - 100_000


def test_github_would_show_hostile_text_as_text(hostile: RunResult, tmp_path: Path) -> None:
    text = written(tmp_path, hostile, repository="o/r", ref="main")
    assert set(text) & set("\x1b\x07\x9b\x00\u202e\u2066\u2028\r") == set()
    markdown = MarkdownIt("gfm-like", {"html": True, "linkify": True})
    assert markdown.linkify is not None
    markdown.linkify.set({"fuzzy_link": False})  # GitHub does not make a link of a bare `github.com`
    page = markdown.render(text)
    assert {tag.lower() for tag in re.findall(r"<(\w+)", page)} == {
        "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "a", "code", "br", "ul", "li",
    }  # fmt: skip
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    assert [row.count("<td>") for row in rows] == [0, 4, 4]
    shown = html.unescape(re.sub(r"<[^>]*>", "", rows[1]))
    assert r"`c` **b** @user https://example.org {0} [x](1) {{ 7*7 }} %0A &lt;" in shown
    assert r"c%0A\x1b[31m<script>alert(1)</script>]]>##[add-mask]m|`\u202egnp\x80.md:12:5" in shown
    assert [
        href for href in re.findall(r'href="([^"]*)"', page) if not href.startswith("https://github.com/o/r/")
    ] == []


def test_a_summary_that_cannot_be_written_is_one_clear_line(clean: RunResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^the job summary .* cannot be written: "):
        write_job_summary(str(tmp_path), clean)


def test_no_room_is_no_summary(small: RunResult) -> None:
    assert summary.render(small, limit_bytes=10) == ""
