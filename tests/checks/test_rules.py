"""Every rule has its page, and the documentation's list of rules is the registry's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fix_repository import PROJECT
from trueup.cli import main
from trueup.errors import UsageError
from trueup.rules import Rule, find, registry

PAGES = PROJECT / "docs/rules"
SKELETON = ["## What it finds", "## Why it matters", "## How to mend it", "## Example"]
FENCED = re.compile(r"^(`{3,}).*?^\1", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("rule", registry().values(), ids=lambda rule: rule.id)
def test_every_rule_has_a_page_with_the_skeleton(rule: Rule) -> None:
    text = (PAGES / f"{rule.id}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#{1,2} .*", FENCED.sub("", text), re.MULTILINE)
    assert headings == [f"# {rule.id}", *SKELETON]
    facts = re.findall(r"^\| Severity \| Fixable \| Since \|\n\| --- \| --- \| --- \|\n(.*)", text, re.MULTILINE)
    assert len(facts) == 1
    assert re.fullmatch(rf"\| {rule.severity} \| {'yes' if rule.fixable else 'no'} \| \d+\.\d+\.\d+ \|", facts[0])
    empty = [part for part in re.split(r"^## .*\n", text, flags=re.MULTILINE)[1:] if not part.strip()]
    assert empty == []


def test_no_page_is_about_a_rule_that_does_not_exist() -> None:
    pages = {place.relative_to(PAGES).with_suffix("").as_posix() for place in PAGES.rglob("*.md")}
    assert pages - {"README"} == set(registry())


def test_the_list_in_the_documentation_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--format", "markdown"]) == 0
    text = (PAGES / "README.md").read_text(encoding="utf-8")
    listed = text.partition("<!-- rules: begin -->\n\n")[2].partition("\n<!-- rules: end -->")[0]
    assert listed == capsys.readouterr().out


def test_the_list_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(registry())
    assert lines[0] == (
        "links/missing-file                 error    fixable  a link leads to a file that is not in the repository"
    )


def test_the_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": rule.id,
            "severity": rule.severity.value,
            "summary": rule.summary,
            "reason": rule.reason,
            "fixable": rule.fixable,
            "enabled": rule.enabled,
        }
        for rule in registry().values()
    ]


@pytest.mark.parametrize("rule", registry().values(), ids=lambda rule: rule.id)
def test_words_of_a_rule(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*/[a-z]+(-[a-z]+)*", rule.id)
    assert re.fullmatch(r"an? [^\n]*[^.\n]|the [^\n]*[^.\n]", rule.summary)
    assert re.fullmatch(r"[A-Zg][^\n]*\.", rule.reason)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("links/missing-fil", "did you mean 'links/missing-file'?"),
        ("missing-fragment", "did you mean 'links/missing-fragment'?"),
        ("loop", "did you mean 'symlinks/loop'?"),
        ("x", "known are: links/missing-file, links/missing-fragment"),
    ],
)
def test_a_rule_that_does_not_exist(typed: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(typed)
    assert caught.value.message == f"there is no rule {typed!r}"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


def test_a_wheel_brings_every_page_and_schema(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"trueup/rule_pages/{rule}.md" for rule in registry()}
    wanted |= {"trueup/schemas/config.schema.json", "trueup/schemas/report.schema.json"}
    assert wanted - names == set()
