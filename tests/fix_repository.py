"""Temporary Git repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


class Repository:
    """A Git repository under construction. Paths are relative to its root, with `/`."""

    def __init__(self, root: Path) -> None:
        """Makes the folder and an empty repository in it."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet")

    def git(self, *args: str) -> str:
        """What `git ARGS` prints; its complaint is the test's failure."""
        done = subprocess.run(["git", *args], cwd=self.root, capture_output=True, check=False)
        assert done.returncode == 0, f"git {args}: {done.stderr.decode(errors='replace')}"
        return os.fsdecode(done.stdout)

    def write(self, path: str, content: str | bytes = "") -> Path:
        """Writes a file with exactly these bytes (text as UTF-8, newlines as they are)."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def symlink(self, path: str, target: str) -> None:
        """Makes `path` a symbolic link with this text."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def add(self, *paths: str) -> None:
        """Stages these paths, or everything."""
        self.git("add", "--", *(paths or (".",)))

    def commit(self, files: Mapping[str, str | bytes] | None = None, message: str = "change") -> str:
        """Writes `files`, stages everything, commits; the commit's id."""
        for path, content in (files or {}).items():
            self.write(path, content)
        self.add()
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def trueup(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs the command in a process of its own, in the root folder."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "trueup", *args],
            cwd=self.root,
            env={**os.environ, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )


def copy_of_project(root: Path) -> Repository:
    """This project's files as they lie in the work tree, uncommitted ones included, in a repository of their own."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True)
    repository = Repository(root)
    for path in filter(None, os.fsdecode(listed.stdout).split("\0")):
        source, place = PROJECT / path, root / path
        if source.is_file() or source.is_symlink():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place, follow_symlinks=False)
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository(tmp_path / "repository")


@pytest.fixture
def make_repository(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Repository]:
    """Makes any number of repositories, each with these files committed."""
    made: list[Repository] = []

    def make(files: Mapping[str, str | bytes]) -> Repository:
        repository = Repository(tmp_path / f"repository-{len(made)}")
        repository.commit(files)
        made.append(repository)
        return repository

    return make
