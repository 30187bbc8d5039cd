"""The pre-commit hook, installed for real: pre-commit builds its environment from a clone of this work tree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from fix_repository import PROJECT, Repository, copy_of_project

CONFIG = """\
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: {hook}
"""


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False
    )


def pre_commit(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-P", "-m", "pre_commit", *args, cwd=cwd)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This project as pre-commit gets it: a repository with the work tree's files, and its commit."""
    repository = copy_of_project(tmp_path_factory.mktemp("project") / "trueup")
    return repository.root, repository.commit()


@pytest.fixture(scope="module", autouse=True)
def pre_commit_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every test of this module shares the hook's environment: building it is what takes time."""
    home = tmp_path_factory.mktemp("pre-commit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRE_COMMIT_HOME", str(home))
        yield home


@pytest.fixture
def install(clone: tuple[Path, str], repository: Repository) -> Callable[..., Repository]:
    """Makes a repository of linked pages whose commits run the hook."""
    root, rev = clone

    def install(hook: str, *settings: str) -> Repository:
        config = CONFIG.format(repo=root, rev=rev, hook=hook) + "".join(f"        {line}\n" for line in settings)
        repository.commit(
            {
                ".pre-commit-config.yaml": config,
                "README.md": "# Pages\n\nRead the [guide](docs/guide.md).\n",
                "docs/guide.md": "# Guide\n",
            }
        )
        done = pre_commit("install", cwd=repository.root)
        assert done.returncode == 0, done.stdout
        return repository

    return install


def commit(repository: Repository) -> subprocess.CompletedProcess[str]:
    return run("git", "commit", "--message", "change", cwd=repository.root)


def test_manifest_is_valid() -> None:
    done = pre_commit("validate-manifest", ".pre-commit-hooks.yaml", cwd=PROJECT)
    assert done.returncode == 0, done.stdout


def test_own_configuration_is_valid() -> None:
    done = pre_commit("validate-config", ".pre-commit-config.yaml", cwd=PROJECT)
    assert done.returncode == 0, done.stdout


def test_own_configuration_uses_the_pinned_ruff() -> None:
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    wanted = {
        line for repo in config["repos"] for hook in repo["hooks"] for line in hook.get("additional_dependencies", [])
    }
    assert wanted == {line for line in (PROJECT / "constraints.txt").read_text().splitlines() if "ruff" in line}


def test_hooks_run_over_the_whole_repository_on_every_occasion() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {hook["id"]: hook["entry"] for hook in hooks} == {
        "trueup-links": "trueup links",
        "trueup": "trueup check",
        "trueup-grid-config": "trueup grid-config",
        "trueup-dashboards": "trueup dashboards",
        "trueup-metrics": "trueup metrics",
        "trueup-versions": "trueup versions --staged --since auto",
        "trueup-locks": "trueup locks",
    }
    for hook in hooks:
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False
        assert hook["always_run"] is True
        assert hook["require_serial"] is True
        assert hook["stages"] == ["pre-commit", "pre-push", "manual"]


@pytest.mark.parametrize("hook", ["trueup-links", "trueup"])
def test_deleting_a_linked_file_is_refused(install: Callable[..., Repository], hook: str) -> None:
    repository = install(hook)
    before = repository.git("rev-parse", "HEAD")
    repository.git("rm", "--quiet", "docs/guide.md")

    done = commit(repository)

    assert done.returncode == 1, done.stdout
    assert "README.md" in done.stdout
    assert "docs/guide.md" in done.stdout
    assert "links/missing-file" in done.stdout
    assert "Traceback" not in done.stdout
    assert repository.git("rev-parse", "HEAD") == before


def test_deleting_a_linked_file_would_pass_without_always_run(install: Callable[..., Repository]) -> None:
    repository = install("trueup-links", "always_run: false", "types: [markdown]")
    repository.git("rm", "--quiet", "docs/guide.md")

    done = commit(repository)

    assert done.returncode == 0, done.stdout
    assert "(no files to check)Skipped" in done.stdout
    # It is the same hook, and it does find the fault when some Markdown file happens to be in the commit.
    repository.write("other.md", "# Other\n")
    repository.add()
    done = commit(repository)
    assert done.returncode == 1, done.stdout
    assert "docs/guide.md" in done.stdout


def test_deleting_the_link_with_the_file_passes(install: Callable[..., Repository]) -> None:
    repository = install("trueup-links")
    repository.git("rm", "--quiet", "docs/guide.md")
    repository.write("README.md", "# Pages\n")
    repository.add()

    done = commit(repository)

    assert done.returncode == 0, done.stdout
    assert repository.git("status", "--porcelain") == ""


def test_only_what_is_staged_counts(install: Callable[..., Repository]) -> None:
    """The link's removal is not part of the commit, so the commit would break it."""
    repository = install("trueup-links")
    repository.git("rm", "--quiet", "docs/guide.md")
    repository.write("README.md", "# Pages\n")

    done = commit(repository)

    assert done.returncode == 1, done.stdout
    assert "docs/guide.md" in done.stdout
    assert (repository.root / "README.md").read_text() == "# Pages\n"


