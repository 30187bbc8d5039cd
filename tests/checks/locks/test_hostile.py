"""Bad and hostile locks and manifests: bounded time, clear findings, and the rest is still checked."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from checks.locks.lock_runs import locks
from checks.locks.test_command import LOCK, PYPROJECT
from fix_repository import Repository

MOST_S = 10.0  # of one of these runs, on a slow machine; each takes a fraction of it

DEEP = 100_000


def timed_lines(root: Path) -> list[str]:
    started = time.perf_counter()
    found = locks(root)
    assert time.perf_counter() - started < MOST_S
    return found.lines


def test_a_lock_of_50_megabytes_in_json(repository: Repository) -> None:
    entry = {"version": "1.0.0", "resolved": "https://index.example.org/a.tgz", "integrity": "sha512-" + "a" * 100}
    packages = {"": {"dependencies": {"p1": "^2.0.0"}}} | {f"node_modules/p{at}": entry for at in range(240_000)}
    text = json.dumps({"lockfileVersion": 3, "packages": packages})
    assert len(text) > 50_000_000
    repository.write("package-lock.json", text)
    repository.write("package.json", '{\n "dependencies": {\n  "p1": "^2.0.0" } }')
    repository.add()
    assert timed_lines(repository.root) == ["package.json:3 outside-requirement p1"]


def test_a_lock_of_50_megabytes_in_toml(repository: Repository) -> None:
    repository.write("uv.lock", LOCK + "# filler\n" * 6_000_000)
    repository.write("pyproject.toml", PYPROJECT)
    repository.write("other/pyproject.toml", PYPROJECT)
    repository.write("other/uv.lock", LOCK)
    repository.add()
    found = locks(repository.root)
    assert sorted(finding.rule for finding in found.findings) == ["locks/outside-requirement", "trueup/file-too-large"]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("uv.lock", "a = " + "[" * DEEP, "uv.lock:- not-parsable uv.lock"),
        ("uv.lock", ".".join("a" * DEEP) + " = 1", "uv.lock:1 not-parsable uv.lock"),
        ("uv.lock", "# " + "a" * DEEP + "." * 70 + "\n= 1", "uv.lock:2 not-parsable uv.lock"),
        ("uv.lock", "version = " + "1" * DEEP, "uv.lock:1 not-parsable uv.lock"),
        ("uv.lock", "version = 1\npackage = 3\n", "pyproject.toml:2 missing-member mcp-server"),
        ("uv.lock", "\n\nversion = \n", "uv.lock:3 not-parsable uv.lock"),
        ("uv.lock", b"version = 1\n# \xff\n", "uv.lock:2 unreadable-file uv.lock"),
        ("package-lock.json", '{"packages": ' * DEEP, "package-lock.json:- not-parsable package-lock.json"),
        ("package-lock.json", '{"packages": []}', "package-lock.json:- not-parsable package-lock.json"),
        ("package-lock.json", '{\n "packages": {,}}', "package-lock.json:2 not-parsable package-lock.json"),
        ("pnpm-lock.yaml", "importers: " + "[" * DEEP, "pnpm-lock.yaml:1 not-parsable pnpm-lock.yaml"),
        ("pnpm-lock.yaml", "importers:\n  a: &a [x, x]\n  b: *a\n", "pnpm-lock.yaml:3 not-parsable pnpm-lock.yaml"),
        ("pnpm-lock.yaml", "importers:\n  - ]\n", "pnpm-lock.yaml:2 not-parsable pnpm-lock.yaml"),
        ("yarn.lock", "__metadata:\n  version: 8\n? [a]\n: b\n", "yarn.lock:3 not-parsable yarn.lock"),
        ("go.sum", "a\n", "go.sum:1 not-parsable go.sum"),
    ],
)
def test_what_does_not_parse_is_told_with_its_place(
    name: str, text: str | bytes, line: str, repository: Repository
) -> None:
    repository.write(name, text)
    repository.write("pyproject.toml", PYPROJECT.replace('  "pydantic==2.13.5",\n', ""))
    repository.write("package.json", "{}")
    repository.write("go.mod", "module example.org/a\n")
    repository.add()
    assert line in timed_lines(repository.root)


def test_numbers_of_thousands_of_digits(repository: Repository) -> None:
    number = "1" * 6000
    repository.write("go.mod", f"module example.org/a\n\ngo 1.{number}\n")
    repository.write("go.sum", "")
    repository.write("pyproject.toml", f'[tool.poetry.dependencies]\npython = "^{number}"\na = "^{number}"\n')
    repository.write(
        "poetry.lock", f'[[package]]\nname = "a"\nversion = "{number}"\n[metadata]\nlock-version = "2.1"\n'
    )
    repository.add()
    found = locks(repository.root)
    assert [finding.rule for finding in found.findings] == ["locks/missing-checksum"]


def bomb(levels: int) -> str:
    """Nine aliases of the level before at each level: a billion texts after nine levels, were they multiplied."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{at}: &l{at} [{', '.join([f'*l{at - 1}'] * 9)}]" for at in range(1, levels)]
    return "importers:\n" + "".join(f"  {line}\n" for line in lines)


