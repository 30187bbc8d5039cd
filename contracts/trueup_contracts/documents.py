"""A run's document: read and held against its schema, and shown as a matrix or a badge."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from trueup.errors import UsageError

FORMATS = ("json", "markdown", "badge")
SCHEMA_VERSION = 1
SCHEMA = Path(__file__).with_name("report.schema.json")
Document: TypeAlias = dict[str, Any]
_BAD = ("error", "fail", "unexpected-pass")
_NO_VERDICT = ("not-claimed", "untestable", "deselected", "not-run")
_CHARACTER_PX = 6.6  # of the mean character of the badge's font, at 11 px


def read(path: Path) -> Document:
    """The JSON report in a file; a `UsageError` names the place of what is wrong in it."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    try:
        found: Document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: it is no JSON: {error}") from error
    wrong = best_match(Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).iter_errors(found))
    if wrong is not None:
        where = "".join(f"/{part}" for part in wrong.absolute_path)
        hint = "merge takes what `--contracts-report json=FILE` has written"
        raise UsageError(f"{path}: it is no report: {wrong.message[:300]}{f' at {where}' if where else ''}", hint=hint)
    return found


def matrix(documents: Sequence[Document]) -> str:
    """A Markdown table for each suite: requirements by implementations, those that nobody knows any more included."""
    found = [one for document in documents for one in document["implementations"]]
    parts = []
    for name in dict.fromkeys(one["suite"] for one in found):
        chosen = [one for one in found if one["suite"] == name]
        parts += _suite_table(name, chosen)
    return "\n".join(parts)


def _suite_table(name: str, chosen: Sequence[dict[str, Any]]) -> list[str]:
    editions = dict.fromkeys(one["edition"] for one in chosen)
    labels = _told_apart(chosen, several_editions=len(editions) > 1)
    lines = [f"## {name} {', '.join(editions)}", "", f"| | level | statement | {' | '.join(map(_cell, labels))} |"]
    lines.append("| --- " * (3 + len(chosen)) + "|")
    requirements: dict[str, dict[str, Any]] = {}
    for one in chosen:
        requirements |= one["requirements"]
    for identity, told in sorted(requirements.items()):
        states = [_state(one["requirements"].get(identity)) for one in chosen]
        lines.append(f"| {_cell(identity)} | {told['level']} | {_cell(told['statement'])} | {' | '.join(states)} |")
    for level in ("MUST", "SHOULD"):
        shares = [_share(one, level) for one in chosen]
        lines.append(f"| | {level} | *met of those asked* | {' | '.join(shares)} |")
    return [*lines, ""]


def _told_apart(chosen: Sequence[dict[str, Any]], *, several_editions: bool) -> list[str]:
    """Labels that differ: with the edition where there are several, numbered where that is not enough."""
    labels = [f"{one['label']} ({one['edition']})" if several_editions else one["label"] for one in chosen]
    seen: Counter[str] = Counter()
    told = []
    for label in labels:
        seen[label] += 1
        told.append(label if labels.count(label) == 1 else f"{label} #{seen[label]}")
    return told


def _state(told: dict[str, Any] | None) -> str:
    if told is None:
        return "not asked"
    state: str = told["state"]
    return f"**{state}**" if state in _BAD else state


def _share(implementation: dict[str, Any], level: str) -> str:
    states = [
        one["state"]
        for one in implementation["requirements"].values()
        if one["level"] == level and not one["provisional"] and one["state"] not in _NO_VERDICT
    ]
    return f"{states.count('pass')}/{len(states)}"


def badge(document: Document) -> str:
    """An SVG badge of the MUSTs: green only where everything that is claimed was run and passed."""
    found = document["implementations"]
    judged = [
        one["state"]
        for implementation in found
        for one in implementation["requirements"].values()
        if one["level"] == "MUST" and not one["provisional"]
    ]
    name = ", ".join(dict.fromkeys(f"{one['suite']} {one['edition']}" for one in found)) or "contracts"
    asked = [state for state in judged if state not in _NO_VERDICT]
    share = f"{asked.count('pass')}/{len(asked)} MUST"
    if any(state in _BAD for state in judged):
        return _svg(name, share, "#c0392b")
    if not asked or any(one["partial"] for one in found):
        return _svg(name, f"partial {share}", "#8a8a8a")
    return _svg(name, share, "#2e8b57" if asked.count("pass") == len(asked) else "#b8860b")


def _svg(name: str, value: str, colour: str) -> str:
    left, right = (round(len(text) * _CHARACTER_PX) + 12 for text in (name, value))
    name, value = html.escape(name), html.escape(value)
    style = 'fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{name}: {value}"><title>{name}: {value}</title>'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        f'<g {style}><text x="{left / 2}" y="14" textLength="{left - 12}">{name}</text>'
        f'<text x="{left + right / 2}" y="14" textLength="{right - 12}">{value}</text></g></svg>\n'
    )


def _cell(text: str) -> str:
    from trueup.reports.escape import visible

    return visible(text).replace("|", "\\|")
