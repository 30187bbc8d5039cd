"""Which findings are taken out, by what, and which suppressions are told to be useless."""

from __future__ import annotations

from pathlib import Path

import pytest

from trueup.config import Config, Loaded, load
from trueup.config.model import Ignore
from trueup.findings import Finding, Severity
from trueup.rules import registry
from trueup.suppression import Applied, Baseline, IgnoreComment, apply, read_baseline, write_baseline


def finding(
    path: str = "docs/a.md", target: str = "b.md", *, rule: str = "links/missing-file", line: int | None = 3
) -> Finding:
    return Finding(rule=rule, severity=Severity.ERROR, path=path, message="m", reason="r", target=target, line=line)


def comment(*rules: str, covered_line: int = 3, line: int = 2) -> IgnoreComment:
    return IgnoreComment(list(rules) or ["links/missing-file"], "said so", line, covered_line, 5)


def by(applied: Applied) -> list[tuple[str, str, str]]:
    return [(one.finding.target, one.by, one.reason) for one in applied.suppressed]


def told(applied: Applied) -> list[tuple[str, int | None, str]]:
    assert {one.rule for one in applied.extra} <= {"trueup/unused-suppression"}
    return [(one.path, one.line, one.message) for one in applied.extra]


@pytest.mark.parametrize(
    ("ignore", "covered"),
    [
        (Ignore(rule="links/missing-file", reason="r"), True),
        (Ignore(rule="links/*", reason="r"), True),
        (Ignore(rule="links/malformed", reason="r"), False),
        (Ignore(rule="symlinks/*", reason="r"), False),
        (Ignore(rule="links/*", reason="r", paths=["docs/"]), True),
        (Ignore(rule="links/*", reason="r", paths=["*.txt", "*.md"]), True),
        (Ignore(rule="links/*", reason="r", paths=["src/"]), False),
        (Ignore(rule="links/*", reason="r", paths=[]), False),
        (Ignore(rule="links/*", reason="r", targets=["my%20file*"]), True),
        (Ignore(rule="links/*", reason="r", targets=["x", "my file.*"]), True),
        (Ignore(rule="links/*", reason="r", targets=["my"]), False),
        (Ignore(rule="links/*", reason="r", paths=["docs/"], targets=["other"]), False),
        (Ignore(rule="links/*", reason="r", paths=["src/"], targets=["*"]), False),
    ],
)
def test_an_entry_covers_what_meets_all_its_conditions(ignore: Ignore, covered: bool) -> None:
    one = finding(target="my%20file.md")
    applied = apply([one], config=Config(ignore=[ignore]), comments={})
    assert applied.kept == ([] if covered else [one])
    assert [(found.finding, found.by, found.reason) for found in applied.suppressed] == (
        [(one, "config", "r")] if covered else []
    )
    assert applied.extra == []


@pytest.mark.parametrize(
    ("one", "covered"),
    [
        (finding(), True),
        (finding(line=2), False),
        (finding(line=None), False),
        (finding("docs/b.md"), False),
        (finding(rule="links/malformed"), False),
    ],
)
def test_a_comment_covers_its_rules_on_its_line(one: Finding, covered: bool) -> None:
    applied = apply([one], config=Config(), comments={"docs/a.md": [comment()]})
    assert by(applied) == ([("b.md", "comment", "said so")] if covered else [])
    assert told(applied) == (
        [] if covered else [("docs/a.md", 2, "the comment ignores links/missing-file, which line 3 does not break")]
    )


def test_each_rule_of_a_comment_must_have_its_use() -> None:
    applied = apply(
        [finding()],
        config=Config(),
        comments={"docs/a.md": [comment("links/missing-file", "links/malformed", "symlinks/*")]},
    )
    assert [(one.target, one.line, one.column, one.severity) for one in applied.extra] == [
        ("links/malformed", 2, 5, Severity.WARNING),
        ("symlinks/*", 2, 5, Severity.WARNING),
    ]


def test_unused_comments_of_a_file_have_identities_of_their_own() -> None:
    comments = [comment(line=2), comment(line=4, covered_line=5)]
    applied = apply([], config=Config(), comments={"docs/a.md": comments})
    assert [(one.target, one.ordinal) for one in applied.extra] == [
        ("links/missing-file", 1),
        ("links/missing-file", 2),
    ]
    assert len({one.fingerprint for one in applied.extra}) == 2


def test_what_was_not_checked_is_not_called_unused() -> None:
    comments = {"docs/a.md": [comment("symlinks/loop"), comment("links/*")]}
    applied = apply([], config=Config(), comments=comments, checked_rules=["symlinks/loop", "links/malformed"])
    assert [one.target for one in applied.extra] == ["symlinks/loop"]


