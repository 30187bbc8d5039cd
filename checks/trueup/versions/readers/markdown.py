"""Fenced code blocks of Markdown: commands, Dockerfiles, manifests that readers copy.

A block that its own text, its info string or the line before it marks as old is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trueup.versions.model import Unreadable
from trueup.versions.readers import commands, docker
from trueup.versions.readers.requirement import read_requirement
from trueup.versions.readers.sink import Sink, may_hold_pins
from trueup.versions.readers.yaml_files import read_yaml

_MARK = re.compile(r"```|~~~")
_FENCE = re.compile(
    r"(?P<indent>[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?)(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)$", re.MULTILINE
)
_OLD = re.compile(
    r"\b(?:old|older|previous(?:ly)?|legacy|before|former(?:ly)?|deprecated|obsolete|historical|outdated|earlier|"
    r"example output|output|prior|migrat\w+|upgrad\w+ from|used to)\b",
    re.IGNORECASE,
)
_SHELL = frozenset(
    ("", "sh", "bash", "shell", "console", "shell-session", "zsh", "terminal", "text", "txt", "makefile")
)


class Block(NamedTuple):
    """What stands between two fences; `between` are the texts before it that are not code, as offsets."""

    language: str
    info: str
    start: int
    end: int
    between: list[tuple[int, int]]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks, in order."""
    position = 0
    between: list[tuple[int, int]] = []
    while (mark := _MARK.search(text, position)) is not None:
        line = text.rfind("\n", 0, mark.start()) + 1
        opening = _FENCE.match(text, line) if line >= position else None
        if opening is None:
            stop = text.find("\n", mark.end())
            position = len(text) if stop < 0 else stop
            continue
        between.append((position, opening.start()))
        start = min(opening.end() + 1, len(text))
        fence = opening["fence"]
        end, position = _closing(text, start, fence)
        info = opening["info"].strip().lower()
        words = re.split(r"[\s,{]", info, maxsplit=1)
        yield Block(words[0].strip("{}.`"), info, start, end, between)


def _closing(text: str, start: int, fence: str) -> tuple[int, int]:
    """Where a block's content ends, and where its closing fence does."""
    at = start
    while (at := text.find(fence, at)) >= 0:
        line = text.rfind("\n", 0, at) + 1
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        if not text[line:at].strip(" \t>") and not text[at:stop].strip().strip(fence[0]):
            return line, stop
        at = stop
    return len(text), len(text)


def _is_old(text: str, block: Block) -> bool:
    """Whether the info string, the line before a block or its heading calls it old."""
    start, end = block.between[-1]
    before = [line for line in text[max(start, end - 600) : end].splitlines() if line.strip()]
    if _OLD.search(block.info) or (before and _OLD.search(before[-1])):
        return True
    for first, last in reversed(block.between):
        headings = re.findall(r"^#{1,6}[ \t]+(.*)$", text[first:last], re.MULTILINE)
        if headings:
            return _OLD.search(headings[-1]) is not None
    return False


def read_markdown(sink: Sink) -> None:
    """Adds the pins of the code blocks."""
    for block in blocks(sink.text):
        if not may_hold_pins(sink.text, block.start, block.end) or _is_old(sink.text, block):
            continue
        sink.variables.clear()  # each block is a text of its own
        if block.language in ("dockerfile", "docker", "containerfile"):
            docker.read(sink, block.start, block.end)
        elif block.language in ("yaml", "yml"):
            try:
                read_yaml(sink, "", block.start, block.end)
            except Unreadable:
                continue
        elif block.language in ("requirements", "toml", "requirements.txt"):
            for found in re.finditer(
                r"[ \t\"']*([^\s\"'#][^\n\r\"']*==[^\n\r\"']*)", sink.text[block.start : block.end]
            ):
                read_requirement(sink, found[1], block.start + found.start(1), "code")
        elif block.language in _SHELL:
            commands.scan(sink, block.start, block.end, "code")
