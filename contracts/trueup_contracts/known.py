"""Known failures: what an implementer has decided to live with, each with its reason.

```toml
[[known]]
requirement = "RC-012"
label = "router"        # left out: every implementation
reason = "rounds instead of truncating; mended in 2.1"
issue = "https://…"     # may be left out
```
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from trueup_contracts.errors import TargetError

_KEYS = {"requirement", "label", "reason", "issue"}


@dataclass(frozen=True)
class Known:
    """One entry."""

    requirement: str
    label: str | None
    reason: str
    issue: str | None


def read(path: Path, requirement_ids: Collection[str], labels: Collection[str]) -> list[Known]:
    """The entries of a file. `TargetError` for what cannot be read, and for what does not exist."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"{path}: the known failures cannot be read: {error}") from error
    entries = table.get("known", [])
    if set(table) - {"known"} or not isinstance(entries, list):
        raise TargetError(f"{path}: only tables [[known]] belong there")
    return [_entry(path, number, entry, requirement_ids, labels) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: object, ids: Collection[str], labels: Collection[str]) -> Known:
    from trueup.rules import nearest_hint

    where = f"{path}: entry {number}"
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise TargetError(f"{where} is no table of strings")
    if set(entry) - _KEYS:
        unknown = sorted(set(entry) - _KEYS)[0]
        raise TargetError(f"{where} has the unknown key {unknown!r}", nearest_hint(unknown, sorted(_KEYS)))
    if not entry.get("reason", "").strip():
        raise TargetError(f"{where} gives no reason")
    if entry.get("requirement") not in ids:
        named = entry.get("requirement", "")
        raise TargetError(f"{where}: there is no requirement {named!r}", nearest_hint(named, sorted(ids)))
    if "label" in entry and entry["label"] not in labels:
        hint = nearest_hint(entry["label"], sorted(labels))
        raise TargetError(f"{where}: no implementation has the label {entry['label']!r}", hint)
    return Known(entry["requirement"], entry.get("label"), entry["reason"], entry.get("issue"))


def find(entries: Collection[Known], requirement_id: str, label: str) -> Known | None:
    """The entry for a requirement of an implementation."""
    for entry in entries:
        if entry.requirement == requirement_id and entry.label in (None, label):
            return entry
    return None