def test_a_document_behind_a_symlink_is_judged_with_the_original() -> None:
    comments = {"docs/a.md": [comment()], "README.md": [comment()]}
    same_file = {"README.md": "docs/a.md"}
    # The link is broken at one of its two places only: the comment has its use.
    applied = apply([finding("README.md")], config=Config(), comments=comments, same_file=same_file)
    assert (by(applied), told(applied)) == ([("b.md", "comment", "said so")], [])
    # It is broken nowhere: that is told once, where the comment can be removed.
    assert [one.path for one in apply([], config=Config(), comments=comments, same_file=same_file).extra] == [
        "docs/a.md"
    ]
    only = {"README.md": [comment()]}
    assert [one.path for one in apply([], config=Config(), comments=only, same_file=same_file).extra] == ["README.md"]


def loaded(root: Path, text: str) -> Loaded:
    (root / "trueup.toml").write_text(text)
    return load(root)


SETTINGS = """\
[[ignore]]
rule = "links/*"
reason = "r"
targets = ["b.md"]

[[ignore]]
rule = "links/missing-file"
reason = "s"
paths = ["gone/"]
"""


def test_entries_without_use_are_told_with_their_line(tmp_path: Path) -> None:
    source = loaded(tmp_path, SETTINGS)
    applied = apply([finding()], config=source.config, source=source, comments={})
    assert told(applied) == [
        ("trueup.toml", 6, "the entry 2 of `ignore`, about links/missing-file, suppresses nothing")
    ]


@pytest.mark.parametrize(
    "limits", [{"whole_run": False}, {"checked_rules": {"symlinks/loop"}}, {"source": None}], ids=str
)
def test_a_run_that_cannot_know_says_nothing_about_entries(limits: dict[str, object], tmp_path: Path) -> None:
    source = loaded(tmp_path, SETTINGS)
    arguments = {"config": source.config, "source": source, "comments": {}, **limits}
    assert apply([], **arguments).extra == []  # type: ignore[arg-type]


def test_entries_that_cover_the_same_are_all_in_use(tmp_path: Path) -> None:
    source = loaded(tmp_path, SETTINGS.replace('paths = ["gone/"]', ""))
    applied = apply([finding()], config=source.config, source=source, comments={})
    assert (by(applied), applied.extra) == ([("b.md", "config", "r")], [])


def baseline(root: Path, *findings: Finding) -> Baseline:
    write_baseline(root / "b.json", findings, root=root)
    return read_baseline(root / "b.json", root=root)


def test_a_baseline_lets_only_new_faults_through(tmp_path: Path) -> None:
    old, moved, new = finding(target="old"), finding(target="old", line=99), finding(target="new")
    applied = apply([moved, new], config=Config(), comments={}, baseline=baseline(tmp_path, old))
    assert (applied.kept, by(applied), applied.extra) == ([new], [("old", "baseline", "listed in b.json")], [])


def test_lines_of_the_baseline_without_use_are_told(tmp_path: Path) -> None:
    listed = baseline(tmp_path, finding(target="x\n"), finding(rule="symlinks/loop"), finding(rule="gone/rule"))
    applied = apply([], config=Config(), comments={}, baseline=listed, checked_rules=["links/missing-file"])
    assert told(applied) == [
        ("b.json", 4, "docs/a.md no longer breaks gone/rule with 'b.md'"),
        ("b.json", 5, "docs/a.md no longer breaks links/missing-file with 'x\\n'"),
    ]
    assert apply([], config=Config(), comments={}, baseline=listed, whole_run=False).extra == []


def test_the_configuration_comes_first_then_the_comment_then_the_baseline(tmp_path: Path) -> None:
    findings = [finding(target=name, line=line) for name, line in (("config", 3), ("comment", 3), ("baseline", 9))]
    applied = apply(
        findings,
        config=Config(ignore=[Ignore(rule="links/*", reason="r", targets=["config"])]),
        comments={"docs/a.md": [comment()]},
        baseline=baseline(tmp_path, *findings),
    )
    assert [(target, how) for target, how, _ in by(applied)] == [
        (name, name) for name in ("config", "comment", "baseline")
    ]


def test_an_unused_comment_can_be_ignored_by_the_configuration() -> None:
    applied = apply(
        [],
        config=Config(ignore=[Ignore(rule="trueup/unused-suppression", reason="generated", paths=["docs/"])]),
        comments={"docs/a.md": [comment()]},
    )
    assert (by(applied), applied.extra) == ([("links/missing-file", "config", "generated")], [])


def test_every_rule_can_be_checked() -> None:
    """The default of `checked_rules` is the registry: a new rule needs no change here."""
    comments = {"a.md": [comment(*registry())]}
    assert {one.target for one in apply([], config=Config(), comments=comments).extra} == set(registry())
