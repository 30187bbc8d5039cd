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
from trueup.versions.readers.sink import Sink
from trueup.versions.readers.yaml_files import read_yaml

_FENCE = re.compile(
    r"^(?P<indent>[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?)(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)$", re.MULTILINE
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
    """What stands between two fences."""

    language: str
    start: int
    end: int
    heading: str
    before: str  # the last line with words before the block


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks, in order."""
    position = 0
    heading = ""
    while (opening := _FENCE.search(text, position)) is not None:
        between = text[position : opening.start()]
        headings = re.findall(r"^#{1,6}[ \t]+(.*)$", between, re.MULTILINE)
        heading = headings[-1] if headings else heading
        lines = [line for line in between[-600:].splitlines() if line.strip()]
        start = min(opening.end() + 1, len(text))
        mark = opening["fence"]
        closing = re.compile(rf"^[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*\r?$", re.MULTILINE).search(
            text, start
        )
        end = closing.start() if closing is not None else len(text)
        info = opening["info"].strip().lower()
        words = re.split(r"[\s,{]", info, maxsplit=1)
        yield Block(
            words[0].strip("{}.`") if words else "", start, end, heading, f"{info} {lines[-1] if lines else ''}"
        )
        position = closing.end() if closing is not None else len(text)


def read_markdown(sink: Sink) -> None:
    """Adds the pins of the code blocks."""
    for block in blocks(sink.text):
        if _OLD.search(block.heading) or _OLD.search(block.before):
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
