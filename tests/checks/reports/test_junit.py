from __future__ import annotations

from xml.etree import ElementTree as ET

from trueup.findings import RunResult
from trueup.reports import render

SMALL = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="trueup" tests="3" failures="2" errors="0" skipped="0" time="0.413">
  <testsuite name="links" tests="2" failures="1" errors="0" skipped="0">
    <testcase classname="docs/guide.md" name="links/fragment-case" file="docs/guide.md" line="7">
      <system-out>docs/guide.md:7:5: warning: #KV-Router differs from the anchor kv-router in case only -&gt; \
#kv-router</system-out>
    </testcase>
    <testcase classname="docs/guide.md" name="links/missing-file" file="docs/guide.md" line="12">
      <failure type="links/missing-file" message="docs/instal.md is not in the repository (and 1 more)">\
docs/guide.md:12:5: error: docs/instal.md is not in the repository -&gt; install.md
docs/guide.md:40:5: error: old.md is not in the repository
Readers who follow it get a 404.</failure>
    </testcase>
  </testsuite>
  <testsuite name="symlinks" tests="1" failures="1" errors="0" skipped="0">
    <testcase classname="docs/latest" name="symlinks/broken" file="docs/latest">
      <failure type="symlinks/broken" message="the symlink's target v9 is not in the repository">\
docs/latest: error: the symlink's target v9 is not in the repository
In every clone it points to nothing.</failure>
    </testcase>
  </testsuite>
</testsuites>
"""
CLEAN = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="trueup" tests="1" failures="0" errors="0" skipped="0" time="0.413">
  <testsuite name="links" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="trueup" name="links" />
  </testsuite>
</testsuites>
"""


def test_the_whole_report(small: RunResult) -> None:
    assert render("junit", small) == SMALL


def test_a_clean_check_is_a_test_that_passes(clean: RunResult) -> None:
    assert render("junit", clean) == CLEAN


def test_hostile_text_is_well_formed_and_shown(hostile: RunResult) -> None:
    document = render("junit", hostile)
    assert "##[" not in document
    assert [line for line in document.splitlines() if line.lstrip().startswith("::")] == []
    root = ET.fromstring(document.encode())
    names = {element.tag for element in root.iter()}
    assert names == {"testsuites", "testsuite", "testcase", "failure", "system-out"}
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"].startswith(
        r"a\n::error::x \r\n##[set-output name=a]b \x1b]0;owned\x07 \x9b31m ]]> <script>alert(1)</script> <!-- \u2028"
    )
    assert r"\x80.md:12:5: error: a\n::error::x" in (failure.text or "")
    assert set("".join(root.itertext())) & set("\x1b\x07\x9b\x00\u202e\u2066\u2028\r") == set()


def test_the_numbers_add_up(many: RunResult) -> None:
    root = ET.fromstring(render("junit", many).encode())
    assert (root.attrib["tests"], root.attrib["failures"]) == ("2000", "800")
    assert len(root.findall(".//testcase")) == 2000
    assert len(root.findall(".//failure")) == 800
    assert len(root.findall(".//system-out")) == 1200
