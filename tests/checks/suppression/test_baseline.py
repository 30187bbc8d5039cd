"""The baseline file: stable, readable by merges, refused when it is not one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trueup.errors import ConfigError
from trueup.findings import Finding, Severity
from trueup.suppression import read_baseline, write_baseline


def finding(path: str, target: str = "b.md", *, ordinal: int = 1, rule: str = "links/missing-file") -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        path=path,
        message="m",
        reason="r",
        target=target,
        ordinal=ordinal,
        line=7,
    )


def refusal(place: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_baseline(place, root=place.parent)
    return caught.value.message


def test_the_file(tmp_path: Path) -> None:
    findings = [
        finding("z.md"),
        finding("a.md", "é", ordinal=2),
        finding("a.md", "é"),
        finding("z.md"),
        finding("a.md", rule="trueup/unused-suppression"),
        finding("a.md", rule="links/malformed"),
    ]
    assert write_baseline(tmp_path / "b.json", findings, root=tmp_path) == 4
    one, two, three = (findings[index].fingerprint for index in (2, 1, 0))
    rule = '"rule": "links/missing-file"'
    zero = "e0b6d49cbd06ed495e45c3827ad65a0c"
    assert (tmp_path / "b.json").read_text(encoding="ascii").splitlines() == [
        "{",
        ' "version": 1,',
        ' "findings": [',
        f'  {{"fingerprint": "{zero}", "rule": "links/malformed", "path": "a.md", "target": "b.md", "ordinal": 1}},',
        f'  {{"fingerprint": "{one}", {rule}, "path": "a.md", "target": "\\u00e9", "ordinal": 1}},',
        f'  {{"fingerprint": "{two}", {rule}, "path": "a.md", "target": "\\u00e9", "ordinal": 2}},',
        f'  {{"fingerprint": "{three}", {rule}, "path": "z.md", "target": "b.md", "ordinal": 1}}',
        " ]",
        "}",
    ]


def test_an_empty_baseline(tmp_path: Path) -> None:
    assert write_baseline(tmp_path / "b.json", []) == 0
    assert (tmp_path / "b.json").read_text() == '{\n "version": 1,\n "findings": []\n}\n'
    assert read_baseline(tmp_path / "b.json").entries == {}


TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from('\udc80\udcff"\\\n\0'), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.builds(finding, TEXT, TEXT, ordinal=st.integers(1, 3)), max_size=5))
def test_what_is_written_is_read(tmp_path: Path, findings: list[Finding]) -> None:
    place = tmp_path / "b.json"
    write_baseline(place, findings, root=tmp_path)
    baseline = read_baseline(place, root=tmp_path)
    assert baseline.path == "b.json"
    assert set(baseline.entries) == {one.fingerprint for one in findings}
    lines = place.read_text().split("\n")
    assert all(fingerprint in lines[baseline.lines[fingerprint] - 1] for fingerprint in baseline.entries)
    first = place.read_bytes()
    write_baseline(place, reversed(findings), root=tmp_path)
    assert place.read_bytes() == first


def test_one_finding_is_one_line_of_a_diff(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.json", [finding("a.md"), finding("c.md")])
    before = (tmp_path / "b.json").read_text().splitlines()
    write_baseline(tmp_path / "b.json", [finding("a.md"), finding("b.md"), finding("c.md")])
    after = (tmp_path / "b.json").read_text().splitlines()
    assert len(after) == len(before) + 1
    assert [line for line in before if line not in after] == []


ENTRY = json.dumps(
    {
        "fingerprint": finding("a.md").fingerprint,
        "rule": "links/missing-file",
        "path": "a.md",
        "target": "b.md",
        "ordinal": 1,
    }
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "b.json:1:1: it is not JSON: Expecting value"),
        (
            b'{\n "version": 1,\n <<<<<<< HEAD\n',
            "b.json:3:2: it is not JSON: Expecting property name enclosed in double quotes",
        ),
        (b"[]", "b.json: it is not a baseline: Expected `object`, got `array`"),
        (b'{"version": 2, "findings": []}', "b.json: its version is 2; this trueup reads 1"),
        (
            b'{"version": true, "findings": []}',
            "b.json: it is not a baseline: Expected `int`, got `bool` - at `$.version`",
        ),
        (b"{}", "b.json: its version is None; this trueup reads 1"),
        (b'{"version": 1}', "b.json: it is not a baseline: Object missing required field `findings`"),
        (
            b'{"version": 1, "findings": [{"rule": 1}]}',
            "b.json: it is not a baseline: Expected `str`, got `int` - at `$.findings[0].rule`",
        ),
        (
            ('{"version": 1, "findings": [\n' + ENTRY.replace("a.md", "c.md") + "]}").encode(),
            "b.json:2: the fingerprint does not belong to the rest of the entry",
        ),
        (b"\xff", "b.json: the baseline is not UTF-8 (byte 0)"),
        (b"[" * 100_000, "b.json: it is nested too deeply"),
    ],
)
def test_what_is_no_baseline_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(data)
    assert refusal(tmp_path / "b.json").startswith(message)


def test_a_merge_may_leave_entries_twice_and_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"version": 1, "findings": [' + ENTRY + "," + ENTRY + "]}")
    assert len(read_baseline(tmp_path / "b.json").entries) == 1


def test_what_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "b.json") == "b.json: the baseline does not exist"
    assert refusal(tmp_path / "b.json").count("/") == 0
    (tmp_path / "folder").mkdir()
    assert refusal(tmp_path / "folder") == "folder: the baseline is not a regular file"


def test_a_symlink_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "b.json").symlink_to("../secret")
    assert refusal(root / "b.json") == "b.json: a symlink leads the baseline out of the repository"
    with pytest.raises(ConfigError):
        write_baseline(root / "b.json", [], root=root)
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_baseline_elsewhere_is_the_callers_choice(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    write_baseline(tmp_path / "b.json", [finding("a.md")], root=root)
    assert read_baseline(tmp_path / "b.json", root=root).path == str(tmp_path / "b.json")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^absent/b\.json: it cannot be written: No such file or directory$"):
        write_baseline(tmp_path / "absent/b.json", [], root=tmp_path)
