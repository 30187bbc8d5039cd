"""YAML from a checked repository as plain values, with the line of every key.

Events are read one by one: no tag makes an object, an alias is refused (ten lines of them unfold to gigabytes),
and depth is bounded. `1.10` stays the text that it is: versions are no numbers.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

DEEPEST = 20
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class NotYaml(Exception):
    """The text cannot be read; `line` is 1-based."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Read(NamedTuple):
    """One document: its value, and the line of every key and item by its path."""

    value: Any
    lines: dict[tuple[str | int, ...], int]


class _Open(NamedTuple):
    """A mapping or sequence whose end has not come."""

    value: dict[str, Any] | list[Any]
    path: tuple[str | int, ...]


def read_yaml(text: str) -> Read:
    """The only document of a text. Raises `NotYaml`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lines: dict[tuple[str | int, ...], int] = {}
    opened: list[_Open] = []
    key: str | None = None
    root: Any = None
    documents = 0
    try:
        event: Any
        for event in yaml.parse(text, Loader=loader):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise NotYaml("a second document begins here", line)
            if isinstance(event, yaml.AliasEvent):
                raise NotYaml("an alias (*name) is not allowed here: write the value out", line)
            if isinstance(event, yaml.CollectionEndEvent):
                opened.pop()
            if not isinstance(event, yaml.NodeEvent):
                continue
            tag = getattr(event, "tag", None)
            if tag not in (None, "!"):
                raise NotYaml(f"the tag {tag} is not allowed here", line)
            holder = opened[-1] if opened else None
            if holder is not None and isinstance(holder.value, dict) and key is None:
                key = _key(event, holder, line)
                lines[(*holder.path, key)] = line
                continue
            value: Any = _scalar(event) if isinstance(event, yaml.ScalarEvent) else None
            if isinstance(event, yaml.MappingStartEvent):
                value = {}
            elif isinstance(event, yaml.SequenceStartEvent):
                value = []
            path: tuple[str | int, ...] = ()
            if holder is None:
                root = value
            elif isinstance(holder.value, dict):
                assert key is not None
                path = (*holder.path, key)
                holder.value[key] = value
                key = None
            else:
                path = (*holder.path, len(holder.value))
                holder.value.append(value)
                lines[path] = line
            if isinstance(value, (dict, list)):
                opened.append(_Open(value, path))
                if len(opened) > DEEPEST:
                    raise NotYaml(f"it is nested more than {DEEPEST} levels deep", line)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0] or "it is nested too deeply"
        raise NotYaml(str(problem), mark.line + 1 if mark is not None else 1) from None
    return Read(root, lines)


def _key(event: Any, holder: _Open, line: int) -> str:
    if not isinstance(event, yaml.ScalarEvent):
        raise NotYaml("a key must be a text", line)
    key = str(event.value)
    if key in holder.value:
        raise NotYaml(f"the key {key!r} stands here a second time", line)
    return key


def _scalar(event: Any) -> Any:
    text = str(event.value)
    if event.style or not event.implicit[0]:  # the C loader says "" for a plain scalar
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return int(text) if _INT.fullmatch(text) else text
