"""What the checks see of a repository: tracked entries, and bytes that lie inside it.

Paths are relative to the root, with `/`, undecodable bytes as surrogate escapes. Nothing outside the
root is ever opened: neither a symlinked file nor a symlinked folder on the disk is followed.
"""

from __future__ import annotations

import enum
import functools
import os
import stat
import subprocess
from collections.abc import Callable, Iterable
from typing import IO, NamedTuple

from trueup.repo.git import Git

SYMLINK, SUBMODULE = "120000", "160000"
_MOST_SEARCHED_BYTES = 16 << 20
_LONGEST_PATH = 4096  # Linux' PATH_MAX, the longest of the systems we know
_ASK_AGAIN_NS = 2_000_000_000  # file times may be this coarse (FAT); what is younger can still change unseen


class Origin(enum.StrEnum):
    """Which bytes of a path are checked."""

    WORK_TREE = "work tree"
    INDEX = "index"
    COMMIT = "commit"
    FOLDER = "folder"  # no Git at all


class Entry(NamedTuple):
    """A tracked path: Git's mode (`100644`, `120000`, …), blob id, and the tag of `git ls-files -t` (`S`: sparse)."""

    mode: str
    blob: str
    tag: str


class Unreadable(Exception):
    """A tracked path has no bytes here; the text says why."""


class View:
    """One repository at one state. Made by `open_view`."""

    def __init__(
        self,
        *,
        root: str,
        origin: Origin,
        entries: dict[str, Entry],
        git: Git | None,
        git_dir: str | None,
        prefix: str = "",
        commit: str | None = None,
    ) -> None:
        self.root = root
        self.origin = origin
        self.entries = entries
        self.git = git
        self.git_dir = git_dir
        self.commit = commit  # its id, where a commit is checked
        self.prefix = prefix  # the folder in which trueup was started, "" or "docs/"
        # Untracked files named on the command line: sources, while as targets they stay untracked.
        self.named: dict[str, Entry] = {}
        self._folders: dict[str, bool] = {"": True}
        self._blobs = _Blobs(git) if git is not None else None

    @property
    def has_disk(self) -> bool:
        """Whether the bytes are those on the disk."""
        return self.origin in (Origin.WORK_TREE, Origin.FOLDER)

    @functools.cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a tracked path, and `""` for the root."""
        found = {""}
        for path in self.entries:
            folder = path.rpartition("/")[0]
            while folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(found)

    @functools.cached_property
    def submodules(self) -> tuple[str, ...]:
        """Paths of submodules."""
        return tuple(path for path, entry in self.entries.items() if entry.mode == SUBMODULE)

    @functools.cached_property
    def links(self) -> tuple[str, ...]:
        """Paths that Git tracks as symlinks."""
        return tuple(path for path, entry in self.entries.items() if entry.mode == SYMLINK)

    def entry(self, path: str) -> Entry | None:
        """The entry of a path that may be read: tracked, or named on the command line."""
        return self.entries.get(path) or self.named.get(path)

    def name(self, path: str) -> bool:
        """Takes an untracked regular file in; false when there is none at this path."""
        if not self.lies_here(path) or not stat.S_ISREG(os.lstat(self._absolute(path)).st_mode):
            return False
        self.named[path] = Entry("100644", "", "?")
        return True

    def signature(self, path: str) -> tuple[int, ...] | str | None:
        """Equal signatures prove equal bytes; `None` proves nothing (too young, or missing)."""
        entry = self._readable(path)
        if not self._on_disk(entry):
            return entry.blob
        try:
            if not self._is_real_folder(path.rpartition("/")[0]):
                return None
            status = os.lstat(self._absolute(path))
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)

    def read(self, path: str, limit_bytes: int) -> bytes:
        """The bytes of a regular file that has an `entry`; `Unreadable` when there are none, or more than the limit."""
        entry = self._readable(path)
        if not self._on_disk(entry):
            assert self._blobs is not None
            return self._blobs.read(entry.blob, limit_bytes)
        if not self._is_real_folder(path.rpartition("/")[0]):
            raise Unreadable("a folder of its path is a symlink or is missing on the disk")
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(self._absolute(path), flags)
        except OSError as error:
            raise Unreadable(f"it cannot be opened ({error.strerror})") from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("it is not a regular file on the disk")
            if status.st_size > limit_bytes:
                raise TooLarge(status.st_size)
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                return file.readall()
        except OSError as error:
            raise Unreadable(f"it cannot be read ({error.strerror})") from None
        finally:
            os.close(descriptor)

    def read_blob(self, blob: str, limit_bytes: int) -> bytes:
        """The bytes of a blob by its id; `Unreadable` when this clone lacks it, or it has more than the limit."""
        assert self._blobs is not None
        return self._blobs.read(blob, limit_bytes)

    def link_target(self, path: str) -> str | None:
        """The target text of a tracked symlink, or `None` when it is gone from the disk."""
        entry = self.entries[path]
        try:
            if not self._on_disk(entry):
                assert self._blobs is not None
                raw = self._blobs.read(entry.blob, 1 << 16)
            elif not self._is_real_folder(path.rpartition("/")[0]):
                return None
            else:
                absolute = self._absolute(path)
                try:
                    raw = os.fsencode(os.readlink(absolute))
                except OSError:
                    # core.symlinks=false: the file holds the target as text.
                    raw = self.read(path, 1 << 16)
        except (Unreadable, OSError, ValueError):
            return None
        return raw.decode("utf-8", "surrogateescape")

    def lies_here(self, path: str) -> bool:
        """Whether something lies at this path on the disk, inside the root, tracked or not."""
        # No system opens a longer path: a link may hold megabytes.
        if not self.has_disk or "\0" in path or len(path) > _LONGEST_PATH:
            return False
        try:
            return self._is_real_folder(path.rpartition("/")[0]) and os.path.lexists(self._absolute(path))
        except (OSError, ValueError):
            return False

    def is_gone(self, path: str) -> bool:
        """Whether a tracked path was deleted from the work tree (and the deletion not staged)."""
        entry = self.entries.get(path)
        return entry is not None and self._on_disk(entry) and entry.mode != SUBMODULE and not self.lies_here(path)

    def start_search(
        self, words: Iterable[str], endings: Iterable[str], *, on_disk: bool = False
    ) -> Callable[[], list[str]]:
        """Starts looking for the tracked files with one of these endings whose bytes hold one of the words.

        An ending may hold `*`: `dockerfile*`. `on_disk` reads the work tree where the index is checked, which is
        faster; whoever asks so looks after the files that differ.
        The answer waits for the end. Symlinks are left out; what cannot be read holds nothing.
        """
        suffixes = tuple(endings)
        plain = tuple(ending for ending in suffixes if "*" not in ending)
        if len(plain) == len(suffixes) and not any(path.lower().endswith(plain) for path in self.entries):
            return list
        if self.git is None:
            return lambda: self._search_folder(tuple(word.encode() for word in words), suffixes)
        patterns = [argument for word in words for argument in ("-e", word)]
        which = (
            ["--cached"]
            if self.origin is Origin.INDEX and not on_disk
            else [self.commit]
            if self.commit is not None
            else []
        )
        specs = [f":(top,icase)*{suffix}" for suffix in suffixes]
        pending = self.git.start("grep", "-l", "-z", "-F", "--full-name", *patterns, *which, "--", *specs)

        def found() -> list[str]:
            paths = pending.answer().out.decode("utf-8", "surrogateescape").split("\0")[:-1]
            start = len(self.commit) + 1 if self.commit is not None else 0
            return [path[start:] for path in paths if path[start:] in self.entries]

        return found

    def _search_folder(self, words: tuple[bytes, ...], suffixes: tuple[str, ...]) -> list[str]:
        found = []
        for path, entry in self.entries.items():
            if entry.mode != SYMLINK and path.lower().endswith(suffixes):
                try:
                    data = self.read(path, _MOST_SEARCHED_BYTES)
                except Unreadable:
                    continue
                if any(word in data for word in words):
                    found.append(path)
        return found

    def close(self) -> None:
        """Ends the helper processes."""
        if self._blobs is not None:
            self._blobs.close()

    def _readable(self, path: str) -> Entry:
        entry = self.entry(path)
        if entry is None:
            raise KeyError(path)
        return entry

    def _on_disk(self, entry: Entry) -> bool:
        return self.has_disk and entry.tag != "S"

    def _absolute(self, path: str) -> str:
        return os.fsdecode(os.fsencode(self.root) + b"/" + path.encode("utf-8", "surrogateescape"))

    def _is_real_folder(self, folder: str) -> bool:
        known = self._folders.get(folder)
        if known is None:
            # From the root inwards, since a path may have thousands of folders.
            known, end = True, 0
            while known and end < len(folder):
                end = folder.find("/", end + 1)
                end = len(folder) if end < 0 else end
                known = self._is_real_step(folder[:end])
            self._folders[folder] = known
        return known

    def _is_real_step(self, folder: str) -> bool:
        known = self._folders.get(folder)
        if known is None:
            try:
                known = stat.S_ISDIR(os.lstat(self._absolute(folder)).st_mode)
            except (OSError, ValueError):
                known = False
            self._folders[folder] = known
        return known


class TooLarge(Unreadable):
    """A file is larger than the limit."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"it has {size_bytes} bytes")
        self.size_bytes = size_bytes


