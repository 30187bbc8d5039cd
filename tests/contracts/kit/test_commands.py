"""`trueup contracts …`, and the reports, transcripts and options that it goes with, as a user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

from contracts.kit.test_plugin import Project
from fix_repository import PROJECT
from trueup_contracts import documents
from trueup_contracts.registry import FOLDERS

SERVING = f"router@wire = exec: {sys.executable} -m trueup_contracts.serving trueup_reference.adapters:router"
BROKEN = f"router@wire = exec: {sys.executable} -m trueup_contracts.serving mine:Zero"
SCHEMA = Draft202012Validator(json.loads(documents.SCHEMA.read_text()))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def trueup(root: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trueup", "contracts", *words],
        cwd=root,
        input=text,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_failure_over_the_wire_is_repeated_by_what_it_prints(project: Project) -> None:
    done = project.pytest("--contracts", "--contracts-impl", BROKEN, "-k", "zero_is_a_value")
    assert done.returncode == 1
    assert "answered pool 1, expected 0" in done.stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    start = next(number for number, line in enumerate(lines) if line.startswith("trueup contracts replay - --"))
    shown = lines[start + 1 : lines.index("END", start)]
    command = [sys.executable, "-m", "trueup_contracts.serving"]
    again = trueup(project.root, "replay", "-", "--", *command, "mine:Zero", text="\n".join(shown))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "3 requests, 0 answered otherwise than recorded" in again.stdout
    mended = trueup(project.root, "replay", "-", "--", *command, "mine:Good", text="\n".join(shown))
    assert mended.returncode == 1
    assert '< {"ok": 0}\n! recorded: {"ok": 1}\n' in mended.stdout


def test_a_transcript_is_replayed_whole_and_by_test(project: Project) -> None:
    words = ["--contracts-transcript", "t.jsonl", "-k", "zero_is_a_value or first_override"]
    assert project.pytest("--contracts", "--contracts-impl", SERVING, *words).returncode == 0
    serving = SERVING.partition("exec: ")[2].split()
    whole = trueup(project.root, "replay", "t.jsonl", "--", *serving)
    assert whole.returncode == 0, whole.stdout
    assert " 0 answered otherwise than recorded" in whole.stdout
    one = trueup(project.root, "replay", "t.jsonl", "--test", "first_override", "--", *serving)
    assert one.returncode == 0, one.stdout
    assert 1 < one.stdout.count("> {") < whole.stdout.count("> {")
    assert "priority_overrides" in one.stdout
    dying = trueup(project.root, "replay", "t.jsonl", "--", sys.executable, "-c", "raise SystemExit('no GPU')")
    assert dying.returncode == 1
    assert "the adapter ended with exit status 1\nstderr: no GPU" in dying.stdout


def test_a_transcript_of_several_implementations(project: Project) -> None:
    both = ["--contracts-impl", SERVING, "--contracts-impl", SERVING.replace("@wire", "@two")]
    words = [*both, "--contracts-transcript", "t.jsonl", "-k", "zero_is_a_value"]
    assert project.pytest("--contracts", *words).returncode == 0
    serving = SERVING.partition("exec: ")[2].split()
    unclear = trueup(project.root, "replay", "t.jsonl", "--", *serving)
    assert (unclear.returncode, unclear.stdout) == (2, "")
    assert "choose one by --implementation: router@two, router@wire" in unclear.stderr
    chosen = trueup(project.root, "replay", "t.jsonl", "--implementation", "router@two", "--", *serving)
    assert chosen.returncode == 0, chosen.stdout + chosen.stderr


REPLAYS = {
    "no file": (None, "t.jsonl: it cannot be read"),
    "empty": ("", "t.jsonl: it holds no request"),
    "no JSON": ("{\n", "t.jsonl:1: it is no JSON"),
    "a list": ("[]\n", "t.jsonl:1: an object is due"),
    "half a request": ('{"sent": {"op": "open"}}\n', "t.jsonl:1: a request has op and args"),
    "a wrong type": ('{"op": 7, "args": {}}\n', "t.jsonl:1: op of a request is a str"),
    "no program": ('{"op": "hello", "args": {}}\n', "none: it cannot be started"),
}


@pytest.mark.parametrize(("text", "told"), REPLAYS.values(), ids=REPLAYS)
def test_transcripts_that_cannot_be_replayed(text: str | None, told: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "t.jsonl").write_text(text)
    done = trueup(tmp_path, "replay", "t.jsonl", "--", "./none")
    assert done.returncode == 2
    assert told in done.stderr


def report_of(project: Project, name: str, *words: str) -> dict[str, object]:
    project.pytest("--contracts", *words, "--contracts-report", f"json={name}")
    found: dict[str, object] = json.loads((project.root / name).read_text())
    SCHEMA.validate(found)
    return found


def test_reports_are_merged_into_one_matrix(project: Project) -> None:
    report_of(project, "good.json")
    report_of(project, "zero.json", "--contracts-impl", "router = mine:Zero")
    report_of(project, "again.json")
    done = trueup(project.root, "merge", "good.json", "zero.json", "again.json")
    assert done.returncode == 0
    assert "| | level | statement | Good #1 | Zero | Good #2 |" in done.stdout
    assert "| RC-039 | MUST | A target of 0 is a value, not an absence. | pass | **fail** | pass |" in done.stdout


MERGES = {
    "not there": (None, "r.json: it cannot be read: No such file"),
    "no JSON": ("x", "r.json: it is no JSON"),
    "no report": ("{}", "r.json: it is no report: "),
    "another version": ('{"version": 2}', "r.json: it is no report: "),
}


@pytest.mark.parametrize(("text", "told"), MERGES.values(), ids=MERGES)
def test_files_that_cannot_be_merged(text: str | None, told: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "r.json").write_text(text)
    done = trueup(tmp_path, "merge", "r.json")
    assert done.returncode == 2
    assert told in done.stderr


def badge(project: Project, *words: str) -> tuple[str, bool]:
    project.pytest("--contracts", *words, "--contracts-report", "badge=b.svg")
    text = (project.root / "b.svg").read_text()
    label = ElementTree.fromstring(text).get("aria-label")
    assert label is not None
    return label, "#2e8b57" in text


def test_a_badge_is_green_for_a_complete_run_only(project: Project) -> None:
    assert badge(project) == ("router 0.1: 34/34 MUST", True)
    assert badge(project, "-k", "zero") == ("router 0.1: partial 1/1 MUST", False)
    label, green = badge(project, "--contracts-impl", "router = mine:Zero")
    assert label.endswith(" MUST")
    assert "partial" not in label
    assert not green


def test_an_old_edition_asks_nothing_newer(project: Project) -> None:
    states = report_of(project, "r.json", "--contracts-edition", "0.0")["implementations"]
    assert isinstance(states, list)
    assert {one["state"] for one in states[0]["requirements"].values()} == {"deselected", "untestable"}
    assert states[0]["partial"]


def test_a_required_capability_that_nobody_claims_fails_the_run(project: Project) -> None:
    done = project.pytest("--contracts", "--contracts-impl", "router = mine:Mild", "--contracts-require", "threads")
    assert done.returncode != 0
    (project.root / "mine.py").write_text(
        "from trueup_reference.router import PoolRouter\n"
        "class Mild(PoolRouter):\n    capabilities = frozenset({'disagg'})\n"
    )
    done = project.pytest("--contracts", "--contracts-impl", "router = mine:Mild", "--contracts-require", "threads")
    assert done.returncode == 1
    assert "--contracts-require threads: no implementation claims it" in done.stdout


def test_an_adapter_that_dies_leaves_the_rest_not_run(project: Project) -> None:
    adapter = PROJECT / "tests/contracts/wire/hostile.py"
    words = ["--contracts-impl", f"router = exec: {sys.executable} {adapter} exits"]
    done = project.pytest("--contracts", *words, "--contracts-report", "json=r.json")
    assert done.returncode == 1
    assert "the adapter ended with exit status 3" in done.stdout
    assert "partial: the adapter died in 3 tests one after the other; the rest is not run" in done.stdout
    [told] = json.loads((project.root / "r.json").read_text())["implementations"]
    states = [one["state"] for one in told["requirements"].values()]
    assert states.count("not-run") >= 5
    assert "the adapter died in 3 tests one after the other" in json.dumps(told)


@pytest.mark.parametrize("words", [[], ["-n", "2"]], ids=["plain", "two workers"])
def test_no_adapter_outlives_the_run(project: Project, words: list[str]) -> None:
    done = project.pytest("--contracts", "--contracts-impl", SERVING, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(project.root) not in listing


INI = {
    "no settings": ({}, "wrote the setting into pyproject.toml"),
    "a pyproject.toml without pytest": ({"pyproject.toml": "[project]\nname = 'x'"}, "wrote the setting"),
    "settings of pytest": (
        {"pyproject.toml": "[tool.pytest.ini_options]\naddopts = ''\n"},
        'pyproject.toml has settings of pytest already; add there:\n    contracts = ["router = ',
    ),
    "a pytest.ini": (
        {"pytest.ini": "[pytest]\n"},
        "pytest.ini has settings of pytest already; add there:\n    contracts =",
    ),
    "a setup.cfg": ({"setup.cfg": "[tool:pytest]\n"}, "setup.cfg has settings of pytest already"),
}


@pytest.mark.parametrize("language", ["python", "javascript"])
@pytest.mark.parametrize(("files", "told"), INI.values(), ids=INI)
def test_init_writes_what_runs(files: dict[str, str], told: str, language: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = trueup(tmp_path, "init", "router", "--language", language)
    assert done.returncode == 0, done.stderr
    assert told in done.stdout
    for name, text in files.items():
        assert (tmp_path / name).read_text().startswith(text)
    again = trueup(tmp_path, "init", "router", "--language", language)
    assert again.returncode == 2
    assert "exists already" in again.stderr


SKELETONS = [(name, language) for name in FOLDERS if name != "router-service" for language in ("python", "javascript")]
SKELETONS.remove(("logging-setup", "javascript"))


@pytest.mark.parametrize(("suite", "language"), SKELETONS)
def test_a_skeleton_fails_by_what_is_to_be_filled_in(suite: str, language: str, tmp_path: Path) -> None:
    assert trueup(tmp_path, "init", suite, "--language", language).returncode == 0
    command = [sys.executable, "-m", "pytest", "--contracts", "--contracts-profile", "quick", "-x"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    told = {
        "router": "make the router from its configuration",
        "embedding-cache": "make the cache of this capacity",
        "metrics": "answer a scrape",
        "kv-index": "make the index for blocks of this many tokens",
        "worker-selection": "make the selector",
        "event-subscriber": "connect to these endpoints",
        "logging-setup": "set up logging",
        "event-publisher": "bind to this endpoint",
        "event-replay": "ask for the batches from this number on",
    }
    assert told[suite] in done.stdout


def test_init_of_a_suite_that_asks_python_alone(tmp_path: Path) -> None:
    done = trueup(tmp_path, "init", "logging-setup", "--language", "javascript")
    assert done.returncode == 2
    assert "the suite logging-setup asks what is written in Python, not javascript" in done.stderr
    assert not any(tmp_path.iterdir())


def test_init_of_a_suite_that_starts_services(tmp_path: Path) -> None:
    done = trueup(tmp_path, "init", "router-service")
    assert done.returncode == 2
    assert "the suite router-service starts a service by its command: there is no adapter to write" in done.stderr
    assert '["router-service = command: ./PROGRAM {config} {discovery} {service} {host} {port}"]' in done.stderr
    assert not any(tmp_path.iterdir())


def test_init_of_a_suite_that_does_not_exist(tmp_path: Path) -> None:
    done = trueup(tmp_path, "init", "ruoter")
    assert done.returncode == 2
    assert "did you mean 'router'?" in done.stderr
