"""Finds the repository that a run is about, and lists it."""

from __future__ import annotations

import os
import stat

from trueup.errors import RepositoryError
from trueup.repo.git import Git, failure
from trueup.repo.view import SYMLINK, Entry, Origin, View


def open_view(folder: str, *, staged: bool = False, ref: str | None = None, named: bool = False) -> View:
    """The repository around `folder`.

    `staged` reads the index's bytes, `ref` a commit's, else the work tree's. `named`: the folder came
    from the command line, so `GIT_DIR` and its like (set by a hook for another place) do not count.

    Raises `RepositoryError` for a bare repository without `ref`, an unknown ref, a folder that Git
    refuses. A folder outside any repository is walked, honouring its ignore files.
    """
    git = Git(folder, inherit=not named)
    listing = git.start("ls-files", "-s", "-t", "-z", "--full-name", "--", ":/") if ref is None else None
    where = git.run("rev-parse", "--is-bare-repository", "--absolute-git-dir", "--show-prefix", "--show-toplevel")
    listed = listing.answer() if listing is not None else None
    lines = where.out.decode("utf-8", "surrogateescape").split("\n", 3)
    if len(lines) < 3:
        if "not a git repository" not in where.err:
            raise failure(where, ("rev-parse",))
        if staged or ref is not None:
            raise RepositoryError(f"{folder!r} is not in a Git repository: there is no index and no commit to check")
        return _walk(folder)
    bare, git_dir, prefix, top = lines[0] == "true", lines[1], lines[2], "".join(lines[3:]).removesuffix("\n")
    if ref is not None:
        return _commit(git, git_dir, top if where.code == 0 else git_dir, ref)
    if where.code != 0:
        if bare:
            raise RepositoryError(
                f"{folder!r} is a bare repository: it has no work tree", hint="check a commit: --ref HEAD"
            )
        raise failure(where, ("rev-parse",))
    assert listed is not None
    if listed.code != 0:
        raise failure(listed, ("ls-files",))
    return View(
        root=top,
        origin=Origin.INDEX if staged else Origin.WORK_TREE,
        entries=_parse_index(listed.out),
        git=git,
        git_dir=git_dir,
        prefix=prefix,
    )


def _parse_index(output: bytes) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for record in output.decode("utf-8", "surrogateescape").split("\0"):
        if record:
            head, _, path = record.partition("\t")
            tag, mode, blob, _stage = head.split(" ")
            # An unmerged path comes once a stage; the first is as good as another: it exists.
            entries.setdefault(path, Entry(mode, blob, tag))
    return entries


def _commit(git: Git, git_dir: str, root: str, ref: str) -> View:
    commit = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit.code != 0:
        raise RepositoryError(f"there is no commit {ref!r} in this clone")
    name = commit.out.decode().strip()
    tree = git.out("ls-tree", "-r", "-z", "--full-tree", name)
    entries: dict[str, Entry] = {}
    for record in tree.decode("utf-8", "surrogateescape").split("\0"):
        if record:
            head, _, path = record.partition("\t")
            mode, _type, blob = head.split(" ")
            entries[path] = Entry(mode, blob, "H")
    return View(root=root, origin=Origin.COMMIT, entries=entries, git=git, git_dir=git_dir, commit=name)


def empty_view(root: str) -> View:
    """A view without a single file, for what is checked by the configuration at `root` and lies elsewhere."""
    return View(root=root, origin=Origin.FOLDER, entries={}, git=None, git_dir=None)


def _walk(folder: str) -> View:
    from pathspec import GitIgnoreSpec

    root = os.path.abspath(folder)
    entries: dict[str, Entry] = {}
    ignores: list[tuple[str, GitIgnoreSpec]] = []

    def ignored(path: str) -> bool:
        return any(path.startswith(base) and spec.match_file(path[len(base) :]) for base, spec in ignores)

    for current, folders, files in os.walk(root):
        base = os.path.relpath(current, root).replace(os.sep, "/")
        base = "" if base == "." else base + "/"
        if ".gitignore" in files and not os.path.islink(os.path.join(current, ".gitignore")):
            with open(os.path.join(current, ".gitignore"), encoding="utf-8", errors="replace") as file:
                ignores.append((base, GitIgnoreSpec.from_lines(file.read(1 << 20).splitlines())))
        linked = [name for name in folders if os.path.islink(os.path.join(current, name))]
        folders[:] = sorted(
            name for name in folders if name not in linked and name != ".git" and not ignored(f"{base}{name}/")
        )
        for name in sorted(files + linked):
            path = base + name
            if ignored(path):
                continue
            mode = os.lstat(os.path.join(current, name)).st_mode
            if stat.S_ISLNK(mode):
                entries[path] = Entry(SYMLINK, "", "H")
            elif stat.S_ISREG(mode):
                entries[path] = Entry("100644", "", "H")
    return View(root=root, origin=Origin.FOLDER, entries=entries, git=None, git_dir=None)
