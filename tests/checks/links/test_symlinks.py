"""Symlinks are followed in Git's tree as the operating system follows them on a disk."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fix_repository import Repository
from link_runs import links
from trueup.links.symlinks import LONGEST_CHAIN, End, State, Symlinks
from trueup.repo import open_view

NAMES = ("a", "b", "c", "d")
FOLDERS = ("", "a/", "b/", "a/c/")
PATHS = st.sampled_from([folder + name for folder in FOLDERS for name in NAMES])
STEPS = st.lists(st.sampled_from((*NAMES, *NAMES, "..", ".")), min_size=1, max_size=4).map("/".join)


def on_disk(root: Path, path: str) -> tuple[State, str] | None:
    """Where the operating system ends; `None` where it cannot tell what we can (outside, missing: the path)."""
    place = root / path
    try:
        place.stat()  # the system's own word; `realpath` forgives a slash behind a file
        real = os.path.realpath(place, strict=True)
    except OSError as error:
        return (State.LOOP, "") if error.errno == errno.ELOOP else None
    relative = os.path.relpath(real, root)
    if relative.startswith(".."):
        return None
    return State.FOLDER if os.path.isdir(real) else State.FILE, "" if relative == "." else relative


@settings(max_examples=150, deadline=None)
@given(
    files=st.lists(PATHS, max_size=4),
    symlinks=st.dictionaries(PATHS, st.tuples(STEPS, st.booleans()), min_size=1, max_size=6),
)
def test_follows_as_the_system_does(files: list[str], symlinks: dict[str, tuple[str, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder)) / "root"
        root.mkdir()
        for path in files:
            if not os.path.lexists(root / path) and _make_folder(root, path):
                (root / path).write_text("x")
        made = []
        for path, (target, slash) in symlinks.items():
            if not os.path.lexists(root / path) and _make_folder(root, path):
                (root / path).symlink_to(target + "/" * slash)
                made.append(path)
        with closing(open_view(str(root))) as view:
            following = Symlinks(view)
            assert sorted(view.links) == sorted(made)
            for path in made:
                end, system = following.follow(path), on_disk(root, path)
                if system is None:
                    assert end.state in (State.MISSING, State.OUTSIDE, State.LOOP), (path, end)
                elif end.state is State.OUTSIDE:
                    assert _climbs(root, path), "it leaves the root, and comes back by the root's own name"
                elif system[0] is State.LOOP:
                    assert end.state in (State.LOOP, State.MISSING), (path, end)
                else:
                    assert (end.state, end.path) == system, path


def _make_folder(root: Path, path: str) -> bool:
    """Makes the folder of a path; false where a file or symlink is in the way. No folder stays without a file."""
    place = root
    for name in path.split("/")[:-1]:
        place = place / name
        if place.is_symlink() or place.is_file():
            return False
    place.mkdir(parents=True, exist_ok=True)
    return True


def _climbs(root: Path, path: str) -> bool:
    done, todo = root, path.split("/")[::-1]
    for _ in range(1000):
        if not todo:
            return False
        step = todo.pop()
        if step == "..":
            if done == root:
                return True
            done = done.parent
        elif (done / step).is_symlink():
            todo.extend(os.readlink(done / step).split("/")[::-1])
        elif step not in ("", "."):
            done = done / step
    return False


def ends(repository: Repository) -> dict[str, End]:
    with closing(open_view(str(repository.root))) as view:
        following = Symlinks(view)
        return {path: following.follow(path) for path in view.links}


def test_the_longest_chain_is_the_systems_own(repository: Repository) -> None:
    repository.write("0", "x")
    for number in range(1, LONGEST_CHAIN + 2):
        repository.symlink(str(number), str(number - 1))
    repository.add()
    found = ends(repository)
    assert found[str(LONGEST_CHAIN)] == End(State.FILE, "0")
    assert found[str(LONGEST_CHAIN + 1)].state is State.LOOP
    if os.uname().sysname == "Linux":
        assert (repository.root / str(LONGEST_CHAIN)).read_text() == "x"
        with pytest.raises(OSError, match="Too many levels"):
            (repository.root / str(LONGEST_CHAIN + 1)).read_text()


def test_a_loop_of_folders_costs_no_time(repository: Repository) -> None:
    """Each of these multiplies the steps: 2 to the power of 60, if nobody counted."""
    for number in range(60):
        repository.symlink(f"d{number}", f"d{number + 1}/d{number + 1}")
    repository.symlink("d60", ".")
    repository.write("a.md", "[x](d0/a.md)\n")
    repository.add()
    found = links(repository.root)
    assert {finding["rule"] for finding in found.findings} == {"symlinks/loop", "links/missing-file"}


def test_what_each_finding_says(repository: Repository) -> None:
    repository.write("docs/page.md", "\n")
    repository.write("new.md", "\n")
    repository.symlink("docs/absolute", f"{repository.root}/docs/page.md")
    repository.symlink("broken", "docs/gone.md")
    repository.symlink("loop", "loop")
    repository.symlink("outside", "../x")
    repository.symlink("untracked", "new.md")
    repository.add()
    repository.git("rm", "--quiet", "--cached", "new.md")
    assert [
        (finding["path"], finding["message"], finding["suggestion"]) for finding in links(repository.root).findings
    ] == [
        ("broken", "the symlink's target docs/gone.md is not in the repository", None),
        ("docs/absolute", f"the symlink's target is the absolute path {repository.root}/docs/page.md", "page.md"),
        ("loop", "the symlink to loop leads back to itself, or through more than 40 others", None),
        ("outside", "the symlink's target ../x lies outside the repository", None),
        ("untracked", "the symlink's target new.md lies here, but Git does not track it", "git add new.md"),
    ]


def test_a_deleted_symlink_is_no_finding_of_its_own(make_repository: Callable[..., Repository]) -> None:
    repository = make_repository({"a.md": "[x](link.md)\n", "b.md": "\n"})
    repository.symlink("link.md", "b.md")
    repository.commit()
    assert links(repository.root).lines == []
    (repository.root / "link.md").unlink()
    assert links(repository.root).lines == ["a.md:1:5 links/missing-file link.md"]


def test_excluded_and_unnamed_symlinks_are_not_judged(repository: Repository) -> None:
    repository.symlink("vendor/x", "gone")
    repository.symlink("docs/y", "gone")
    repository.symlink("z", "gone")
    repository.add()
    assert links(repository.root).lines == ["docs/y symlinks/broken gone", "z symlinks/broken gone"]
    assert links(repository.root, "docs").lines == ["docs/y symlinks/broken gone"]
