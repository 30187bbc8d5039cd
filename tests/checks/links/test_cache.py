"""The cache changes how fast a run is, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fix_repository import Repository
from link_runs import Found, links
from trueup.links import cache as module
from trueup.links.cache import Cache
from trueup.links.records import Record
from trueup.repo import view as view_module

Make = Callable[..., Repository]
CACHE = ".git/trueup/links.cache"


def snapshot(root: Path) -> dict[str, bytes | str]:
    """Every file of a work tree."""
    found: dict[str, bytes | str] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files + [name for name in folders if os.path.islink(os.path.join(folder, name))]:
            place = os.path.join(folder, name)
            found[place] = os.readlink(place) if os.path.islink(place) else Path(place).read_bytes()
    return found


def seen(found: Found) -> tuple[object, ...]:
    """All of a report but the time that it took."""
    return found.code, found.findings, found.notes, found.report["suppressed"], found.report["checks"]


# --- equal after any edits

PATHS = ("a.md", "b.md", "docs/a.md", "docs/deep/c.md", "code.py", "link.md", "docs/link.md", "latest")
TARGETS = (
    *("a.md", "b.md", "docs/a.md", "../a.md", "deep/c.md", "link.md", "latest/a.md", "docs/", "gone.md", "docs/a/"),
    *("a.md#one", "b.md#Two", "docs/a.md#two-1", "#one", "#three", "link.md#two", "docs#one", "code.py#L3", "A.md"),
)
LINES = [f"[x]({target})" for target in TARGETS] + [
    *("# One", "# Two", "# Two", '<a id="three"></a>', "`[x](b.md)`", "[x][undefined]", "text", "[x](a\\.md)"),
    "<!-- trueup: ignore links/missing-file: a test -->",
]
CONTENTS = st.lists(st.sampled_from(LINES), max_size=6).map(lambda lines: "\n\n".join(lines) + "\n")
SYMLINKS = ("a.md", "docs", "docs/a.md", "deep/c.md", "link.md", "gone.md", "..", "/etc/passwd", "../../x")
path = st.sampled_from(PATHS)
EDITS = st.one_of(
    st.tuples(st.just("write"), path, CONTENTS),
    st.tuples(st.just("write"), path, CONTENTS),
    st.tuples(st.just("symlink"), path, st.sampled_from(SYMLINKS)),
    st.tuples(st.just("delete"), path, st.just("")),
    st.tuples(st.just("rename"), path, path),
    st.tuples(st.just("stage"), st.just("."), st.just("")),
    st.tuples(st.just("write"), st.just("mkdocs.yml"), st.sampled_from(("site_name: x\n", "docs_dir: .\n"))),
    st.tuples(st.just("delete"), st.just("mkdocs.yml"), st.just("")),
)


def apply_edit(repository: Repository, edit: tuple[str, str, str]) -> None:
    """An edit as a person makes it; one that is not possible just now is left out."""
    what, path, text = edit
    place = repository.root / path
    if what == "stage":
        repository.git("add", "--all")
        return

    def is_blocked(place: Path) -> bool:
        above = [parent for parent in place.parents if repository.root in parent.parents]
        return any(parent.is_symlink() or parent.is_file() for parent in above)

    if is_blocked(place):
        return
    if place.is_dir() and not place.is_symlink():
        return
    if what == "rename":
        other = repository.root / text
        if place.is_symlink() or not place.is_file() or other.is_dir() or other == place:
            return
        if is_blocked(other):
            return
        other.parent.mkdir(parents=True, exist_ok=True)
        place.rename(other)
        return
    place.unlink(missing_ok=True)
    if what == "write":
        repository.write(path, text)
    elif what == "symlink":
        repository.symlink(path, text)


@pytest.fixture
def at_once() -> Iterator[None]:
    """Files count as settled as soon as they are written, instead of two seconds later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view_module, "_ASK_AGAIN_NS", 0)
        yield


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=st.lists(EDITS, min_size=6, max_size=10))
def test_a_run_with_the_cache_equals_one_without(at_once: None, edits: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder) / "repository")
        repository.write("a.md", "# One\n\n[x](b.md#two)\n")
        repository.write("b.md", "# Two\n")
        repository.add()
        for edit in edits:
            apply_edit(repository, edit)
            before = snapshot(repository.root)
            with_cache = links(repository.root)
            again = links(repository.root)
            staged = links(repository.root, "--staged")
            assert seen(with_cache) == seen(links(repository.root, "--no-cache"))
            assert seen(again) == seen(with_cache)
            assert seen(staged) == seen(links(repository.root, "--staged", "--no-cache"))
            assert snapshot(repository.root) == before, "nothing is written in the work tree"


