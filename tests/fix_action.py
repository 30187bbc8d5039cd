"""A stand-in for GitHub's runner: runs the `run:` steps of `action.yml` with bash, as the runner would."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from fix_repository import PROJECT


class Outcome(NamedTuple):
    """What a step left behind."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def load_action() -> dict[str, Any]:
    """`action.yml` as data."""
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
    return loaded


class Runner:
    """Runs steps in a workspace. Knows no more of the expression language than `action.yml` uses."""

    def __init__(self, temporary: Path, workspace: Path) -> None:
        """`temporary` is where RUNNER_TEMP and the files behind the GITHUB_* variables go."""
        self.workspace = workspace
        self.temporary = temporary
        self.steps: dict[str, dict[str, Any]] = {step["id"]: step for step in load_action()["runs"]["steps"]}
        self.known: dict[str, str] = {}

    def run(self, step_id: str, inputs: Mapping[str, str], env: Mapping[str, str] | None = None) -> Outcome:
        """One step, with the action's defaults for the inputs that are not given."""
        step = self.steps[step_id]
        assert step["shell"] == "bash"
        defaults = {name: facts["default"] for name, facts in load_action()["inputs"].items()}
        assert set(inputs) <= set(defaults)
        values = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()} | self.known
        files = {name: self._file(name) for name in ("OUTPUT", "STEP_SUMMARY", "PATH", "ENV")}
        script = self.temporary / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env={
                **os.environ,
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(PROJECT),
                "GITHUB_WORKSPACE": str(self.workspace),
                "RUNNER_TEMP": str(self.temporary),
                **{f"GITHUB_{name}": str(path) for name, path in files.items()},
                **{name: evaluate(text, values) for name, text in step.get("env", {}).items()},
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
        assert files["PATH"].read_text() == "", "the step changed the job's PATH"
        assert files["ENV"].read_text() == "", "the step changed the job's environment"
        lines = files["OUTPUT"].read_text(encoding="utf-8").splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        assert len(outputs) == len(lines), "an output is given twice"
        self.known |= {f"steps.{step_id}.outputs.{name}": value for name, value in outputs.items()}
        return Outcome(done.returncode, done.stdout, outputs, files["STEP_SUMMARY"].read_text(encoding="utf-8"))

    def _file(self, name: str) -> Path:
        path = self.temporary / f"github-{name.lower()}"
        path.write_text("")
        return path


def evaluate(text: str, values: Mapping[str, str]) -> str:
    """`${{ name }}` and `${{ name || 'word' }}`. A step's output that was not set is empty."""

    def value(match: re.Match[str]) -> str:
        name, fallback = match["name"], match["fallback"] or ""
        if name.startswith("inputs."):
            return values[name] or fallback
        assert name.startswith("steps."), f"{text} needs a better stand-in"
        return values.get(name, "") or fallback

    pattern = r"\$\{\{ (?P<name>[a-z.-]+)(?: \|\| '(?P<fallback>[^']*)')? \}\}"
    done = re.sub(pattern, value, text)
    assert "${{" not in re.sub(pattern, "", text), f"{text} needs a better stand-in"
    return done