def test_a_yaml_bomb(repository: Repository) -> None:
    repository.write("pnpm-lock.yaml", bomb(12))
    repository.write("pnpm-workspace.yaml", bomb(12).replace("importers", "packages"))
    repository.write("package.json", "{}")
    repository.add()
    assert timed_lines(repository.root) == ["pnpm-lock.yaml:3 not-parsable pnpm-lock.yaml"]


def test_workspaces_in_a_circle(repository: Repository) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        repository.write(
            f"crates/{one}/Cargo.toml",
            f'[package]\nname = "{one}"\nversion = "1.0.0"\n[dependencies]\n{other} = {{ path = "../{other}" }}\n',
        )
        repository.write(f"js/{one}/package.json", json.dumps({"name": one, "workspaces": [f"../{other}", ".", "**"]}))
    repository.write("Cargo.toml", '[workspace]\nmembers = ["crates/a", "."]\n')
    repository.write("Cargo.lock", "version = 4\n")
    groups = "\n".join(f'g{at} = [{{ include-group = "g{(at + 1) % 300}" }}, "x{at}"]' for at in range(300))
    repository.write(
        "py/pyproject.toml", f'{PYPROJECT}\n[dependency-groups]\n{groups}\n[tool.uv.workspace]\nmembers = ["."]\n'
    )
    repository.write("py/uv.lock", LOCK)
    repository.write("js/a/package-lock.json", '{"lockfileVersion": 3, "packages": {"": {}}}')
    repository.add()
    lines = timed_lines(repository.root)
    (note,) = locks(repository.root, "py").notes
    assert note.endswith("dependency groups: they are more than 20,000 entries written out")
    assert "crates/a/Cargo.toml:2 missing-member a" in lines
    assert "crates/b/Cargo.toml:2 missing-member b" in lines


