"""The bytes of a repository: nothing outside the root is read, and what cannot be read is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fix_repository import Repository
from link_runs import links
from trueup.repo import Unreadable, open_view
from trueup.repo.view import TooLarge, is_settled

Make = Callable[..., Repository]

_opened: list[str] | None = None


def _listen(event: str, args: tuple[object, ...]) -> None:
    if _opened is None or event not in ("open", "os.listdir", "os.scandir") or not isinstance(args[0], str | bytes):
        return
    path = os.fsdecode(args[0])
    if event == "open" and isinstance(args[2], int) and args[2] & os.O_NOFOLLOW:
        _opened.append(os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)))
    else:
        _opened.append(os.path.realpath(path))


@pytest.fixture(scope="module", autouse=True)
def audit() -> None:
    """An audit hook can never be taken away again, so there is one."""
    sys.addaudithook(_listen)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The real paths of everything that this process opens."""
    global _opened  # noqa: PLW0603
    _opened = []
    yield _opened
    _opened = None


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the repository, whose files have the names of tracked ones."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "page.md").write_text("# Canary\n\n[canary](canary.md)\n")
    (folder / "trueup.toml").write_text("[rules]\n'links/missing-file' = 'off'\n")
    return folder


def assert_nothing_was_read(outside: Path, opened: list[str]) -> None:
    assert opened, "the audit hook does not work"
    assert [path for path in opened if path.startswith(str(outside))] == []


def check_all_ways(repository: Repository) -> list[list[str]]:
    ways: tuple[list[str], ...] = (["--no-cache"], ["--staged"], ["--diff"], ["--history"], [])
    return [links(repository.root, *args).lines for args in ways]


def test_a_tracked_folder_that_is_a_symlink_on_the_disk(
    make_repository: Make, outside: Path, opened: list[str]
) -> None:
    repository = make_repository(
        {"a.md": "[1](docs/page.md#canary) [2](docs/deep/x.py#L9)\n", "docs/page.md": "# P\n", "docs/deep/x.py": "1\n"}
    )
    for path in ("docs/page.md", "docs/deep/x.py"):
        (repository.root / path).unlink()
    (repository.root / "docs/deep").rmdir()
    (repository.root / "docs").rmdir()
    repository.symlink("docs", str(outside))
    opened.clear()

    found = links(repository.root)

    assert found.lines == [
        "a.md:1:5 links/missing-file docs/page.md#canary",
        "a.md:1:30 links/missing-file docs/deep/x.py#L9",
    ]
    assert_nothing_was_read(outside, opened)
    with closing(open_view(str(repository.root))) as view:
        assert view.is_gone("docs/page.md")
        assert not view.lies_here("docs/page.md")
        assert view.signature("docs/page.md") is None
        with pytest.raises(Unreadable, match="a folder of its path is a symlink"):
            view.read("docs/page.md", 100)


def test_a_tracked_file_that_is_a_symlink_on_the_disk(make_repository: Make, outside: Path, opened: list[str]) -> None:
    repository = make_repository({"a.md": "[1](page.md#canary)\n", "page.md": "# P\n"})
    (repository.root / "page.md").unlink()
    repository.symlink("page.md", str(outside / "page.md"))
    opened.clear()
    assert links(repository.root).lines == ["page.md trueup/unreadable-file"]
    assert_nothing_was_read(outside, opened)


@pytest.mark.parametrize("target", ["/etc/passwd", "{outside}/page.md", "../outside/page.md", "..", "../outside"])
def test_a_tracked_symlink_out_of_the_repository(
    target: str, make_repository: Make, outside: Path, opened: list[str]
) -> None:
    repository = make_repository(
        {"a.md": "[1](page.md#canary) [2](page.md#L1) [3](dir/page.md) [4](dir/page.md#canary)\n"}
    )
    text = target.format(outside=outside)
    repository.symlink("page.md", text)
    repository.symlink("dir", os.path.dirname(text) if text.endswith(".md") else text)
    repository.add()
    opened.clear()

    every = check_all_ways(repository)

    rule = "symlinks/absolute" if text.startswith("/") else "symlinks/outside-repository"
    for lines in every:
        assert lines == every[0]
        assert [line for line in lines if " symlinks/" in line] == [
            f"dir {rule} {os.readlink(repository.root / 'dir')}",
            f"page.md {rule} {text}",
        ]
        assert all("canary.md" not in line for line in lines)
    assert_nothing_was_read(outside, opened)
    assert "/etc/passwd" not in opened


