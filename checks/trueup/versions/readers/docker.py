"""Dockerfiles: `FROM`, `ARG`, `ENV`, `COPY --from` and what `RUN` installs, through continuation lines and heredocs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trueup.versions.readers import commands
from trueup.versions.readers.sink import Sink

_ESCAPE = re.compile(r"(?:#[^\n]*\n)*?#[ \t]*escape[ \t]*=[ \t]*`", re.IGNORECASE)
_SYNTAX = re.compile(r"#[ \t]*syntax[ \t]*=[ \t]*(\S+)", re.IGNORECASE)
_INSTRUCTION = re.compile(r"[ \t]*([A-Za-z]+)(?=[ \t\r\n\\`]|\Z)")
_HEREDOC = re.compile(r"<<-?[ \t]*([\"']?)([A-Za-z_]\w*)\1")
_SET = re.compile(r"""([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|(?:\\[ ]|[^\s"'])*)""")
_FROM = re.compile(r"(?:--platform=\S+[ \t]+)?(\S+)(?:[ \t]+AS[ \t]+(\S+))?", re.IGNORECASE)
_COPY_FROM = re.compile(r"--from=(\S+)")
_MOUNT = re.compile(r"--mount=(\S+)")
_MOUNT_FROM = re.compile(r"(?:\A|,)from=([^\s,]+)")


class Instruction(NamedTuple):
    """One instruction; its arguments stand at `[start, end)`, heredocs included."""

    name: str
    start: int
    end: int


def read(sink: Sink, start: int = 0, end: int | None = None) -> None:
    """Adds the pins of a Dockerfile."""
    text = sink.text
    end = len(text) if end is None else end
    if (syntax := _SYNTAX.match(text, start, end)) is not None:
        sink.image(syntax[1], syntax.start(1), "syntax")
    stages: set[str] = set()
    for name, begin, stop in instructions(text, start, end):
        if name == "FROM":
            found = _FROM.match(text, begin, stop)
            if found is not None:
                if found[1].lower() not in stages:
                    sink.image(found[1], found.start(1), "FROM")
                if found[2]:
                    stages.add(found[2].lower())
        elif name in ("ARG", "ENV"):
            _set(sink, name, begin, stop)
        elif name == "COPY":
            found = _COPY_FROM.search(text, begin, stop)
            if found is not None and found[1].lower() not in stages:
                sink.image(found[1], found.start(1), "COPY --from")
        elif name in ("RUN", "CMD", "ENTRYPOINT", "SHELL"):
            for mount in _MOUNT.finditer(text, begin, stop):
                found = _MOUNT_FROM.search(mount[1])
                if found is not None and found[1].lower() not in stages:
                    sink.image(found[1], mount.start(1) + found.start(1), "RUN --mount")
            commands.scan(sink, begin, stop, "RUN", escape=escape_of(text, start, end))
        elif name == "ADD":
            commands.scan_urls(sink, begin, stop, "ADD")


def instructions(text: str, start: int, end: int) -> Iterator[Instruction]:
    """The instructions in order; comments are left out."""
    escape = escape_of(text, start, end)
    position = start
    while position < end:
        stop = _line_end(text, position, end)
        line = text[position:stop].strip()
        found = _INSTRUCTION.match(text, position, stop)
        if not line or line.startswith("#") or found is None:
            position = stop + 1
            continue
        stop = _last_line_end(text, position, end, escape)
        stop = _behind_heredocs(text, found.end(), stop, end)
        yield Instruction(found[1].upper(), _skip_space(text, found.end(), stop), stop)
        position = stop + 1


def escape_of(text: str, start: int, end: int) -> str:
    """The character that joins a line to the next one: a Dockerfile for Windows says that it is a backtick."""
    return "`" if _ESCAPE.match(text, start, end) else "\\"


def _line_end(text: str, position: int, end: int) -> int:
    found = text.find("\n", position, end)
    return end if found < 0 else found


def _last_line_end(text: str, position: int, end: int, escape: str) -> int:
    """The end of the last line of an instruction; comments and blank lines between its lines do not end it."""
    stop = _line_end(text, position, end)
    while text[position:stop].rstrip().endswith(escape) and stop < end:
        position, stop = stop + 1, _line_end(text, stop + 1, end)
        while stop < end and (not (line := text[position:stop].strip()) or line.startswith("#")):
            position, stop = stop + 1, _line_end(text, stop + 1, end)
    return stop


def _behind_heredocs(text: str, start: int, stop: int, end: int) -> int:
    for found in _HEREDOC.finditer(text, start, stop):
        closing = re.compile(rf"^\t*{re.escape(found[2])}[ \t]*\r?$", re.MULTILINE).search(text, stop, end)
        stop = closing.end() if closing is not None else end
    return stop


def _skip_space(text: str, position: int, end: int) -> int:
    while position < end and text[position] in " \t":
        position += 1
    return position


def _set(sink: Sink, name: str, start: int, stop: int) -> None:
    found = None
    for found in _SET.finditer(sink.text, start, stop):
        commands.assign(sink, found[1], found.start(2), found.end(2), name)
    if found is None and name == "ENV":  # the old form: ENV NAME value
        old = re.compile(r"([A-Za-z_]\w*)[ \t]+([^\n\r]+?)[ \t]*\r?$", re.MULTILINE).match(sink.text, start, stop)
        if old is not None:
            commands.assign(sink, old[1], old.start(2), old.end(2), name)
