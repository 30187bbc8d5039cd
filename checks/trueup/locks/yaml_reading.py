"""YAML as lock files use it: mappings, sequences and texts. No tag makes an object, no alias is multiplied."""

from __future__ import annotations

import re
from typing import Any

import yaml

from trueup.locks.files import LARGEST_YAML_BYTES, Files, merge_markers, place_at
from trueup.locks.report import Place

DEEPEST = 30
_TOP = re.compile(r"^(?:([A-Za-z_][\w-]*)|\"([^\"\n]*)\"|'([^'\n]*)')[ \t]*:", re.MULTILINE)


class _Refused(Exception):
    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.message, self.mark = message, mark


def text_of(path: str, files: Files) -> str | None:
    """The text of a YAML file without the markers of a merge, which are told."""
    text = files.text(path, LARGEST_YAML_BYTES)
    return None if text is None or merge_markers(files.report, path, text) else text


def sections(text: str) -> dict[str, tuple[int, int]]:
    """The parts of a file below its top-level keys, as offsets: a lock is large, and few of them are needed."""
    starts = [(next(filter(None, found.groups()), ""), found.start()) for found in _TOP.finditer(text)]
    ends = [*(start for _, start in starts), len(text)][1:]
    return {name: (start, end) for (name, start), end in zip(starts, ends, strict=True)}


def read(path: str, text: str, files: Files, part: tuple[int, int] | None = None) -> dict[str, Any] | None:
    """A mapping, every scalar as the text that is written; `None` where it is none or does not parse, which is told.

    `part` is a stretch of whole lines.
    """
    start, end = part if part is not None else (0, len(text))
    try:
        found = _build(text[start:end])
    except _Refused as error:
        _tell(path, text, start, error.mark, error.message, files)
        return None
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or "it cannot be read"
        _tell(path, text, start, getattr(error, "problem_mark", None), f"not YAML: {problem}", files)
        return None
    return found if isinstance(found, dict) else {}


def _tell(path: str, text: str, start: int, mark: Any, message: str, files: Files) -> None:
    place = Place(path)
    if mark is not None:
        place = Place(path, text.count("\n", 0, start) + mark.line + 1, mark.column + 1)
    files.not_parsable(place, message)


def _build(text: str) -> Any:
    """From the parser's events, since composing nodes would follow aliases."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    stack: list[tuple[Any, list[str]]] = []
    root: Any = None

    def put(value: Any, mark: Any) -> None:
        nonlocal root
        if not stack:
            root = value if root is None else root
            return
        holder, keys = stack[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif keys:
            holder[keys.pop()] = value
        elif isinstance(value, str):
            keys.append(value)
        else:
            raise _Refused("a key that is no text: no tool writes such a lock", mark)

    for event in yaml.parse(text, Loader=loader):
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(f"an alias (*{event.anchor}): no tool writes one into a lock", mark)
        if isinstance(event, yaml.ScalarEvent):
            put(event.value, mark)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(stack) >= DEEPEST:
                raise _Refused(f"nested more than {DEEPEST} levels deep", mark)
            holder: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            put(holder, mark)
            stack.append((holder, []))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            stack.pop()
    return root


def line_of(path: str, text: str, *patterns: str) -> Place:
    """The place of the last of these line patterns, each searched behind the one before."""
    at, found = 0, None
    for pattern in patterns:
        match = re.compile(pattern, re.MULTILINE).search(text, at)
        if match is None:
            break
        found, at = match.start(), match.end()
    if found is None:
        return Place(path)
    start = found + len(text[found:]) - len(text[found:].lstrip(" "))
    return place_at(path, text, start)