def test_a_named_pipe_in_place_of_a_file(make_repository: Make) -> None:
    """Opening one to read waits for a writer: for ever."""
    repository = make_repository({"a.md": "[1](b.md) [2](c.py#L3)\n", "b.md": "\n", "c.py": "1\n"})
    for path in ("b.md", "c.py"):
        (repository.root / path).unlink()
        os.mkfifo(repository.root / path)
    found = links(repository.root)
    assert found.lines == ["b.md trueup/unreadable-file"]
    assert found.findings[0]["message"] == "this file was not checked: it is not a regular file on the disk"


def test_a_folder_in_place_of_a_file(make_repository: Make) -> None:
    repository = make_repository({"a.md": "\n"})
    (repository.root / "a.md").unlink()
    (repository.root / "a.md").mkdir()
    assert links(repository.root).lines == ["a.md trueup/unreadable-file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(make_repository: Make) -> None:
    repository = make_repository({"a.md": "\n"})
    (repository.root / "a.md").chmod(0)
    assert links(repository.root).lines == ["a.md trueup/unreadable-file"]


def test_a_limit_of_size(make_repository: Make) -> None:
    repository = make_repository({"a.md": "x" * 50 + "\n", "b.md": "x" * 49 + "\n"})
    for args in ([], ["--staged"], ["--ref", "HEAD"]):
        config = repository.write("../limit.toml", "[links]\nmax-file-bytes = 50\n")
        found = links(repository.root, "--config", str(config), *args)
        assert found.lines == ["a.md trueup/file-too-large"]
        assert found.findings[0]["message"] == "this file was not checked: it has 51 bytes"


def test_blobs_after_one_that_is_too_large(make_repository: Make) -> None:
    """What is skipped must leave the pipe at the next answer."""
    repository = make_repository({"a.md": "a" * 3_000_000, "b.md": "b", "c.md": ""})
    with closing(open_view(str(repository.root), ref="HEAD")) as view:
        for _ in range(2):
            with pytest.raises(TooLarge) as refused:
                view.read("a.md", 1000)
            assert refused.value.size_bytes == 3_000_000
            assert view.read("b.md", 1) == b"b"
            assert view.read("c.md", 0) == b""


def test_a_sparse_checkout_is_read_from_its_blobs(make_repository: Make) -> None:
    repository = make_repository(
        {
            "README.md": "[1](docs/a.md#part) [2](docs/a.md#gone) [3](docs/p.md)\n",
            "docs/a.md": "# Part\n\n[x](gone.md)\n",
        }
    )
    repository.symlink("docs/p.md", "a.md")
    repository.commit()
    whole = links(repository.root)
    repository.git("sparse-checkout", "set", "--no-cone", "/README.md")
    assert not (repository.root / "docs").exists()
    assert whole.lines == [
        "README.md:1:25 links/missing-fragment docs/a.md#gone",
        "docs/a.md:3:5 links/missing-file gone.md",
        "docs/p.md:3:5 links/missing-file gone.md",
    ]
    assert links(repository.root).findings == whole.findings
    assert links(repository.root, "--no-cache").findings == whole.findings


def test_symlinks_as_text_files(make_repository: Make) -> None:
    """A checkout with core.symlinks=false: Git's mode tells what they are."""
    repository = make_repository(
        {"docs/page.md": "# Part\n\n[x](gone.md)\n", "a.md": "[1](page.md#part) [2](latest/page.md)\n"}
    )
    repository.symlink("page.md", "docs/page.md")
    repository.symlink("latest", "docs")
    repository.symlink("broken.md", "nowhere.md")
    repository.commit()
    with_symlinks = links(repository.root)
    repository.git("config", "core.symlinks", "false")
    for path in ("page.md", "latest", "broken.md"):
        (repository.root / path).unlink()
    repository.git("checkout", "--", ".")
    assert (repository.root / "page.md").read_text() == "docs/page.md"
    assert not (repository.root / "page.md").is_symlink()
    assert with_symlinks.lines == [
        "a.md:1:23 links/through-symlinked-directory latest/page.md",
        "broken.md symlinks/broken nowhere.md",
        "docs/page.md:3:5 links/missing-file gone.md",
        "page.md:3:5 links/missing-file gone.md",
    ]
    assert links(repository.root).findings == with_symlinks.findings
    assert links(repository.root, "--staged").findings == with_symlinks.findings


def test_a_blob_that_a_partial_clone_lacks(make_repository: Make, tmp_path: Path) -> None:
    source = make_repository({"a.md": "[x](gone.md)\n"})
    source.git("config", "uploadpack.allowFilter", "true")
    command = ["git", "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{source.root}", "clone"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = links(tmp_path / "clone", "--ref", "HEAD")
    assert found.lines == ["a.md trueup/unreadable-file"]
    assert found.findings[0]["message"] == (
        "this file was not checked: its blob is not in this clone (partial or damaged)"
    )


def test_lfs_pointers_are_neither_lines_nor_links(make_repository: Make) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    repository = make_repository({"a.md": "[1](data.csv#L999) [2](b.md#part)\n", "data.csv": pointer, "b.md": pointer})
    assert links(repository.root).lines == ["a.md:1:24 links/missing-fragment b.md#part"]


def test_a_file_that_is_not_utf8_is_checked_all_the_same(make_repository: Make) -> None:
    repository = make_repository({"a.md": b"# T\n\ncaf\xe9 [x](gone.md)\n\n[y](other.md) \xff\n"})
    found = links(repository.root)
    assert found.lines == [
        "a.md:3:4 trueup/unreadable-file",
        "a.md:3:10 links/missing-file gone.md",
        "a.md:5:5 links/missing-file other.md",
    ]
    assert found.findings[0]["message"] == "byte 0xe9 at offset 8 is not UTF-8"


def test_a_signature_proves_only_what_is_old_enough() -> None:
    now = 10_000_000_000
    assert is_settled("blob", now)
    assert not is_settled(None, now)
    assert is_settled((now - 2_000_000_001, now - 2_000_000_001, 5, 6), now)
    assert not is_settled((now - 2_000_000_000, now - 9_000_000_000, 5, 6), now), "the time of its bytes"
    assert not is_settled((now - 9_000_000_000, now - 2_000_000_000, 5, 6), now), "the time of its entry"


@pytest.mark.parametrize("path", ["a\0b", "a" * 5000, "docs/../../outside", "\udc80.md"])
def test_paths_that_no_disk_has(path: str, make_repository: Make) -> None:
    view = open_view(str(make_repository({"a.md": "\n"}).root))
    assert not view.lies_here(path)


def test_a_hostile_links_target_reaches_no_file(make_repository: Make, outside: Path, opened: list[str]) -> None:
    """Whatever a link says, only names inside the root are looked up."""
    targets = [
        "../outside/page.md#canary",
        "/../outside/page.md",
        f"{outside}/page.md",
        "%2e%2e/outside/page.md#canary",
        "a%00b.md",
        "a/" * 3000,
        f"file://{outside}/page.md",
        "..\\outside\\page.md",
    ]
    repository = make_repository({"a.md": "".join(f"[x](<{target}>)\n\n" for target in targets)})
    opened.clear()
    found = links(repository.root)
    assert_nothing_was_read(outside, opened)
    assert [finding["rule"] for finding in found.findings] == [
        "links/outside-repository",
        "links/outside-repository",
        "links/missing-file",
        "links/outside-repository",
        "links/missing-file",
        "links/missing-file",
        "links/malformed",
    ]
