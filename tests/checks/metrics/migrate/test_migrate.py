"""`trueup metrics migrate` from outside: the patch, what is written, what is let be."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fix_repository import Repository
from trueup.errors import UsageError
from trueup.metrics.migrate import Plan, recording_rules

PROMTOOL = shutil.which("promtool")
PREFIX = ("--from", "engine_*", "--to", "engine:*")
DATA = Path(__file__).parent / "data"
FILES = {one.relative_to(DATA / "before").as_posix(): one.read_text("utf-8") for one in (DATA / "before").rglob("*.*")}
AFTER = {name: (DATA / "after" / name).read_text("utf-8") for name in FILES}


@pytest.fixture
def engine(repository: Repository) -> Repository:
    repository.commit(FILES)
    return repository


def contents(repository: Repository) -> dict[str, str]:
    return {name: (repository.root / name).read_text(encoding="utf-8") for name in FILES}


def test_names_change_in_queries_and_code_and_nowhere_else(engine: Repository) -> None:
    done = engine.trueup("metrics", "migrate", *PREFIX, "--write")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "trueup: 11 names in 4 files renamed\n"
    assert contents(engine) == AFTER


def test_a_second_run_finds_nothing(engine: Repository) -> None:
    engine.trueup("metrics", "migrate", *PREFIX, "--write")
    done = engine.trueup("metrics", "migrate", *PREFIX, "--write")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "trueup: nothing left to rename\n")
    assert contents(engine) == AFTER


def test_the_patch_is_what_would_be_written(engine: Repository) -> None:
    done = engine.trueup("metrics", "migrate", *PREFIX)
    assert contents(engine) == FILES
    assert done.stderr == "trueup: 11 names in 4 files to rename; write them with --write\n"
    subprocess.run(["git", "apply"], cwd=engine.root, input=done.stdout, text=True, check=True)
    assert contents(engine) == AFTER


def test_a_policy_knows_names_that_no_query_asks_for(engine: Repository) -> None:
    engine.write("policy.yaml", 'name: engine\nfamilies:\n  "engine:wait_seconds":\n    type: histogram\n')
    done = engine.trueup("metrics", "migrate", *PREFIX, "--policy", str(engine.root / "policy.yaml"), "--write")
    assert done.returncode == 0
    assert "`engine:wait_seconds`" in (engine.root / "docs/metrics.md").read_text()


def test_only_the_paths_that_are_named(engine: Repository) -> None:
    engine.trueup("metrics", "migrate", *PREFIX, "--write", "rules.yaml")
    assert contents(engine) == {**FILES, "rules.yaml": AFTER["rules.yaml"]}


def test_a_whole_family_is_renamed_with_its_series(repository: Repository) -> None:
    repository.commit({"rules.yaml": "expr: a_seconds_bucket + a_seconds_sum + a_seconds_other\nalert: A\n"})
    repository.trueup("metrics", "migrate", "--from", "a_seconds", "--to", "b_seconds", "--write")
    text = (repository.root / "rules.yaml").read_text()
    assert text == "expr: b_seconds_bucket + b_seconds_sum + a_seconds_other\nalert: A\n"


def test_what_cannot_be_rewritten_is_told(repository: Repository) -> None:
    repository.commit(
        {"a.json": '{"title": "t", "panels": [{"targets": [{"expr": "\\u0061_x"}, {"expr": "sum(a_x"}]}]}'}
    )
    done = repository.trueup("metrics", "migrate", "--from", "a_*", "--to", "b_*", "--write")
    assert done.stderr.splitlines() == [
        "trueup: a.json: /panels/0/targets/1/expr: not rewritten: not PromQL: unclosed left parenthesis",
        "trueup: a.json: line 1: not rewritten: `a_x` is written with escapes",
        "trueup: nothing left to rename",
    ]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_takes_the_recording_rules(engine: Repository, tmp_path: Path) -> None:
    rules = tmp_path / "compatibility.yml"
    engine.trueup("metrics", "migrate", *PREFIX, "--write", "--recording-rules", str(rules))
    assert rules.read_text().splitlines()[4:] == [
        "      - record: engine_queue_depth",
        "        expr: engine:queue_depth",
        "      - record: engine_requests_total",
        "        expr: engine:requests_total",
    ]
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert (done.returncode, "SUCCESS: 2 rules found" in done.stdout) == (0, True), done.stdout + done.stderr


def test_recording_rules_keep_old_names() -> None:
    assert recording_rules({"a_x": "a:x"}).endswith("      - record: a_x\n        expr: a:x\n")


@pytest.mark.parametrize(
    ("olds", "news", "message"),
    [
        ([], [], "0 times --from and 0 times --to"),
        (["a"], [], "1 times --from and 0 times --to"),
        (["a_*"], ["b"], "both end in `*`, or neither does"),
        (["*_a"], ["*_b"], "'*_a' is no metric's name"),
        (["a b"], ["c"], "'a b' is no metric's name"),
        (["a"], ["a"], "'a' is renamed to itself"),
        (["a", "b"], ["b", "c"], "'b' would be renamed again, to 'c'"),
        (["a_*", "b_*"], ["b_*", "c_*"], "would be renamed again"),
    ],
)
def test_plans_that_make_no_sense(olds: list[str], news: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        Plan.of(olds, news)
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("old", "new", "name", "expected"),
    [
        ("a_*", "a:*", "a_x", "a:x"),
        ("a_*", "a:*", "a:x", None),
        ("a_*", "a:*", "b_x", None),
        ("a_*", "a_b_*", "a_x", "a_b_x"),
        ("a_*", "a_b_*", "a_b_x", None),
        ("a_x", "b_x", "a_x_bucket", "b_x_bucket"),
        ("a_x", "b_x", "a_x_y", None),
        ("a_x", "a_x_y", "a_x", "a_x_y"),
    ],
)
def test_new_names(old: str, new: str, name: str, expected: str | None) -> None:
    plan = Plan.of([old], [new])
    assert plan.new_name(name) == expected
    assert expected is None or plan.new_name(expected) is None