def test_a_warm_run_parses_nothing(make_repository: Make, at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_repository({"a.md": "[x](b.md#gone) [y](c.py#L9)\n", "b.md": "# B\n", "c.py": "1\n"})
    cold = links(repository.root)
    opened: list[str] = []
    real = os.open

    def note(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened.append(path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", note)
    assert seen(links(repository.root)) == seen(cold)
    assert [path for path in opened if path.endswith((".md", ".py"))] == []


def test_bytes_of_equal_size_and_time_are_told_apart(make_repository: Make) -> None:
    """Within two seconds a file may change without its times telling: it is read again."""
    repository = make_repository({"a.md": "[x](one.md)\n"})
    place = repository.root / "a.md"
    assert links(repository.root).lines == ["a.md:1:5 links/missing-file one.md"]
    status = place.stat()
    with open(place, "r+b") as file:
        file.write(b"[x](two.md)\n")
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert links(repository.root).lines == ["a.md:1:5 links/missing-file two.md"]


# --- damage


def checked(body: bytes) -> bytes:
    """A file whose checksum is right."""
    return module._checksum(body) + body


def foreign_version(data: bytes) -> bytes:
    contents = msgspec.msgpack.decode(data[16:])
    contents[0] = "9.9.9/1/pyromark"
    contents[3] = {key: [{}, 0, [], [], [], [], None] for key in contents[3]}
    return checked(msgspec.msgpack.encode(contents))


def too_deep(data: bytes) -> bytes:
    """One more field than there should be, nested deeper than any decoder goes."""
    assert data[16] == 0x95, "an array of five"
    return checked(b"\x96" + data[17:] + b"\x91" * 200_000 + b"\xc0")


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "one byte flipped": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "empty": lambda data: b"",
    "shorter than a checksum": lambda data: data[:7],
    "foreign": lambda data: b"\x80\x04\x95 not ours" * 10,
    "right checksum, no MessagePack": lambda data: checked(b"\xc1" * 50),
    "right checksum, other structure": lambda data: checked(msgspec.msgpack.encode({"a": [1, 2]})),
    "other version": foreign_version,
    "too deep": too_deep,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cache_is_not_used_and_made_anew(damage: Callable[[bytes], bytes], make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](gone.md) [y](b.md#c)\n", "b.md": "# B\n"})
    cold = links(repository.root)
    place = repository.root / CACHE
    good = place.read_bytes()
    place.write_bytes(damage(good))
    assert seen(links(repository.root)) == seen(cold)
    healed = place.read_bytes()
    assert healed == checked(healed[16:])
    assert msgspec.msgpack.decode(healed[16:])[3] == msgspec.msgpack.decode(good[16:])[3]


@pytest.mark.parametrize("place", [".git/trueup", CACHE])
def test_a_cache_that_cannot_be_written_is_no_fault(place: str, make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](gone.md)\n"})
    if place == CACHE:
        (repository.root / place).mkdir(parents=True)
    else:
        repository.write(place, "a file where a folder should be")
    assert links(repository.root).lines == ["a.md:1:5 links/missing-file gone.md"]
    assert sorted(path.name for path in (repository.root / ".git").glob("trueup*/*")) in ([], ["links.cache"])


def test_without_cache_nothing_is_read_or_written(make_repository: Make) -> None:
    repository = make_repository({"a.md": "[x](gone.md)\n"})
    cold = links(repository.root, "--no-cache")
    assert not (repository.root / ".git/trueup").exists()
    repository.write(CACHE, "not to be touched")
    assert seen(links(repository.root, "--no-cache")) == seen(cold)
    assert (repository.root / CACHE).read_text() == "not to be touched"


def test_outside_git_it_lies_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.md").write_text("[x](gone.md)\n")
    cold = links(tmp_path / "folder")
    assert [path.suffix for path in (tmp_path / "cache/trueup").iterdir()] == [".cache"]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["a.md"]
    assert seen(links(tmp_path / "folder")) == seen(cold)


# --- several at once, and bounds


def test_runs_at_once_do_not_disturb_each_other(make_repository: Make) -> None:
    files = {f"{n}.md": f"# H{n}\n\n[x]({n + 1}.md#h{n}) [y](gone{n}.md)\n" for n in range(40)}
    repository = make_repository(files)
    command = [sys.executable, "-P", "-m", "trueup", "links", "--report", "github"]
    outputs = set()
    for _ in range(2):
        running = [subprocess.Popen(command, cwd=repository.root, stdout=subprocess.PIPE) for _ in range(3)]
        outputs |= {process.communicate()[0] for process in running}
    assert len(outputs) == 1
    output = outputs.pop()
    assert (output.count(b"::error"), b"70 more errors" in output) == (10, True)
    assert [path.name for path in (repository.root / ".git/trueup").iterdir()] == ["links.cache"]
    assert Cache(str(repository.root / CACHE), "pyromark")._load() is not None


EMPTY = Record(targets={}, link_count=0, anchors=frozenset(), undefined=[], comments=[], bad_comments=[], bad_byte=None)


def test_records_that_nobody_uses_do_not_pile_up(tmp_path: Path) -> None:
    place = str(tmp_path / "cache")
    first = Cache(place, "pyromark")
    for number in range(20_050):
        first.learn_record(f"old{number}", "github", EMPTY)
    first.save()
    second = Cache(place, "pyromark")
    assert second.record("old7", "github") == EMPTY
    second.learn_record("new", "github", EMPTY)
    second.save()
    third = Cache(place, "pyromark")
    assert third.record("new", "github") == third.record("old7", "github") == EMPTY
    kept = third._load()
    assert kept is not None
    assert len(kept.records) == 20_002, "what was used, and 20,000 others"


def test_the_file_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 2000)
    place = tmp_path / "cache"
    first = Cache(str(place), "pyromark")
    for number in range(50):
        first.learn_record(f"old{number}", "github", EMPTY)
    first.save()
    assert place.stat().st_size <= 2016
    second = Cache(str(place), "pyromark")
    for number in range(60):
        second.learn_record(f"new{number}", "github", EMPTY)
    second.save()
    assert place.stat().st_size <= 2016, "the unused ones make room"
    assert Cache(str(place), "pyromark").record("new59", "github") == EMPTY
    third = Cache(str(place), "pyromark")
    for number in range(500):
        third.learn_record(f"more{number}", "github", EMPTY)
    third.save()
    assert place.stat().st_size <= 2016, "too much at once is not kept at all"


def test_another_engine_has_records_of_its_own(tmp_path: Path) -> None:
    place = str(tmp_path / "cache")
    first = Cache(place, "pyromark")
    first.learn_record("digest", "github", EMPTY)
    first.save()
    assert Cache(place, "pyromark").record("digest", "github") == EMPTY
    assert Cache(place, "pyromark").record("digest", "hugo") is None
    assert Cache(place, "markdown-it").record("digest", "github") is None
