"""`trueup check` as a user runs it: where it is started, which bytes it reads, what it prints and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fix_repository import Repository

MakeRepository = Callable[[Mapping[str, str | bytes]], Repository]

BROKEN = {
    "README.md": "# One\n\nSee [the guide](docs/giude.md) and [below](#on).\n",
    "docs/guide.md": "# Guide\n\nBack [home](../README.md#one).\n",
}

IN_README = ["README.md:3:17 links/missing-file", "README.md:3:44 links/missing-fragment"]


def findings(done: subprocess.CompletedProcess[str]) -> list[str]:
    """`path:line:column rule` of a run with `--report json`."""
    listed = json.loads(done.stdout)["findings"]
    return [f"{one['path']}:{one['line']}:{one['column']} {one['rule']}" for one in listed]


def test_a_broken_link_is_told_with_its_place_its_rule_and_its_mend(make_repository: MakeRepository) -> None:
    done = make_repository(BROKEN).trueup("check", "--no-cache")
    assert done.returncode == 1
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "README.md:3:17: error: docs/giude.md is not in the repository [links/missing-file]",
        "    -> docs/guide.md (the nearest name in that folder)",
        "README.md:3:44: error: this file has no heading or anchor #on [links/missing-fragment]",
        "    -> #one (the nearest anchor)",
    ]
    assert lines[-1].startswith("trueup: 2 files, 3 links, 0 symlinks checked in ")
    assert lines[-1].endswith(": 2 errors in 1 file")


def test_a_clean_repository_is_one_line(make_repository: MakeRepository) -> None:
    done = make_repository({"README.md": "[home](#top)\n"}).trueup("check")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.endswith("nothing wrong\n")


def test_quiet_says_nothing_when_nothing_is_wrong(make_repository: MakeRepository) -> None:
    done = make_repository({"README.md": "[home](#top)\n"}).trueup("check", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_paths_are_from_the_root_wherever_it_is_started(make_repository: MakeRepository) -> None:
    repository = make_repository(BROKEN)
    below = Repository.__new__(Repository)
    below.root = repository.root / "docs"
    assert findings(below.trueup("check", "--report", "json")) == findings(
        repository.trueup("check", "--report", "json")
    )


@pytest.mark.parametrize(
    ("start", "words", "expected"),
    [
        ("", ["docs"], []),
        ("", ["README.md"], IN_README),
        ("", ["./README.md", "docs/guide.md"], IN_README),
        ("docs", ["guide.md"], []),
        ("docs", ["../README.md"], IN_README),
        ("docs", ["."], []),
    ],
)
def test_paths_named_are_from_where_it_is_started(
    make_repository: MakeRepository, start: str, words: list[str], expected: list[str]
) -> None:
    repository = make_repository(BROKEN)
    repository.root /= start
    assert findings(repository.trueup("links", *words, "--report", "json")) == expected


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("nowhere.md", "there is no check and no tracked path 'nowhere.md'"),
        ("../elsewhere", "'../elsewhere' lies outside the repository"),
        ("new", "Git tracks nothing in 'new'"),
        ("linsk", "there is no check and no tracked path 'linsk'"),
    ],
)
def test_a_path_that_cannot_be_checked_is_a_usage_error(make_repository: MakeRepository, word: str, told: str) -> None:
    repository = make_repository(BROKEN)
    repository.write("new/new.md", "new")
    done = repository.trueup("check", word)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_untracked_file_is_a_source_when_it_is_named_and_never_a_target(make_repository: MakeRepository) -> None:
    repository = make_repository({"README.md": "[n](new.md)\n"})
    repository.write("new.md", "# New\n[ok](#new) [gone](gone.md) [home](README.md)\n")
    assert findings(repository.trueup("links", "new.md", "--report", "json")) == ["new.md:2:19 links/missing-file"]
    assert findings(repository.trueup("links", "--report", "json")) == ["README.md:1:5 links/untracked-target"]
    repository.symlink("link.md", "new.md")
    assert "Git tracks nothing in 'link.md'" in repository.trueup("links", "link.md").stderr


def test_work_tree_index_and_commit_are_three_different_things(make_repository: MakeRepository) -> None:
    repository = make_repository({"a.md": "[b](b.md)\n", "b.md": "b\n"})
    repository.write("a.md", "[b](c.md)\n")
    repository.add("a.md")
    repository.write("a.md", "[b](d.md)\n")
    for words, target in (([], "d.md"), (["--staged"], "c.md"), (["--ref", "HEAD"], None)):
        done = repository.trueup("check", *words, "--report", "json")
        assert [one["target"] for one in json.loads(done.stdout)["findings"]] == ([target] if target else [])


def test_a_deletion_that_is_not_staged_counts_in_the_work_tree_only(make_repository: MakeRepository) -> None:
    repository = make_repository({"a.md": "[b](b.md)\n", "b.md": "b\n"})
    (repository.root / "b.md").unlink()
    assert "b.md was deleted from the work tree" in repository.trueup("check").stdout
    assert repository.trueup("check", "--staged").returncode == 0


def test_outside_git_files_count_as_tracked_but_for_the_ignored(tmp_path: Path) -> None:
    folder = Repository.__new__(Repository)
    folder.root = tmp_path / "plain"
    folder.write("a.md", "[b](b.md) [c](c.md) [i](ignored.md)\n")
    folder.write("b.md", "b")
    folder.write("ignored.md", "i")
    folder.write(".gitignore", "ignored.md\n")
    environment = {"GIT_CEILING_DIRECTORIES": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = folder.trueup("check", "--report", "json", env=environment)
    assert findings(done) == ["a.md:1:15 links/missing-file", "a.md:1:25 links/untracked-target"]
    noted = folder.trueup("check", "--verbose", env=environment)
    assert "not a Git repository" in noted.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], 1),
        (["--warn-only"], 0),
        (["--fail-on", "never"], 0),
        (["--fail-on", "warning"], 1),
    ],
)
def test_what_fails_a_run(make_repository: MakeRepository, words: list[str], expected: int) -> None:
    assert make_repository(BROKEN).trueup("check", *words).returncode == expected


def test_warnings_fail_only_when_asked(make_repository: MakeRepository) -> None:
    repository = make_repository({"a.md": "# Heading\n\n[up](#Heading)\n"})
    assert repository.trueup("check").returncode == 0
    assert repository.trueup("check", "--fail-on", "warning").returncode == 1


def test_a_baseline_lets_only_new_faults_fail(make_repository: MakeRepository) -> None:
    repository = make_repository(BROKEN)
    written = repository.trueup("check", "--write-baseline", "baseline.json")
    assert (written.returncode, written.stdout) == (0, "")
    assert written.stderr == "trueup: 2 findings written to baseline.json\n"
    repository.write("trueup.toml", 'baseline = "baseline.json"\n')
    assert repository.trueup("check").returncode == 0
    # Lines move, faults stay the same faults.
    repository.write("README.md", "\n\n" + BROKEN["README.md"] + "\n[new](new.md)\n")
    assert findings(repository.trueup("check", "--report", "json")) == ["README.md:7:7 links/missing-file"]


def test_suppressions_each_hide_one_fault_and_are_told_when_idle(make_repository: MakeRepository) -> None:
    repository = make_repository(
        {
            "a.md": "<!-- trueup: ignore links/missing-file: comes with 2.0 -->\n[x](x.md)\n\n"
            "<!-- trueup: ignore links/missing-file: no longer needed -->\n[b](b.md)\n",
            "b.md": "[y](y.md)\n",
            "trueup.toml": '[[ignore]]\nrule = "links/missing-file"\npaths = ["b.md"]\nreason = "made later"\n\n'
            '[[ignore]]\nrule = "links/empty-target"\nreason = "idle"\n',
        }
    )
    done = repository.trueup("check", "--report", "json")
    assert findings(done) == ["a.md:4:1 trueup/unused-suppression", "trueup.toml:6:None trueup/unused-suppression"]
    assert {one["by"] for one in json.loads(done.stdout)["suppressed"]} == {"comment", "config"}


def test_several_reports_of_one_run(make_repository: MakeRepository, tmp_path: Path) -> None:
    repository = make_repository(BROKEN)
    files = {name: tmp_path / f"out.{name}" for name in ("json", "sarif", "junit", "html", "github")}
    words = [word for name, place in files.items() for word in ("--report", f"{name}={place}")]
    done = repository.trueup("check", "--report", "text", *words)
    assert done.returncode == 1
    assert "docs/giude.md is not in the repository" in done.stdout
    for place in files.values():
        assert "giude.md" in place.read_text(encoding="utf-8")


HOSTILE = "evil\n::error::pwned\x1b[31m]0;.md"


def test_hostile_names_cannot_speak_through_any_report(make_repository: MakeRepository, tmp_path: Path) -> None:
    repository = make_repository({HOSTILE: "[x](missing.md)\n"})
    for name in ("text", "github", "json", "sarif", "junit", "html"):
        done = repository.trueup("check", "--report", name)
        assert done.returncode == 1, done.stderr
        assert "\x1b" not in done.stdout
        assert not any(line.lstrip().startswith("::error::pwned") for line in done.stdout.splitlines())


def test_names_of_any_bytes_are_checked(repository: Repository) -> None:
    names = [b"with space.md", b'quote".md', b"new\nline.md", b"latin-\xe9.md", "grün.md".encode()]
    for name in names:
        place = os.fsencode(repository.root) + b"/" + name
        with open(place, "wb") as file:
            file.write(b"[gone](gone.md)\n")
    repository.write(
        "a.md", "[s](with%20space.md) [s](<with space.md>) [g](grün.md) [g](gr%C3%BCn.md) [l](latin-%E9.md)\n"
    )
    repository.commit()
    done = repository.trueup("check", "--report", "json")
    assert done.returncode == 1, done.stderr
    assert sorted(one["target"] for one in json.loads(done.stdout)["findings"]) == ["gone.md"] * len(names)


def test_bytes_that_are_not_utf8_are_told_and_the_rest_is_checked(make_repository: MakeRepository) -> None:
    repository = make_repository({"a.md": b"caf\xe9 [x](x.md)\n\n[y](y.md)\n"})
    assert findings(repository.trueup("check", "--report", "json")) == [
        "a.md:1:4 trueup/unreadable-file",
        "a.md:1:10 links/missing-file",
        "a.md:3:5 links/missing-file",
    ]


def test_a_broken_configuration_is_an_error_with_file_line_and_key(make_repository: MakeRepository) -> None:
    repository = make_repository({"trueup.toml": "[links]\nsorces = []\n"})
    done = repository.trueup("check")
    assert (done.returncode, done.stdout) == (2, "")
    assert "trueup.toml:2" in done.stderr
    assert "sorces" in done.stderr
    assert "sources" in done.stderr


def test_both_engines_print_the_same(make_repository: MakeRepository) -> None:
    repository = make_repository(
        BROKEN | {"c.md": '| a | b |\n|---|---|\n| [x](x.md) | <img src="y.png"> |\n\n[r][nope] and [s]\n\n[s]: z.md\n'}
    )
    outputs = [
        findings(repository.trueup("check", "--engine", name, "--report", "json"))
        for name in ("pyromark", "markdown-it")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) == 6


def test_fix_mends_what_is_certain_and_leaves_the_rest(make_repository: MakeRepository) -> None:
    repository = make_repository({"a.md": "# Big News\r\n\r\n[n](#Big-News) [x](x.md)\r\n"})
    shown = repository.trueup("check", "--diff", "--report", "json=/dev/null")
    assert "+[n](#big-news) [x](x.md)\n" in shown.stdout
    done = repository.trueup("check", "--fix", "--report", "json")
    assert findings(done) == ["a.md:3:20 links/missing-file"]
    assert (repository.root / "a.md").read_bytes() == b"# Big News\r\n\r\n[n](#big-news) [x](x.md)\r\n"


def test_a_renamed_file_is_found_in_what_is_staged_and_mended(make_repository: MakeRepository) -> None:
    repository = make_repository({"a.md": "[g](docs/guide.md#guide)\n", "docs/guide.md": "# Guide\n\n" + "text\n" * 20})
    repository.git("mv", "docs/guide.md", "docs/manual.md")
    done = repository.trueup("check")
    assert "    -> docs/manual.md#guide (it was renamed)" in done.stdout.splitlines()
    assert repository.trueup("check", "--fix").returncode == 0
    assert (repository.root / "a.md").read_text() == "[g](docs/manual.md#guide)\n"


def test_graph_names_what_links_to_a_file(make_repository: MakeRepository) -> None:
    repository = make_repository(BROKEN)
    done = repository.trueup("links", "--graph", "--to", "README.md")
    assert done.returncode == 0
    assert done.stdout == "docs/guide.md:3:13: ../README.md#one -> README.md\ntrueup: 1 link to README.md\n"


def test_the_work_tree_stays_as_it_is(make_repository: MakeRepository) -> None:
    repository = make_repository(BROKEN)
    repository.trueup("check")
    assert repository.git("status", "--porcelain", "--ignored") == ""


def test_a_hundred_thousand_files_are_listed_in_bounded_time(tmp_path: Path) -> None:
    """The whole run stays far below the suite's timeout, though every file is a source with a link."""
    repository = Repository(tmp_path / "large")
    blob = repository.git("hash-object", "-w", str(repository.write("seed.md", "[a](d0/f0.md)\n"))).strip()
    listing = "".join(f"100644 {blob}\td{number // 1000}/f{number}.md\n" for number in range(100_000))
    subprocess.run(["git", "update-index", "--index-info"], cwd=repository.root, input=listing.encode(), check=True)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "trueup", "check", "--staged", "--report", "json", "--fail-on", "never"],
        cwd=repository.root,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    assert report["checks"][0]["counts"]["files"] == 100_000
    # From the folder d0 the target is d0/d0/f0.md: nobody has that.
    assert len(report["findings"]) == 100_000
