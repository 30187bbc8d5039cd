"""From where a change is reckoned, and what of it is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fix_repository import Repository
from trueup.errors import RepositoryError
from trueup.repo import Git
from trueup.versions.since import base_of
from version_runs import versions

BEHIND = "Dockerfile:1:23 versions/partial-bump pypi:vllm"
OLD = {"requirements.txt": "vllm==0.14.0\n", "Dockerfile": "RUN pip install vllm==0.14.0\n"}
NEW = "vllm==0.14.1\n"


@pytest.fixture
def bumped(repository: Repository) -> Repository:
    """A branch `topic` on which the requirement moves, while `main` goes on."""
    repository.commit(OLD)
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit({"requirements.txt": NEW})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"other.txt": "x\n", "more.sh": "OTHER_VERSION=2.0.0\n"})
    repository.git("checkout", "--quiet", "topic")
    return repository


def test_a_branch_is_compared_with_where_it_began(bumped: Repository) -> None:
    assert versions(bumped.root, "--since", "main").lines == [BEHIND]
    assert versions(bumped.root, "--since", "main", "--staged").lines == [BEHIND]
    assert versions(bumped.root, "--since", "main", "--ref", "topic").lines == [BEHIND]
    assert versions(bumped.root, "--since", "HEAD").lines == []
    assert versions(bumped.root, "--since", "main", "--ref", "main").lines == []


def test_what_is_not_staged_counts_in_the_work_tree_only(repository: Repository) -> None:
    repository.commit(OLD)
    repository.write("requirements.txt", NEW)
    assert versions(repository.root, "--since", "HEAD").lines == [BEHIND]
    assert versions(repository.root, "--since", "HEAD", "--staged").lines == []
    repository.add()
    assert versions(repository.root, "--since", "HEAD", "--staged").lines == [BEHIND]
    repository.write("Dockerfile", "RUN pip install vllm==0.14.1\n")
    assert versions(repository.root, "--since", "HEAD").lines == []
    assert versions(repository.root, "--since", "HEAD", "--staged").lines == [BEHIND]


def test_a_change_of_equal_size_right_after_the_commit_is_seen(repository: Repository) -> None:
    """The index remembers times that are too coarse to tell."""
    for number in range(5):
        repository.commit({**OLD, "n": str(number)})
        repository.write("requirements.txt", NEW)
        assert versions(repository.root, "--since", "HEAD").lines == [BEHIND]
        repository.write("requirements.txt", OLD["requirements.txt"])


def test_a_commit_that_is_not_here_is_told(repository: Repository) -> None:
    repository.commit(OLD)
    done = repository.trueup("versions", "--since", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "trueup: error: there is no commit 'nowhere' in this clone",
        "hint: a shallow clone lacks it: set fetch-depth: 0, or fetch it",
    ]


def test_without_git_there_is_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from trueup.cli import main

    (tmp_path / "Dockerfile").write_text("FROM a/b:1.0\n")
    assert main(["versions", "-C", str(tmp_path), "--since", "HEAD"]) == 2
    assert "there is no earlier state here" in capsys.readouterr().err


def test_auto_asks_who_runs_us(bumped: Repository, tmp_path: Path) -> None:
    git = Git(str(bumped.root))
    head, main = bumped.git("rev-parse", "HEAD").strip(), bumped.git("rev-parse", "main").strip()
    began = bumped.git("merge-base", "HEAD", "main").strip()
    event = tmp_path / "event.json"

    def auto(payload: object = None, **env: str) -> str | None:
        event.write_text(json.dumps(payload))
        return base_of(git, "auto", None, {"GITHUB_EVENT_PATH": str(event), **env})

    job = {"GITHUB_ACTIONS": "true"}
    assert auto() == head
    assert auto(PRE_COMMIT_FROM_REF=main) == began
    assert auto(PRE_COMMIT_FROM_REF="0" * 40) == head
    assert auto({"pull_request": {"base": {"sha": main}}}, **job) == began
    assert auto({"pull_request": {"base": {"sha": main}}}) == head
    assert auto({"before": began}, **job) == began
    assert auto({"before": "0" * 40}, **job) == head
    assert auto(["no", "event"], **job) == head
    # A forced push replaces what is nowhere any more: then its last commit counts.
    assert auto({"before": "1" * 40}, **job) == bumped.git("rev-parse", "HEAD^").strip()
    with pytest.raises(RepositoryError):
        auto({"pull_request": {"base": {"sha": "1" * 40}}}, **job)


def test_the_first_commit_has_nothing_to_be_compared_with(repository: Repository) -> None:
    repository.write("requirements.txt", NEW)
    repository.add()
    found = versions(repository.root, "--staged", "--since", "auto")
    assert (found.code, found.lines) == (0, [])
    assert found.notes == ["there is no commit yet that the change could be compared with"]


def test_an_ignore_for_the_state_is_not_called_unused_by_a_change(repository: Repository) -> None:
    ignore = '[[ignore]]\nrule = "versions/differing-pins"\nreason = "meant"\n'
    repository.commit({**OLD, "trueup.toml": ignore})
    assert versions(repository.root, "--since", "HEAD").lines == []
    assert versions(repository.root).lines == ["trueup.toml:1:None trueup/unused-suppression versions/differing-pins"]
    links = repository.trueup("links", "--fail-on", "warning")
    assert links.returncode == 0, links.stdout