def test_symlinked_manifests(repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside.toml"
    outside.write_text(PYPROJECT)
    repository.write("shared/pyproject.toml", PYPROJECT)
    for folder, target in (("in", "../shared/pyproject.toml"), ("out", str(outside)), ("loop", "pyproject.toml")):
        repository.symlink(f"{folder}/pyproject.toml", target)
        repository.write(f"{folder}/uv.lock", LOCK)
    repository.symlink("linked/uv.lock", "../in/uv.lock")
    repository.add()
    found = locks(repository.root)
    assert found.lines == ["in/pyproject.toml:6 outside-requirement pydantic"]
    assert [note.partition(": cannot")[0] for note in found.notes if "symlink" in note] == [
        "loop/pyproject.toml",
        "out/pyproject.toml",
    ]


@pytest.mark.parametrize(
    "marker",
    [
        " and ".join(f"(sys_platform == 'a{at}' or python_full_version >= '3.{at}.{at}')" for at in range(200)),
        "'" + "a" * 100_000 + "' in platform_version",
        " or ".join(f"platform_release > '{at}'" for at in range(500)),
    ],
)
def test_markers_that_name_thousands_of_environments(marker: str, repository: Repository) -> None:
    repository.write("pyproject.toml", PYPROJECT.replace("pydantic==2.13.5", f"pydantic==2.13.4 ; {marker}"))
    repository.write("uv.lock", LOCK)
    repository.add()
    timed_lines(repository.root)


@pytest.mark.parametrize("pattern", ["*a" * 200, "**/" * 200 + "a", "{a,b}" * 30, "../../*", "[", "\\", "!" * 50])
def test_patterns_of_members(pattern: str, repository: Repository) -> None:
    repository.write("p/" + "a" * 200 + "/package.json", '{"name": "a"}')
    repository.write("package.json", json.dumps({"workspaces": [pattern]}))
    repository.write("package-lock.json", '{"lockfileVersion": 3, "packages": {"": {}}}')
    repository.write("pnpm-workspace.yaml", f"packages: [{json.dumps(pattern)}]\n")
    repository.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\nimporters:\n  .: {}\n")
    repository.add()
    timed_lines(repository.root)


@pytest.mark.parametrize("version", ["{{ version }}", "${VERSION}", "1.x", "", "0" * 5000, "1" * 20_000, "latest", "*"])
@pytest.mark.parametrize("name", ["Cargo", "npm", "uv", "poetry"])
def test_versions_that_no_scheme_parses(name: str, version: str, repository: Repository) -> None:
    text = json.dumps(version)
    files = {
        "Cargo": {
            "Cargo.toml": f'[package]\nname = "a"\nversion = "1.0.0"\n[dependencies]\nb = {text}\n',
            "Cargo.lock": f'version = 4\n[[package]]\nname = "a"\nversion = "1.0.0"\ndependencies = ["b"]\n'
            f'[[package]]\nname = "b"\nversion = {text}\nsource = "git+x"\n',
        },
        "npm": {
            "package.json": f'{{"dependencies": {{"b": {text}}}}}',
            "package-lock.json": '{"lockfileVersion": 3, "packages": {"": {"dependencies": {"b": '
            + text
            + '}}, "node_modules/b": {"version": '
            + text
            + ', "integrity": "x"}}}',
        },
        "uv": {"pyproject.toml": PYPROJECT, "uv.lock": LOCK.replace('version = "2.13.4"', f"version = {text}")},
        "poetry": {
            "pyproject.toml": f'[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\nb = {text}\n',
            "poetry.lock": f'[[package]]\nname = "b"\nversion = {text}\nfiles = [{{file = "x", hash = "y"}}]\n',
        },
    }[name]
    for path, content in files.items():
        repository.write(path, content)
    repository.add()
    timed_lines(repository.root)


def test_no_suggestion_is_a_command_of_the_repository(repository: Repository) -> None:
    """People paste suggestions: what the repository names is an argument there, and nothing else."""
    evil = "a; touch x"
    head = "# This file is autogenerated by pip-compile\n#    pip-compile --output-file=$(x) requirements.in\n#\n"
    repository.write("pip/requirements.in", "a>=2\n")
    repository.write("pip/requirements.txt", head + "a==1\n    # via -r requirements.in\n")
    repository.write(f"{evil}/package.json", json.dumps({"private": True}))
    repository.write("npm/package.json", json.dumps({"dependencies": {evil: "1.0.0"}}))
    packages = {"": {"dependencies": {evil: "1.0.0"}}, f"node_modules/{evil}": {"version": "1.0.0"}}
    repository.write("npm/package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages}))
    repository.add()
    repository.write(f"{evil}/package-lock.json", "{}")
    found = locks(repository.root)
    assert {finding.rule: finding.suggestion for finding in found.findings} == {
        "locks/outside-requirement": "pip-compile",
        "locks/missing-checksum": "npm update 'a; touch x'",
        "locks/untracked-lock": "git add 'a; touch x/package-lock.json'",
    }
