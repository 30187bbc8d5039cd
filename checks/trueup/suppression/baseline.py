"""The baseline: findings that were there when somebody began to check, one line each.

Entries are sorted and hold no line numbers, so the file changes only where findings come and go,
and two branches that mend different findings merge without a conflict.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from trueup.errors import ConfigError
from trueup.findings import Finding

VERSION = 1
MAX_BYTES = 64 << 20
_NEVER = "trueup/unused-suppression"
_FINGERPRINT = re.compile(r'"fingerprint"\s*:\s*"([0-9a-f]{32})"')


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One finding. The fingerprint follows from the rest; it is there to be compared with SARIF."""

    fingerprint: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    rule: str
    path: str
    target: str
    ordinal: Annotated[int, Meta(ge=1)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    findings: list[Entry]


class Baseline(msgspec.Struct, frozen=True):
    """A baseline that was read. `path` is from the repository's root; `lines` say where each fingerprint stands."""

    path: str
    entries: dict[str, Entry]
    lines: dict[str, int]


def read_baseline(place: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None) -> Baseline:
    """The baseline in this file. Raises `ConfigError` where it is missing or is no baseline.

    With `root`, a file in that folder is named by its path from there, and no symlink may lead it out.
    """
    path = _name(place, root)
    text = _text(os.fspath(place), path)
    import json

    try:
        # Not msgspec's decoder: it refuses the lone surrogates that stand for bytes of a path.
        value = json.loads(text)
        if isinstance(value, dict) and value.get("version") != VERSION:
            raise ConfigError(f"{path}: its version is {value.get('version')!r}; this trueup reads {VERSION}")
        file = msgspec.convert(value, _File)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}:{error.colno}: it is not JSON: {error.msg}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: it is not a baseline: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: it is nested too deeply") from None
    lines = {
        found[1]: number for number, line in enumerate(text.split("\n"), 1) if (found := _FINGERPRINT.search(line))
    }
    for entry in file.findings:
        if _fingerprint(entry) != entry.fingerprint:
            raise ConfigError(
                f"{path}:{lines.get(entry.fingerprint, 1)}: the fingerprint does not belong to the rest of the entry",
                hint="write the baseline anew instead of editing it",
            )
    return Baseline(path, {entry.fingerprint: entry for entry in file.findings}, lines)


def write_baseline(
    place: str | os.PathLike[str], findings: Iterable[Finding], *, root: str | os.PathLike[str] | None = None
) -> int:
    """Writes a baseline of these findings and answers with their number. Raises `ConfigError`.

    Suppressions without use are left out: one removes them.
    """
    import json

    path = _name(place, root)
    entries = {
        finding.fingerprint: Entry(finding.fingerprint, finding.rule, finding.path, finding.target, finding.ordinal)
        for finding in findings
        if finding.rule != _NEVER
    }
    ordered = sorted(entries.values(), key=lambda entry: (entry.path, entry.rule, entry.target, entry.ordinal))
    lines = ",\n".join("  " + json.dumps(msgspec.structs.asdict(entry)) for entry in ordered)
    content = f'{{\n "version": {VERSION},\n "findings": [{chr(10) + lines + chr(10) + " " if lines else ""}]\n}}\n'
    unfinished = f"{os.fspath(place)}.{os.getpid()}.tmp"
    try:
        with open(unfinished, "x", encoding="ascii", newline="\n") as file:
            file.write(content)
        os.replace(unfinished, place)
    except OSError as error:
        raise ConfigError(f"{path}: it cannot be written: {error.strerror}") from error
    return len(ordered)


def _fingerprint(entry: Entry) -> str:
    from trueup.findings import Severity

    finding = Finding(
        rule=entry.rule,
        severity=Severity.ERROR,
        path=entry.path,
        message="",
        reason="",
        target=entry.target,
        ordinal=entry.ordinal,
    )
    return finding.fingerprint


def _name(place: str | os.PathLike[str], root: str | os.PathLike[str] | None) -> str:
    """How messages and findings call the file."""
    if root is not None:
        absolute, top = os.path.abspath(place), os.path.abspath(root)
        if _is_beneath(absolute, top):
            path = os.path.relpath(absolute, top).replace(os.sep, "/")
            if not _is_beneath(os.path.realpath(absolute), os.path.realpath(top)):
                raise ConfigError(f"{path}: a symlink leads the baseline out of the repository")
            return path
    return os.fspath(place)


def _is_beneath(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _text(place: str, path: str) -> str:
    try:
        if not os.path.isfile(place) and os.path.exists(place):
            raise ConfigError(f"{path}: the baseline is not a regular file")
        with open(place, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: the baseline does not exist") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: the baseline cannot be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: the baseline is larger than {MAX_BYTES} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the baseline is not UTF-8 (byte {error.start})") from None
