"""`trueup init` writes files that work as they are, and overwrites nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fix_repository import Repository
from trueup.commands.init import STANZA, starter
from trueup.config import Config, load

WROTE = "wrote trueup.toml: every setting with its default, commented out\n"
HOOKS = f"""\
repos:
{STANZA}"""


def test_a_fresh_repository(repository: Repository) -> None:
    (repository.root / "docs").mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "trueup", "init"],
        cwd=repository.root / "docs",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"{WROTE}wrote .pre-commit-config.yaml; to switch it on: pre-commit install\nnext: trueup check\n",
        "",
    )
    assert (repository.root / "trueup.toml").read_text(encoding="utf-8") == starter()
    assert (repository.root / ".pre-commit-config.yaml").read_text(encoding="utf-8") == HOOKS
    assert load(repository.root).config == Config()
    assert repository.trueup("check").returncode == 0


def test_the_hooks_are_valid(repository: Repository) -> None:
    repository.trueup("init")
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    done = subprocess.run(command, cwd=repository.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    hooks = yaml.safe_load((repository.root / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    shipped = yaml.safe_load((Path(__file__).parents[3] / ".pre-commit-hooks.yaml").read_text())
    assert {hook["id"] for hook in hooks} <= {hook["id"] for hook in shipped}


def test_hooks_that_exist_are_left_alone(repository: Repository) -> None:
    repository.write(".pre-commit-config.yaml", "repos: []\n")
    done = repository.trueup("init", "--force")
    assert done.stdout == f"{WROTE}\nadd this to `repos:` in .pre-commit-config.yaml:\n\n{STANZA}\nnext: trueup check\n"
    assert (repository.root / ".pre-commit-config.yaml").read_text() == "repos: []\n"


def test_a_configuration_is_overwritten_only_by_force(repository: Repository) -> None:
    repository.write("trueup.toml", "mine")
    done = repository.trueup("init")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "trueup: error: trueup.toml exists already\nhint: to overwrite it: trueup init --force\n",
    )
    assert (repository.root / "trueup.toml").read_text() == "mine"
    assert not (repository.root / ".pre-commit-config.yaml").exists()
    assert repository.trueup("init", "--force").returncode == 0
    assert (repository.root / "trueup.toml").read_text() == starter()


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_settings_in_pyproject_are_not_doubled(force: list[str], repository: Repository) -> None:
    repository.write("pyproject.toml", "[tool.trueup]\n")
    done = repository.trueup("init", *force)
    assert (done.returncode, done.stderr) == (
        2,
        "trueup: error: pyproject.toml has a table [tool.trueup] already\nhint: keep the settings there\n",
    )
    assert not (repository.root / "trueup.toml").exists()


def test_a_symlink_is_not_written_through(repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    repository.symlink("trueup.toml", str(outside))
    assert repository.trueup("init").returncode == 2
    assert repository.trueup("init", "--force").returncode == 0
    assert outside.read_text() == "theirs"
    assert (repository.root / "trueup.toml").read_text() == starter()


def test_a_folder_outside_git(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "trueup", "init"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert load(tmp_path).config == Config()


def test_what_is_commented_out_holds(tmp_path: Path) -> None:
    """Whoever takes the `# ` away gets the default, or the example."""
    setting = re.compile(r'^# (?=\[|[a-z"][a-z/"-]* = |  "|\])', re.MULTILINE)
    (tmp_path / "trueup.toml").write_text(setting.sub("", starter()), encoding="utf-8")
    config = load(tmp_path).config
    default = Config()
    assert (config.checks, config.fail_on, config.default_branch) == (default.checks, default.fail_on, "main")
    assert config.rules == {"links/fragment-case": "error"}
    assert [entry.reason for entry in config.ignore] == ["written by the release job"]
    assert (config.links.sources, config.links.exclude) == (default.links.sources, default.links.exclude)
    assert config.links.max_file_bytes == default.links.max_file_bytes
    assert [entry.flavour for entry in config.links.flavours] == ["hugo"]
    assert len(config.overrides) == 1