def test_commit_of_named_paths_is_checked_as_git_will_make_it(install: Callable[..., Repository]) -> None:
    """`git commit PATH` gives its hooks an index of their own through GIT_INDEX_FILE."""
    repository = install("trueup-links")
    repository.write("README.md", "# Pages\n\nRead the [guide](docs/guide.md) and [more](docs/more.md).\n")
    repository.write("docs/more.md", "# More\n")
    repository.add("docs/more.md")

    done = run("git", "commit", "--message", "change", "README.md", cwd=repository.root)

    assert done.returncode == 1, done.stdout
    assert "docs/more.md" in done.stdout
    assert run("git", "commit", "--message", "change", "--all", cwd=repository.root).returncode == 0


def test_push_is_refused_too(install: Callable[..., Repository], tmp_path: Path) -> None:
    repository = install("trueup")
    assert pre_commit("install", "--hook-type", "pre-push", cwd=repository.root).returncode == 0
    repository.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    repository.git("rm", "--quiet", "docs/guide.md")
    repository.git("commit", "--quiet", "--no-verify", "--message", "change")

    done = run("git", "push", "origin", "HEAD", cwd=repository.root)

    assert done.returncode == 1, done.stdout
    assert "docs/guide.md" in done.stdout


ENGINE = {
    "requirements.txt": "vllm==0.14.0\n",
    "scripts/install.sh": "VLLM_VERSION=0.14.0\n",
    "Dockerfile": "FROM vllm/vllm-openai:v0.14.0-cu129\n",
    "docs/install.md": "# Install\n\n```sh\npip install vllm==0.14.0\n```\n",
}


def test_a_bump_of_three_places_of_four_is_refused_until_the_fourth_follows(
    install: Callable[..., Repository], tmp_path: Path
) -> None:
    repository = install("trueup-versions")
    repository.commit(ENGINE)
    for path in ("requirements.txt", "scripts/install.sh", "Dockerfile"):
        repository.write(path, ENGINE[path].replace("0.14.0", "0.14.1"))
    repository.add()

    done = commit(repository)

    assert done.returncode == 1, done.stdout
    assert (
        "docs/install.md:4:19: error: left behind: vllm 0.14.0 -> 0.14.1 in 3 places "
        "(Dockerfile:1, requirements.txt:1, scripts/install.sh:1); here it is still 0.14.0"
    ) in done.stdout

    bump = repository.trueup("versions", "bump", "vllm", "0.14.1", "--write")
    assert bump.stdout == "docs/install.md:4: 0.14.0 -> 0.14.1\n"
    repository.add()
    done = commit(repository)
    assert done.returncode == 0, done.stdout

    # What was committed past the hook is found before it is pushed.
    assert pre_commit("install", "--hook-type", "pre-push", cwd=repository.root).returncode == 0
    repository.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    assert run("git", "push", "origin", "HEAD:main", cwd=repository.root).returncode == 0
    repository.write("requirements.txt", "vllm==0.15.0\n")
    repository.write("scripts/install.sh", "VLLM_VERSION=0.15.0\n")
    repository.git("commit", "--quiet", "--no-verify", "--all", "--message", "change")
    done = run("git", "push", "origin", "HEAD:main", cwd=repository.root)
    assert "left behind: vllm 0.14.1 -> 0.15.0" in done.stdout


def test_environment_of_the_hook_is_light(install: Callable[..., Repository], pre_commit_home: Path) -> None:
    repository = install("trueup")
    done = pre_commit("run", "trueup", "--all-files", cwd=repository.root)
    assert done.returncode == 0, done.stdout
    places = list(pre_commit_home.glob("repo*/py_env-*/lib/python3*/site-packages"))
    assert len(places) == 1
    names = {path.name.partition("-")[0].lower() for path in places[0].glob("*.dist-info")}
    assert "trueup" in names
    assert names & {"torch", "pytest", "hypothesis", "pyzmq", "redis", "numpy"} == set()


def test_a_lock_that_was_left_behind_is_refused(install: Callable[..., Repository]) -> None:
    asked, locked = (
        '{"": {"dependencies": {"ms": "^2.1.0"}}',
        '"node_modules/ms": {"version": "2.1.3", "integrity": "x"}}',
    )
    repository = install("trueup-locks")
    repository.write("package.json", '{\n  "dependencies": { "ms": "^2.1.0" }\n}\n')
    repository.write("package-lock.json", f'{{"lockfileVersion": 3, "packages": {asked}, {locked}}}')
    repository.add()
    assert commit(repository).returncode == 0
    repository.write("package.json", '{\n  "dependencies": { "ms": "^3.0.0" }\n}\n')
    repository.add()

    done = commit(repository)

    assert done.returncode == 1, done.stdout
    assert "package.json:2" in done.stdout
    assert "ms@^3.0.0 is asked for here, and package-lock.json:1 has 2.1.3 [locks/outside-requirement]" in done.stdout
    assert "-> npm install --package-lock-only" in done.stdout
