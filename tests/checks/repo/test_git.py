"""The wrapper around Git: what a hostile repository's configuration names is not run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_repository import Repository
from link_runs import links
from trueup.errors import RepositoryError
from trueup.repo import Git

SIGNED = """\
tree {tree}
author A Tester <tester@example.org> 1767323045 +0000
committer A Tester <tester@example.org> 1767323045 +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 x
 -----END PGP SIGNATURE-----

signed
"""


class Trap:
    """A program that leaves a file behind when it is run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.sign = folder / "was-run"
        self.program = folder / "program"
        self.program.write_text(f'#!/bin/sh\necho "$0" >> {self.sign}\n')
        self.program.chmod(0o755)
        self.hooks = folder / "hooks"
        self.hooks.mkdir()
        for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction"):
            (self.hooks / hook).symlink_to(self.program)

    def was_run(self) -> bool:
        """Whether it was; asking sets the trap anew."""
        there = self.sign.exists()
        self.sign.unlink(missing_ok=True)
        return there


def fsmonitor(repository: Repository, trap: Trap) -> list[str]:
    repository.git("config", "core.fsmonitor", str(trap.program))
    return ["status"]


def hooks_path(repository: Repository, trap: Trap) -> list[str]:
    repository.git("config", "core.hooksPath", str(trap.hooks))
    return ["update-index", "--force-write-index"]


def external_diff(repository: Repository, trap: Trap) -> list[str]:
    repository.git("config", "diff.external", str(trap.program))
    return ["diff", "--cached"]


def diff_driver(repository: Repository, trap: Trap) -> list[str]:
    repository.write(".git/info/attributes", "* diff=trap\n")
    repository.git("config", "diff.trap.command", str(trap.program))
    return ["diff", "--cached"]


def text_conversion(repository: Repository, trap: Trap) -> list[str]:
    repository.write(".git/info/attributes", "* diff=trap\n")
    repository.git("config", "diff.trap.textconv", str(trap.program))
    return ["diff", "--cached"]


def clean_filter(repository: Repository, trap: Trap) -> list[str]:
    repository.write(".git/info/attributes", "* filter=trap\n")
    repository.git("config", "filter.trap.clean", str(trap.program))
    repository.write("a.md", "# Other bytes of another length\n\n[x](gone.md) [y](moved.md)\n")
    return ["diff"]


def signature_program(repository: Repository, trap: Trap) -> list[str]:
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "gpg.program", str(trap.program))
    commit = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=repository.root,
        input=SIGNED.format(tree=repository.git("rev-parse", "HEAD^{tree}").strip()).encode(),
        capture_output=True,
        check=True,
    )
    repository.git("update-ref", "refs/heads/main", commit.stdout.decode().strip())
    return ["log", "-1"]


def pager(repository: Repository, trap: Trap) -> list[str]:
    repository.git("config", "core.pager", str(trap.program))
    return ["--paginate", "log", "-1"]


TRAPS: list[Callable[[Repository, Trap], list[str]]] = [
    fsmonitor,
    hooks_path,
    external_diff,
    diff_driver,
    text_conversion,
    clean_filter,
    signature_program,
    pager,
]
# The wrapper cannot forbid these: the commands that could run them are called with --no-ext-diff and the like.
NEED_FLAGS = (diff_driver, text_conversion, clean_filter)


