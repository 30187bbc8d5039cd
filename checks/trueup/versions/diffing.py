"""Which files a change touches, asked of Git without letting it run what the repository names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from trueup.repo import Git, Origin, View

_REGULAR = ("100644", "100755")
_STATUS = re.compile(
    r"([^\0]+)\0  ctime: \d+:\d+\n  mtime: (\d+):(\d+)\n  dev: [^\n]*\n  uid: [^\n]*\n  size: (\d+)\tflags: \w+\n"
)


class Changed(NamedTuple):
    """A file that exists before and after the change."""

    path: str
    old_blob: str


def changed_files(view: View, git: Git, base: str, wanted: Callable[[str], bool]) -> list[Changed]:
    """Files that the view has otherwise than the commit `base`; added and deleted ones have nothing to compare."""
    options = ("--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv")
    if view.origin is Origin.COMMIT:
        assert view.commit is not None
        raw = git.out("diff-tree", "-r", *options, base, view.commit, "--")
    else:
        raw = git.out("diff-index", "--cached", *options, base, "--")
    fields = raw.decode("utf-8", "surrogateescape").split("\0")
    found: dict[str, Changed | None] = {}
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_blob, _, _ = head.removeprefix(":").split(" ")
        is_both = old_mode in _REGULAR and new_mode in _REGULAR
        found[path] = Changed(path, old_blob) if is_both and wanted(path) else None
    if view.has_disk:
        for path in unlike_index(view, git, wanted):
            found.setdefault(path, Changed(path, view.entries[path].blob))
    return [one for one in found.values() if one is not None]


def unlike_index(view: View, git: Git, wanted: Callable[[str], bool]) -> list[str]:
    """Files whose time or size on the disk is not what the index remembers, and those that are not there.

    Git itself could tell, but to be sure of the bytes it would run the filters that the repository names.
    """
    listing = git.out("ls-files", "--debug", "-z", "--full-name", "--", ":/").decode("utf-8", "surrogateescape")
    try:
        written_ns = os.stat(os.path.join(view.git_dir or "", "index")).st_mtime_ns
    except OSError:
        written_ns = 0
    found = []
    for path, seconds, nanoseconds, size in _STATUS.findall(listing):
        entry = view.entries.get(path)
        if entry is None or entry.mode not in _REGULAR or not wanted(path):
            continue
        try:
            status = os.lstat(os.fsencode(view.root) + b"/" + path.encode("utf-8", "surrogateescape"))
        except OSError:
            found.append(path)
            continue
        remembered_ns = int(seconds) * 10**9 + int(nanoseconds)
        same_time = status.st_mtime_ns == remembered_ns or (
            nanoseconds == "0" and status.st_mtime_ns // 10**9 == int(seconds)
        )
        # What was written together with the index may have been written once more since.
        if not same_time or status.st_size != int(size) or status.st_mtime_ns >= written_ns:
            found.append(path)
    return found
