"""Which repository a run is about, and what it lists: every kind of clone, and none at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_repository import Repository
from link_runs import links
from trueup.errors import RepositoryError
from trueup.repo import Origin, open_view

Make = Callable[..., Repository]

BROKEN = {"a.md": "[x](gone.md)\n", "docs/b.md": "[y](../a.md) [z](gone.md)\n"}
BROKEN_LINES = ["a.md:1:5 links/missing-file gone.md", "docs/b.md:1:18 links/missing-file gone.md"]


def test_a_work_tree(make_repository: Make) -> None:
    repository = make_repository(BROKEN)
    view = open_view(str(repository.root))
    assert (view.root, view.origin, view.prefix) == (str(repository.root), Origin.WORK_TREE, "")
    assert {path: entry.mode for path, entry in view.entries.items()} == {"a.md": "100644", "docs/b.md": "100644"}


def test_a_sub_folder_as_start_is_the_whole_repository(make_repository: Make) -> None:
    repository = make_repository(BROKEN)
    view = open_view(str(repository.root / "docs"))
    assert (view.root, view.prefix, sorted(view.entries)) == (str(repository.root), "docs/", sorted(BROKEN))
    assert links(repository.root / "docs").lines == BROKEN_LINES
    assert links(repository.root / "docs", ".").lines == BROKEN_LINES[1:], "paths are seen from where one stands"
    assert links(repository.root / "docs", "b.md").lines == BROKEN_LINES[1:]
    assert links(repository.root / "docs", "../a.md").lines == BROKEN_LINES[:1]
    assert links(repository.root, str(repository.root / "a.md")).lines == BROKEN_LINES[:1]


def test_a_bare_repository(make_repository: Make, tmp_path: Path) -> None:
    source = make_repository(BROKEN)
    source.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    with pytest.raises(RepositoryError) as refused:
        open_view(str(tmp_path / "bare"))
    assert refused.value.message == f"{str(tmp_path / 'bare')!r} is a bare repository: it has no work tree"
    assert refused.value.hint == "check a commit: --ref HEAD"
    assert links(tmp_path / "bare", "--ref", "HEAD").lines == BROKEN_LINES
    assert links(tmp_path / "bare", "--ref", "main").lines == BROKEN_LINES
    assert links(source.root / ".git", "--ref", "HEAD").lines == BROKEN_LINES


def test_inside_the_git_folder_is_no_work_tree(make_repository: Make) -> None:
    repository = make_repository(BROKEN)
    with pytest.raises(RepositoryError, match="must be run in a work tree"):
        open_view(str(repository.root / ".git"))


def test_a_shallow_clone(make_repository: Make, tmp_path: Path) -> None:
    source = make_repository({**BROKEN, "old.md": "# A page that moves, with some length to it\n"})
    source.git("mv", "old.md", "new.md")
    source.commit({"c.md": "[x](old.md)\n"})
    source.git("clone", "--quiet", "--depth", "1", f"file://{source.root}", str(tmp_path / "shallow"))
    expected = [BROKEN_LINES[0], "c.md:1:5 links/missing-file old.md", BROKEN_LINES[1]]
    assert links(tmp_path / "shallow").lines == expected
    assert links(tmp_path / "shallow", "--history").lines == expected


def test_a_linked_work_tree(make_repository: Make, tmp_path: Path) -> None:
    source = make_repository(BROKEN)
    source.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "other")
    assert links(tmp_path / "tree").lines == BROKEN_LINES
    (tmp_path / "tree/gone.md").write_text("")
    subprocess.run(["git", "add", "."], cwd=tmp_path / "tree", check=True)
    assert links(tmp_path / "tree").lines == BROKEN_LINES[1:]
    assert links(source.root).lines == BROKEN_LINES
    assert (source.root / ".git/worktrees/tree/trueup/links.cache").is_file()


def test_the_index_and_a_commit(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[1](one.md)\n", "trueup.toml": ""})
    repository.write("a.md", "[2](two.md)\n")
    repository.add("a.md")
    repository.write("a.md", "[3](three.md)\n")
    assert links(repository.root, "--ref", "HEAD").lines == ["a.md:1:5 links/missing-file one.md"]
    assert links(repository.root, "--staged").lines == ["a.md:1:5 links/missing-file two.md"]
    assert links(repository.root).lines == ["a.md:1:5 links/missing-file three.md"]


def test_a_staged_deletion_breaks_links(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[1](b.md)\n", "b.md": "\n"})
    repository.git("rm", "--quiet", "--cached", "b.md")
    assert links(repository.root, "--staged").lines == ["a.md:1:5 links/missing-file b.md"]
    assert links(repository.root).lines == ["a.md:1:5 links/untracked-target b.md"]
    assert links(repository.root, "--ref", "HEAD").lines == []


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "HEAD:a.md", ""])
def test_an_unknown_ref(ref: str, make_repository: Make) -> None:
    repository = make_repository(BROKEN)
    with pytest.raises(RepositoryError) as refused:
        open_view(str(repository.root), ref=ref)
    assert refused.value.message == f"there is no commit {ref!r} in this clone"
    assert not (repository.root / "x").exists()


def test_a_repository_without_a_commit(repository: Repository) -> None:
    assert links(repository.root).lines == []
    repository.write("a.md", BROKEN["a.md"])
    repository.add()
    assert links(repository.root).lines == BROKEN_LINES[:1]
    assert links(repository.root, "--staged", "--history").lines == BROKEN_LINES[:1]
    with pytest.raises(RepositoryError, match="there is no commit 'HEAD'"):
        open_view(str(repository.root), ref="HEAD")


HOOK = """\
#!/bin/sh
exec "{python}" -P -m trueup links --staged --no-cache
"""


def test_the_index_of_git_commit_only_is_honoured(make_repository: Make) -> None:
    """`git commit --only a.md` shows its hooks an index of their own, which lacks what else is staged."""
    repository = make_repository({"a.md": "\n"})
    hook = repository.write(".git/hooks/pre-commit", HOOK.format(python=sys.executable))
    hook.chmod(0o755)
    repository.write("a.md", "[x](new.md)\n")
    repository.write("new.md", "\n")
    repository.add()

    only = subprocess.run(
        ["git", "commit", "--only", "a.md", "-m", "x"], cwd=repository.root, capture_output=True, text=True, check=False
    )
    assert only.returncode == 1
    assert "links/missing-file" in only.stdout + only.stderr
    repository.git("commit", "--quiet", "-m", "both")


def test_an_index_named_by_the_environment(make_repository: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_repository({"a.md": "\n", "b.md": "\n"})
    other = repository.root / "other-index"
    monkeypatch.setenv("GIT_INDEX_FILE", str(other))
    repository.git("read-tree", "HEAD")
    repository.git("rm", "--quiet", "--cached", "b.md")
    assert list(open_view(str(repository.root)).entries) == ["a.md"]
    assert list(open_view(str(repository.root), named=True).entries) == ["a.md", "b.md"], (
        "a folder named: no hook's index"
    )


def test_outside_git(tmp_path: Path) -> None:
    files = {
        ".gitignore": "build/\n*.tmp.md\n!keep.tmp.md\n",
        "a.md": "[1](docs/b.md) [2](gone.md) [3](build/x.md) [4](keep.tmp.md) [5](x.tmp.md)\n",
        "docs/b.md": "[1](../a.md) [2](private.md)\n",
        "docs/.gitignore": "/private.md\n",
        "docs/private.md": "[x](gone.md)\n",
        "private.md": "[x](gone.md)\n",
        "build/x.md": "[x](gone.md)\n",
        "keep.tmp.md": "[x](gone.md)\n",
        "x.tmp.md": "[x](gone.md)\n",
        ".git-not/x.md": "\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "page.md").symlink_to("docs/b.md")
    (tmp_path / "again").symlink_to(".")

    found = links(tmp_path)

    assert found.lines == [
        "a.md:1:20 links/missing-file gone.md",
        "a.md:1:33 links/untracked-target build/x.md",
        "a.md:1:66 links/untracked-target x.tmp.md",
        "docs/b.md:1:18 links/untracked-target private.md",
        "keep.tmp.md:1:5 links/missing-file gone.md",
        "page.md:1:5 links/outside-repository ../a.md",
        "private.md:1:5 links/missing-file gone.md",
    ]
    assert found.notes == ["not a Git repository: every file that no .gitignore excludes counts as tracked"]
    assert found.report["checks"][0]["counts"]["symlinks"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [".gitignore", ".git-not", "a.md", "again", "build", "docs", "keep.tmp.md", "page.md", "private.md", "x.tmp.md"]
    )


@pytest.mark.parametrize("state", [{"staged": True}, {"ref": "HEAD"}])
def test_outside_git_there_is_no_index_and_no_commit(state: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="is not in a Git repository: there is no index and no commit to check"):
        open_view(str(tmp_path), **state)  # type: ignore[arg-type]


def test_unmerged_paths(make_repository: Make) -> None:
    repository = make_repository({"a.md": "base\n", "b.md": "[x](a.md)\n", "c.md": "\n"})
    repository.git("checkout", "--quiet", "-b", "theirs")
    repository.git("rm", "--quiet", "c.md")
    repository.commit({"a.md": "[t](theirs.md)\n"})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"a.md": "[o](ours.md)\n", "c.md": "[c](gone.md)\n"})
    merge = subprocess.run(["git", "merge", "theirs"], cwd=repository.root, capture_output=True, check=False)
    assert merge.returncode == 1
    assert links(repository.root).lines == [
        "a.md:2:5 links/missing-file ours.md",
        "a.md:4:5 links/missing-file theirs.md",
        "c.md:1:5 links/missing-file gone.md",
    ]
    assert list(open_view(str(repository.root)).entries) == ["a.md", "b.md", "c.md"]


def test_intent_to_add_counts_as_tracked(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](new.md#part)\n"})
    repository.write("new.md", "# Part\n\n[y](gone.md)\n")
    assert links(repository.root).lines == ["a.md:1:5 links/untracked-target new.md#part"]
    repository.git("add", "--intent-to-add", "new.md")
    assert links(repository.root).lines == ["new.md:3:5 links/missing-file gone.md"]


def test_names_that_need_quoting(repository: Repository) -> None:
    names = [
        b"caf\xe9.md",
        b'quo"te.md',
        b"new\nline.md",
        b"sp ace.md",
        b"\x1b[31mred.md",
        b"::error::x.md",
        "größe.md".encode(),
        b"back\\slash.md",
        b"tab\t.md",
        b"-n.md",
        b":(top)x.md",
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(repository.root) + b"/" + name)).write_text("[x](gone.md)\n")
    targets = "".join(f"[x](<{''.join(f'%{byte:02X}' for byte in name)}>)\n\n" for name in names)
    repository.write("all.md", targets)
    repository.add()

    view = open_view(str(repository.root))
    assert {os.fsencode(path) for path in view.entries} == {*names, b"all.md"}
    found = links(repository.root)
    assert {finding["rule"] for finding in found.findings} == {"links/missing-file"}
    assert len(found.findings) == len(names), "each file's own link, and none of those in all.md"
    assert links(repository.root).lines == found.lines
    text = repository.trueup("links")
    assert text.returncode == 1
    assert "\x1b" not in text.stdout
    assert not any(line.startswith(("::", "line.md")) for line in text.stdout.splitlines())