@pytest.mark.parametrize("prepare", TRAPS, ids=lambda prepare: prepare.__name__)
def test_nothing_that_the_configuration_names_is_run(
    prepare: Callable[[Repository, Trap], list[str]], repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a.md": "[x](gone.md) [y](moved.md)\n", "there.md": "# A page of some length, to be moved\n"})
    repository.git("mv", "there.md", "moved.md")
    repository.write("new.md", "staged\n")
    repository.add("new.md")
    trap = Trap(tmp_path / "trap")
    command = prepare(repository, trap)
    if command[0] != "--paginate":  # there is a pager on a terminal only
        subprocess.run(["git", *command], cwd=repository.root, capture_output=True, check=False)
        assert trap.was_run(), "the trap itself does not work"

    for args in ([], ["--staged"], ["--ref", "HEAD"], ["--diff"], ["--history"], ["--fix"]):
        found = links(repository.root, "--no-cache", *args)
        assert "gone.md" in [finding["target"] for finding in found.findings]
        assert not trap.was_run(), args
    if prepare not in NEED_FLAGS:
        Git(str(repository.root)).run(*command)
        assert not trap.was_run()


@pytest.mark.parametrize("way", ["transport helper", "upload-pack program"])
def test_a_missing_blob_is_not_fetched(way: str, repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit({"a.md": "[x](gone.md)\n", "b.md": "other\n"})
    trap = Trap(tmp_path / "trap")
    repository.git("config", "extensions.partialClone", "origin")
    repository.git("config", "remote.origin.promisor", "true")
    if way == "transport helper":
        repository.git("config", "protocol.ext.allow", "always")
        repository.git("config", "remote.origin.url", f"ext::{trap.program}")
    else:
        repository.git("config", "remote.origin.url", f"file://{repository.root}")
        repository.git("config", "remote.origin.uploadpack", str(trap.program))
    blob = repository.git("rev-parse", "HEAD:a.md").strip()
    (repository.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    subprocess.run(["git", "cat-file", "-p", blob], cwd=repository.root, capture_output=True, check=False)
    assert trap.was_run(), "the trap itself does not work"

    found = links(repository.root, "--ref", commit)

    assert found.lines == ["a.md trueup/unreadable-file"]
    assert "its blob is not in this clone" in found.findings[0]["message"]
    assert not trap.was_run()


def test_only_variables_that_name_the_repository_are_passed_on(
    make_repository: Callable[..., Repository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = make_repository({"one.md": "\n"}), make_repository({"other.md": "\n"})
    trap = Trap(tmp_path / "trap")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap.program))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.pager")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "from-the-environment")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))

    assert Git(str(one.root)).out("ls-files") == b"other.md\n"
    assert Git(str(one.root), inherit=False).out("ls-files") == b"one.md\n"
    assert Git(str(one.root)).run("config", "core.pager").out == b""
    assert not (tmp_path / "trace").exists()


def test_reads_what_is_there_and_not_its_replacement(repository: Repository) -> None:
    """`refs/replace` makes Git show other bytes than those that a commit holds."""
    repository.commit({"a.md": "true\n", "b.md": "false\n"})
    repository.git(
        "replace", repository.git("rev-parse", "HEAD:a.md").strip(), repository.git("rev-parse", "HEAD:b.md").strip()
    )
    assert repository.git("show", "HEAD:a.md") == "false\n"
    assert Git(str(repository.root)).out("show", "HEAD:a.md") == b"true\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_dubious_ownership(repository: Repository) -> None:
    repository.commit({"a.md": "\n"})
    for folder, _, files in os.walk(repository.root):
        for place in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(place, 12345, 12345)
    done = repository.trueup("links")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "trueup: error: Git refuses to read this repository: it belongs to another user (dubious ownership)\n"
        "hint: if you trust it: git config --global --add safe.directory FOLDER\n",
    )


def test_git_is_not_installed(repository: Repository, tmp_path: Path) -> None:
    done = repository.trueup("links", env={"PATH": str(tmp_path)})
    assert (done.returncode, done.stderr) == (2, "trueup: error: the program 'git' is not installed\n")


def test_a_refusal_is_told_in_gits_own_words(repository: Repository) -> None:
    with pytest.raises(RepositoryError, match=r"^git rev-parse failed: bad revision 'x'"):
        Git(str(repository.root)).out("rev-parse", "x", "--")


@pytest.mark.parametrize(("folder", "message"), [("nowhere", "there is no folder"), ("file", "is not a folder")])
def test_a_folder_that_is_none(folder: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RepositoryError, match=message):
        Git(str(tmp_path / folder)).run("version")


def test_a_damaged_index_is_one_clear_line(repository: Repository) -> None:
    repository.commit({"a.md": "\n"})
    repository.write(".git/index", b"DIRC garbage")
    done = repository.trueup("links")
    assert done.returncode == 2
    assert done.stderr.startswith("trueup: error: git ls-files failed: ")
    assert "Traceback" not in done.stderr