class _Blobs:
    """Blobs by id through one `git cat-file --batch`, started at the first question. No filters run."""

    def __init__(self, git: Git) -> None:
        self._git = git
        # By process: a forked child must not talk over its parent's pipe.
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        here = os.getpid()
        if here not in self._processes:
            self._processes[here] = self._git.open("cat-file", "--batch", feed=True)
        return self._processes[here]

    def read(self, blob: str, limit_bytes: int) -> bytes:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(blob.encode() + b"\n")
        process.stdin.flush()
        header = process.stdout.readline().split()
        if len(header) != 3:
            raise Unreadable("its blob is not in this clone (partial or damaged)")
        size = int(header[2])
        data = process.stdout.read(size) if size <= limit_bytes else self._skip(process.stdout, size)
        process.stdout.read(1)
        if data is None:
            raise TooLarge(size)
        return data

    @staticmethod
    def _skip(stream: IO[bytes], size: int) -> None:
        while size > 0:
            size -= len(stream.read(min(size, 1 << 20)))

    def close(self) -> None:
        process = self._processes.pop(os.getpid(), None)
        if process is not None:
            for stream in (process.stdin, process.stdout, process.stderr):
                assert stream is not None
                stream.close()
            process.wait()


def is_settled(signature: tuple[int, ...] | str | None, now_ns: int) -> bool:
    """Whether a signature taken at `now_ns` will change if the bytes change later."""
    if signature is None or isinstance(signature, str):
        return signature is not None
    return max(signature[0], signature[1]) + _ASK_AGAIN_NS < now_ns
