from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import pytest

from trueup.errors import UsageError
from trueup.findings import RunResult
from trueup.reports import ReportRequest, parse_request, render, write


def test_several_reports_at_once(small: RunResult, tmp_path: Path) -> None:
    stdout = io.StringIO()
    names = {"json": "out/report.json", "html": "report.html"}
    requests = [
        ReportRequest("text", None),
        *(ReportRequest(name, str(tmp_path / file)) for name, file in names.items()),
    ]
    write(requests, small, stdout=stdout, color=True, verbose=True, repository="o/r", ref="main")
    assert stdout.getvalue() == render("text", small, color=True, verbose=True)
    assert (tmp_path / "out/report.json").read_text(encoding="utf-8") == render("json", small)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render("html", small, repository="o/r", ref="main")


def test_a_file_has_no_colour(small: RunResult, tmp_path: Path) -> None:
    write([ReportRequest("text", str(tmp_path / "a"))], small, stdout=io.StringIO(), color=True)
    assert (tmp_path / "a").read_text(encoding="utf-8") == render("text", small)


def accented(result: RunResult) -> RunResult:
    return msgspec.structs.replace(
        result, findings=[msgspec.structs.replace(result.findings[0], message="größe 猫 \udc80")]
    )


def test_people_see_escapes_for_what_their_terminal_lacks(small: RunResult) -> None:
    stream = io.TextIOWrapper(raw := io.BytesIO(), encoding="latin-1")
    write([parse_request("text")], accented(small), stdout=stream)
    stream.flush()
    assert "warning: größe \\u732b \\x80 [links".encode("latin-1") in raw.getvalue()


def test_tools_read_utf_8_whatever_the_locale(small: RunResult) -> None:
    stream = io.TextIOWrapper(raw := io.BytesIO(), encoding="ascii")
    write([parse_request("json")], accented(small), stdout=stream)
    assert json.loads(raw.getvalue().decode())["findings"][0]["message"] == "größe 猫 \\x80"


def test_what_came_before_stays_before(small: RunResult) -> None:
    stream = io.TextIOWrapper(raw := io.BytesIO(), encoding="utf-8")
    stream.write("before\n")
    write([parse_request("text"), parse_request("github")], small, stdout=stream)
    stream.flush()
    assert raw.getvalue().decode() == "before\n" + render("text", small) + render("github", small)


@pytest.mark.parametrize("link", ["report.html", "out"])
def test_a_repository_cannot_redirect_a_report(small: RunResult, tmp_path: Path, link: str) -> None:
    root, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (elsewhere / "profile").write_text("mine", encoding="utf-8")
    (root / "report.html").symlink_to("../elsewhere/profile")
    (root / "out").symlink_to("../elsewhere")
    file = root / link / "profile" if link == "out" else root / link
    with pytest.raises(UsageError, match="its path in the repository goes through a symlink"):
        write(
            [ReportRequest("html", str(file))],
            msgspec.structs.replace(small, root=str(root)),
            stdout=io.StringIO(),
        )
    assert (elsewhere / "profile").read_text(encoding="utf-8") == "mine"


def test_a_repository_that_is_reached_through_a_symlink_is_fine(small: RunResult, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    root = tmp_path / "link"
    write(
        [ReportRequest("json", str(root / "a.json"))],
        msgspec.structs.replace(small, root=str(root)),
        stdout=io.StringIO(),
    )
    assert (tmp_path / "real/a.json").exists()


def test_a_file_that_cannot_be_written_is_one_clear_line(small: RunResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^the report '.*' cannot be written: Is a directory$"):
        write([ReportRequest("json", str(tmp_path))], small, stdout=io.StringIO())


def test_reports_that_clash_are_refused_before_one_is_written(small: RunResult, tmp_path: Path) -> None:
    stdout = io.StringIO()
    with pytest.raises(UsageError, match="shares the standard output"):
        write([parse_request("text"), parse_request("html")], small, stdout=stdout)
    assert stdout.getvalue() == ""
