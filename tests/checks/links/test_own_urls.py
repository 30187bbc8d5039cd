"""URLs into the repository under check: whose they are, and at which ref."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fix_repository import Repository
from link_runs import links
from trueup.links.own_urls import OwnRepository, OwnUrl
from trueup.repo import open_view

Make = Callable[..., Repository]
URL = "https://github.com/acme/widgets"


def own(repository: Repository, name: str | None = None, branch: str | None = None) -> OwnRepository:
    with closing(open_view(str(repository.root))) as view:
        answer = OwnRepository(view, name, branch)
        assert (answer.name, answer.default_branch) is not None  # asked now, while Git can be
        return answer


REMOTES = [
    ("https://github.com/acme/widgets", "acme/widgets"),
    ("https://github.com/acme/widgets.git", "acme/widgets"),
    ("https://github.com/Acme/Widgets/", "acme/widgets"),
    ("https://user:secret@github.com/acme/widgets.git", "acme/widgets"),
    ("http://github.com/acme/widgets", "acme/widgets"),
    ("git@github.com:acme/widgets.git", "acme/widgets"),
    ("ssh://git@github.com/acme/widgets.git", "acme/widgets"),
    ("git://github.com/acme/widgets", "acme/widgets"),
    ("https://github.com/acme/wid.gets", "acme/wid.gets"),
    ("https://gitlab.com/acme/widgets", None),
    ("https://github.com.evil.org/acme/widgets", None),
    ("https://evil.org/github.com/acme/widgets", None),
    ("https://github.com/acme", None),
    ("/srv/git/widgets.git", None),
    ("", None),
]


@pytest.mark.parametrize(("remote", "name"), REMOTES, ids=[row[0] for row in REMOTES])
def test_the_name_is_that_of_the_remote(remote: str, name: str | None, repository: Repository) -> None:
    repository.git("config", "remote.origin.url", remote)
    assert own(repository).name == name


def test_without_a_remote_there_is_no_name(repository: Repository, tmp_path: Path) -> None:
    assert own(repository).name is None
    (tmp_path / "folder").mkdir()
    with closing(open_view(str(tmp_path / "folder"))) as view:
        assert OwnRepository(view, None, None).name is None
        assert OwnRepository(view, None, None).default_branch is None
        assert OwnRepository(view, "Acme/Widgets", None).name == "acme/widgets"


def test_settings_go_before_the_job_and_the_job_before_the_clone(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("config", "remote.origin.url", "https://github.com/clone/one")
    (tmp_path / "event.json").write_text(json.dumps({"repository": {"default_branch": "trunk"}}))
    monkeypatch.setenv("GITHUB_REPOSITORY", "Job/Two")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    assert (own(repository).name, own(repository).default_branch) == ("clone/one", "main"), "variables alone are no job"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert (own(repository).name, own(repository).default_branch) == ("job/two", "trunk")
    assert own(repository, "set/three", "next").name == "set/three"
    assert own(repository, "set/three", "next").default_branch == "next"


@pytest.mark.parametrize("event", ["", "[]", "{}", '{"repository": null}', '{"repository": {}}', "not JSON", None])
def test_an_event_without_a_repository(
    event: str | None, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduled job's event names none: the branch checked out is the next best."""
    if event is not None:
        (tmp_path / "event.json").write_text(event)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    assert own(repository).default_branch == "main"


def test_the_clones_own_default_branch(make_repository: Make, tmp_path: Path) -> None:
    source = make_repository({"a.md": "\n"})
    source.git("branch", "-m", "trunk")
    source.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    clone.git("checkout", "--quiet", "-b", "topic")
    assert own(clone).default_branch == "trunk"
    clone.git("checkout", "--quiet", "--detach")
    assert own(clone).default_branch == "trunk"


