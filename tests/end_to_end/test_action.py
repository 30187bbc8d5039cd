"""The GitHub Action: its steps run for real, with bash, in a workspace."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fix_action import Outcome, Runner, load_action
from fix_repository import PROJECT, Repository

BIN = Path(sys.executable).parent

CLEAN: dict[str, str | bytes] = {"README.md": "# Pages\n\nRead the [guide](guide.md).\n", "guide.md": "# Guide\n"}
BROKEN: dict[str, str | bytes] = {**CLEAN, "README.md": "# Pages\n\nRead the [guide](gide.md).\n"}

# A repository under check may hold modules that shadow those which the steps use.
SHADOWS = ("venv", "pip", "shlex", "subprocess", "msgspec", "trueup", "sitecustomize", "usercustomize")
SHADOW = "open('pwned', 'w').close()\n"


def complaint(*command: str) -> str:
    """Empty when the command is content, else everything that it says."""
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, str]:
    """The outcome of the step that installs, run once in a hostile workspace, and the interpreter it made."""
    workspace = tmp_path_factory.mktemp("workspace")
    for name in SHADOWS:
        (workspace / f"{name}.py").write_text(SHADOW)
    runner = Runner(tmp_path_factory.mktemp("runner"), workspace)
    outcome = runner.run("install", {}, {"PYTHONPATH": str(workspace)})
    assert outcome.code == 0, outcome.log
    assert not (workspace / "pwned").exists()
    return outcome, outcome.outputs["python"]


@pytest.fixture
def runner(installed: tuple[Outcome, str], repository: Repository, tmp_path: Path) -> Runner:
    """A runner whose workspace is `repository` and that has trueup installed."""
    runner = Runner(tmp_path, repository.root)
    runner.known["steps.install.outputs.python"] = installed[1]
    return runner


def test_action_is_valid() -> None:
    assert complaint(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-actions", "action.yml") == ""


def test_workflows_are_valid() -> None:
    workflows = sorted(str(path) for path in (PROJECT / ".github/workflows").glob("*.yml"))
    assert workflows
    schema = "vendor.github-workflows"
    assert complaint(str(BIN / "check-jsonschema"), "--builtin-schema", schema, *workflows) == ""


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [str(BIN / "zizmor"), "--offline", "--format=json", "action.yml", ".github/workflows"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_expressions_stand_only_where_they_cannot_become_code() -> None:
    for step in load_action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_other_actions_are_pinned_by_commit() -> None:
    texts = [PROJECT / "action.yml", *(PROJECT / ".github/workflows").glob("*.yml")]
    used = [line for path in texts for line in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))]
    assert used
    assert [name for name in used if name != "./" and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []


def test_installed_python_is_outside_the_workspace(installed: tuple[Outcome, str], runner: Runner) -> None:
    outcome, python = installed
    assert list(outcome.outputs) == ["python"]
    assert os.access(python, os.X_OK)
    listed = subprocess.run([python, "-I", "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout
    assert "trueup" in listed
    assert not re.search(r"^(torch|pytest|pyzmq) ", listed, re.MULTILINE)


def test_too_old_python_is_one_clear_line(repository: Repository, tmp_path: Path) -> None:
    old = repository.write("old-python", "#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    runner = Runner(tmp_path, repository.root)
    runner.known["steps.python.outputs.python-path"] = str(old)
    outcome = runner.run("install", {})
    assert outcome == Outcome(
        2, "::error title=trueup::trueup needs Python 3.11 or newer; set the input python-version.\n", {}, ""
    )


def test_clean_repository_passes(runner: Runner, repository: Repository) -> None:
    repository.commit(CLEAN)
    outcome = runner.run("check", {})
    assert outcome.code == 0, outcome.log
    assert outcome.outputs == {"exit-code": "0"}
    assert not re.search(r"^::(error|warning)", outcome.log, re.MULTILINE)
    assert outcome.summary != ""


def test_broken_link_is_annotated_summed_up_and_fails(runner: Runner, repository: Repository) -> None:
    repository.commit(BROKEN)
    outcome = runner.run("check", {})
    assert outcome.code == 1, outcome.log
    assert outcome.outputs == {"exit-code": "1"}
    [annotation] = re.findall(r"^::error .*$", outcome.log, re.MULTILINE)
    assert "file=README.md,line=3" in annotation
    assert "gide.md" in annotation
    assert "links/missing-file" in outcome.summary
    assert "README.md" in outcome.summary


def test_sarif_is_written_and_named(runner: Runner, repository: Repository) -> None:
    repository.commit(BROKEN)
    outcome = runner.run("check", {"sarif-file": "out put.sarif"})
    assert outcome.code == 1, outcome.log
    assert outcome.outputs == {"exit-code": "1", "sarif-file": "out put.sarif"}
    report = json.loads((repository.root / "out put.sarif").read_text(encoding="utf-8"))
    assert [result["ruleId"] for result in report["runs"][0]["results"]] == ["links/missing-file"]


@pytest.mark.parametrize("level", ["never", "error", "warning"])
def test_fail_on_decides_what_fails(runner: Runner, repository: Repository, level: str) -> None:
    repository.commit({"README.md": "# Pages\n\nSee [below](#PAGES).\n"})
    outcome = runner.run("check", {"fail-on": level})
    expected = 1 if level == "warning" else 0
    assert outcome.code == expected, outcome.log
    assert outcome.outputs == {"exit-code": str(expected)}
    assert re.search(r"^::warning ", outcome.log, re.MULTILINE)


def test_since_judges_the_change(runner: Runner, repository: Repository) -> None:
    repository.commit({"requirements.txt": "vllm==0.14.0\n", "Dockerfile": "RUN pip install vllm==0.14.0\n"})
    first = repository.git("rev-parse", "HEAD").strip()
    repository.commit({"requirements.txt": "vllm==0.14.1\n"})
    outcome = runner.run("check", {"checks": "versions", "since": first})
    assert outcome.code == 1, outcome.log
    assert "versions/partial-bump" in outcome.summary
    assert runner.run("check", {"checks": "versions"}).code == 0


def test_checks_and_args_reach_the_command(runner: Runner, repository: Repository) -> None:
    repository.commit(BROKEN)
    outcome = runner.run("check", {"checks": "links", "args": "--report 'json=a report.json' --warn-only"})
    assert outcome.code == 0, outcome.log
    report = json.loads((repository.root / "a report.json").read_text(encoding="utf-8"))
    assert len(report["findings"]) == 1


HOSTILE = {
    "args: command": {"args": "; touch pwned"},
    "args: substitution": {"args": "$(touch pwned) `touch pwned`"},
    "args: unfinished": {"args": "'"},
    "args: newline": {"args": "x\ntouch pwned"},
    "checks: command": {"checks": "; touch pwned"},
    "checks: option": {"checks": "--report=json=pwned"},
    "checks: substitution": {"checks": "$(touch${IFS}pwned)"},
    "fail-on: command": {"fail-on": "error; touch pwned"},
    "sarif-file: output": {"sarif-file": "a\nexit-code=0"},
}


@pytest.mark.parametrize("inputs", HOSTILE.values(), ids=HOSTILE)
def test_inputs_are_never_executed(runner: Runner, repository: Repository, inputs: dict[str, str]) -> None:
    repository.commit(CLEAN)
    outcome = runner.run("check", inputs)
    assert outcome.code == 2, outcome.log
    assert outcome.outputs == {"exit-code": "2"}
    assert "Traceback" not in outcome.log
    assert len(re.findall(r"^::error title=trueup::", outcome.log, re.MULTILINE)) == 1
    assert list(repository.root.glob("**/pwned")) == []


def test_sarif_path_with_shell_syntax_is_a_file_name(runner: Runner, repository: Repository) -> None:
    repository.commit(CLEAN)
    outcome = runner.run("check", {"sarif-file": "$(touch pwned);.sarif"})
    assert outcome.code == 0, outcome.log
    assert outcome.outputs["sarif-file"] == "$(touch pwned);.sarif"
    assert (repository.root / "$(touch pwned);.sarif").is_file()
    assert not (repository.root / "pwned").exists()


def test_modules_in_the_workspace_are_not_imported(runner: Runner, repository: Repository) -> None:
    repository.commit({**CLEAN, **{f"{name}.py": SHADOW for name in SHADOWS}})
    outcome = runner.run("check", {}, {"PYTHONPATH": str(repository.root)})
    assert outcome.code == 0, outcome.log
    assert not (repository.root / "pwned").exists()


def test_file_names_cannot_speak_to_the_runner(runner: Runner, repository: Repository) -> None:
    name = "a\n::error title=forged::b %0A,:.md"
    repository.commit({name: "[x](gone.md)\n[y](no\x1b[31mfile.md)\n"})
    outcome = runner.run("check", {})
    assert outcome.code == 1, outcome.log
    assert not re.search(r"^::error title=forged", outcome.log, re.MULTILINE)
    assert "\x1b" not in outcome.log
    assert "\x1b" not in outcome.summary
