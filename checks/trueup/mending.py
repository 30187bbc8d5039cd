"""`--fix` and `--diff`: writes the answer where there is exactly one.

Only the bytes of a target are ever changed, and only while the file still reads as it did when it was
checked; the file keeps its mode, and is replaced as a whole or not at all.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from trueup.findings import Edit, Finding, Note, RunResult
from trueup.repo import Unreadable, View

_MOST_BYTES = 1 << 30
_UNPLAIN = re.compile('[\x00-\x1f"\\\\\x7f\ud800-\udfff]')


class Written(NamedTuple):
    """The findings whose edits were written, by path and place, and the files that could not be, with the reason."""

    done: list[Finding]
    failed: list[tuple[str, str]]


def write(view: View, findings: Iterable[Finding]) -> Written:
    """Writes every edit that still fits its file."""
    written = Written([], [])
    for path, with_edits in _by_path(findings).items():
        before, after, done = _edited(view, path, with_edits)
        if after == before:
            continue
        try:
            _replace(view, path, after)
        except OSError as error:
            written.failed.append((path, error.strerror or str(error)))
            continue
        written.done.extend(sorted(done, key=_start))
    return written


def mend(view: View, result: RunResult) -> RunResult:
    """Writes every edit; the result without the findings that are mended."""
    written = write(view, result.findings)
    notes = [*result.notes, *(Note("trueup", f"not mended: {reason}", path) for path, reason in written.failed)]
    if written.done:
        notes.append(Note("trueup", f"mended: {len(written.done)} findings"))
    mended = {id(finding) for finding in written.done}
    kept = [finding for finding in result.findings if id(finding) not in mended]
    return msgspec.structs.replace(result, findings=kept, notes=notes)


def diff(view: View, findings: list[Finding]) -> bytes:
    """What `mend` would write, as a unified diff that `git apply` takes."""
    import difflib

    pieces: list[str] = []
    for path, with_edits in _by_path(findings).items():
        before, after, _ = _edited(view, path, with_edits)
        lines = difflib.unified_diff(_lines(before), _lines(after), _quoted(f"a/{path}"), _quoted(f"b/{path}"))
        for line in lines:
            pieces.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(pieces).encode("utf-8", "surrogateescape")


def _lines(data: bytes) -> list[str]:
    """Lines that end in LF only: a CR belongs to its line, as `git apply` has it."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _quoted(path: str) -> str:
    """A path as Git writes it in a patch: in quotes, with octal escapes, where a plain one would be misread."""
    if _UNPLAIN.search(path) is None:
        return path
    raw = path.encode("utf-8", "surrogateescape")
    return (
        '"' + "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}" for byte in raw) + '"'
    )


def _by_path(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    paths: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.edit is not None:
            paths.setdefault(finding.path, []).append(finding)
    return paths


def _edited(view: View, path: str, findings: list[Finding]) -> tuple[bytes, bytes, list[Finding]]:
    """The bytes before and after, and the findings whose edit fitted."""
    if not view.lies_here(path):
        return b"", b"", []  # a sparse checkout left it out: its bytes were Git's
    try:
        before = view.read(path, _MOST_BYTES)
    except Unreadable:
        return b"", b"", []
    after = bytearray(before)
    done: list[Finding] = []
    lowest = len(before)
    for finding in sorted(findings, key=_start, reverse=True):
        edit = finding.edit
        assert edit is not None
        # Two edits of one place (a target with two faults), or a file that changed since: left alone.
        if edit.end_byte > lowest or before[edit.start_byte : edit.end_byte] != edit.expected:
            continue
        after[edit.start_byte : edit.end_byte] = edit.replacement
        lowest = edit.start_byte
        done.append(finding)
    return before, bytes(after), done


def _start(finding: Finding) -> int:
    edit: Edit | None = finding.edit
    return edit.start_byte if edit is not None else 0


def _replace(view: View, path: str, data: bytes) -> None:
    absolute = os.path.join(view.root, path)
    mode = stat.S_IMODE(os.lstat(absolute).st_mode)
    beside = f"{absolute}.trueup-{os.getpid()}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        os.chmod(beside, mode)
        os.replace(beside, absolute)
    except OSError:
        os.unlink(beside)
        raise