PARSED = [
    (f"{URL}/blob/main/a.md", OwnUrl("main/a.md", "", None)),
    (f"{URL}/blob/main/a.md?plain=1#L3", OwnUrl("main/a.md", "plain=1", "L3")),
    (f"{URL}/tree/main", OwnUrl("main", "", None)),
    (f"{URL}/raw/main/a%20b.md#x%C3%A9", OwnUrl("main/a b.md", "", "xé")),
    (f"{URL}/edit/main/a.md", OwnUrl("main/a.md", "", None)),
    (f"{URL}/blame/main/a.md", OwnUrl("main/a.md", "", None)),
    ("HTTPS://www.GitHub.com/ACME/Widgets/blob/main/A.md", OwnUrl("main/A.md", "", None)),
    ("https://raw.githubusercontent.com/acme/widgets/main/a.md", OwnUrl("main/a.md", "", None)),
    ("https://raw.githubusercontent.com/acme/widgets/refs/heads/main/a.md", OwnUrl("main/a.md", "", None)),
    (URL, None),
    (f"{URL}/", None),
    (f"{URL}/issues/3", None),
    (f"{URL}/blob", None),
    (f"{URL}/blob/", None),
    (f"{URL}/commits/main/a.md", None),
    ("https://github.com/acme/widgets2/blob/main/a.md", None),
    ("https://github.com/acme/other/blob/main/a.md", None),
    ("https://example.org/acme/widgets/blob/main/a.md", None),
    ("https://gist.github.com/acme/widgets/blob/main/a.md", None),
]


@pytest.mark.parametrize(("url", "expected"), PARSED, ids=[row[0] for row in PARSED])
def test_urls_taken_apart(url: str, expected: OwnUrl | None, repository: Repository) -> None:
    assert own(repository, "acme/widgets", "main").parse(url) == expected


def test_a_default_branch_with_slashes(make_repository: Make) -> None:
    repository = make_repository(
        {"a.md": f"[1]({URL}/blob/release/v1/a.md) [2]({URL}/blob/release/v1/gone.md) [3]({URL}/tree/release/v1)\n"}
    )
    found = links(repository.root, "--repository", "acme/widgets", "--default-branch", "release/v1")
    assert found.lines == [f"a.md:1:63 links/own-repository-url {URL}/blob/release/v1/gone.md"]
    assert found.notes == []


def test_refs_of_the_clone(make_repository: Make) -> None:
    repository = make_repository({"old.md": "\n"})
    commit = repository.git("rev-parse", "HEAD").strip()
    repository.git("tag", "-a", "v1.0", "-m", "annotated")
    repository.git("update-ref", "refs/remotes/origin/far", "HEAD")
    repository.git("rm", "--quiet", "old.md")
    refs = ("v1.0", commit, commit[:10], "far")
    good = "".join(f"[x]({URL}/blob/{ref}/old.md) [y]({URL}/tree/{ref})\n\n" for ref in refs)
    bad = "".join(f"[x]({URL}/blob/{ref}/gone.md)\n\n" for ref in refs)
    repository.commit({"good.md": good, "bad.md": bad})
    found = links(repository.root, "--repository", "acme/widgets")
    assert found.lines == [
        f"bad.md:{1 + 2 * number}:5 links/own-repository-url {URL}/blob/{ref}/gone.md"
        for number, ref in enumerate(refs)
    ]
    assert found.notes == []


HOSTILE = [
    "--output=x",
    "main^{/x}",
    "@{-1}",
    "..",
    "refs/heads/main",
    "HEAD~1",
    "main:a.md",
    "-",
    "a%00b",
    "a%0Ab",
    "%FF",
]


@pytest.mark.parametrize("ref", HOSTILE)
def test_hostile_refs_name_nothing(ref: str, make_repository: Make) -> None:
    repository = make_repository({"a.md": f"[x]({URL}/blob/{ref}/gone.md)\n"})
    found = links(repository.root, "--repository", "acme/widgets")
    assert found.lines == []
    assert found.notes == ["not checked: 1 URLs into this repository at a ref that this clone does not hold"]
    assert sorted(path.name for path in repository.root.iterdir()) == [".git", "a.md"]
