"""What a user gets: the wheel, the sdist, and an environment after `pip install`."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from fix_repository import PROJECT, Repository


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds a wheel and an sdist of the work tree."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def in_sdist(built: Path) -> list[str]:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return [member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()]


def test_wheel_runs_on_any_python_3_and_platform(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


@pytest.mark.parametrize("package", ["trueup", "trueup_contracts", "trueup_reference"])
def test_wheel_holds_each_package_with_its_types(in_wheel: list[str], package: str) -> None:
    assert {f"{package}/__init__.py", f"{package}/py.typed"} <= set(in_wheel)


def test_wheel_holds_only_the_packages(in_wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in in_wheel if ".dist-info/" not in name}
    assert tops == {"trueup", "trueup_contracts", "trueup_reference"}


def test_wheel_holds_every_file_of_the_packages(in_wheel: list[str]) -> None:
    folders = [PROJECT / "checks", PROJECT / "contracts", PROJECT / "reference_impl"]
    expected = {
        path.relative_to(folder).as_posix()
        for folder in folders
        for path in folder.glob("trueup*/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected <= set(in_wheel)
    assert {Path(name).suffix for name in in_wheel} >= {".py", ".json", ".md"}


def test_wheel_holds_a_page_for_every_rule(in_wheel: list[str]) -> None:
    from trueup.rules import registry

    pages = {name for name in in_wheel if name.startswith("trueup/rule_pages/")}
    assert {f"trueup/rule_pages/{rule}.md" for rule in registry()} <= pages
    assert "trueup/rule_pages/links/missing-file.md" in pages


def test_plain_install_requires_nothing_heavy(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        facts = message_from_bytes(archive.read(name))
    required = [line for line in facts.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {line.split(">")[0].split(";")[0].strip().lower() for line in required}
    assert "msgspec" in names
    assert names & {"torch", "pytest", "hypothesis", "pyzmq", "redis", "prometheus-client", "numpy"} == set()
    assert facts["License-Expression"] == "Apache-2.0"
    assert facts["Requires-Python"] == ">=3.11"


def test_sdist_holds_what_is_listed_and_nothing_else(in_sdist: list[str]) -> None:
    allowed = {
        ".ci",
        ".github",
        ".gitignore",
        ".pre-commit-config.yaml",
        ".pre-commit-hooks.yaml",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "PKG-INFO",
        "README.md",
        "action",
        "action.yml",
        "benchmarks",
        "checks",
        "constraints.txt",
        "contracts",
        "docs",
        "examples",
        "pyproject.toml",
        "reference_impl",
        "tests",
    }
    assert {name.partition("/")[0] for name in in_sdist} <= allowed
    assert [name for name in in_sdist if "__pycache__" in name or name.endswith((".pyc", ".so"))] == []


def test_sdist_holds_what_builds_and_tests_it(in_sdist: list[str]) -> None:
    assert {
        "LICENSE",
        "Makefile",
        "README.md",
        "action.yml",
        "checks/trueup/cli.py",
        "constraints.txt",
        "docs/rules/links/missing-file.md",
        "pyproject.toml",
        "tests/conftest.py",
        ".pre-commit-hooks.yaml",
    } <= set(in_sdist)


def test_pip_install_brings_a_working_command_and_nothing_heavy(
    wheel: Path, tmp_path: Path, repository: Repository
) -> None:
    """The true install, with the dependencies that pip chooses."""
    repository.commit({"README.md": "# A\n\n[gone](gone.md)\n"})
    venv.create(tmp_path / "v", with_pip=True)
    python = str(tmp_path / "v/bin/python")
    subprocess.run([python, "-I", "-m", "pip", "install", "--quiet", str(wheel)], check=True, capture_output=True)

    listed = subprocess.run(
        [python, "-I", "-m", "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    )
    installed = {line.partition("==")[0].lower() for line in listed.stdout.splitlines()}
    assert "msgspec" in installed
    assert installed & {"torch", "pytest", "hypothesis", "pyzmq", "redis", "numpy"} == set()

    trueup = str(tmp_path / "v/bin/trueup")
    checked = subprocess.run([trueup, "check"], cwd=repository.root, capture_output=True, text=True, check=False)
    assert checked.returncode == 1, checked.stderr
    assert "gone.md" in checked.stdout
    explained = subprocess.run([trueup, "explain", "links/missing-file"], capture_output=True, text=True, check=False)
    assert explained.returncode == 0, explained.stderr
    assert "links/missing-file" in explained.stdout
