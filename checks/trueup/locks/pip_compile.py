"""What pip-compile and `uv pip compile` write: pinned requirements, each with `# via` what asked for it.

The command in its first lines names the files that it was made from.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from trueup.links.paths import join
from trueup.locks import pep508
from trueup.locks.files import Files, merge_markers, place_at
from trueup.locks.formats import PIP_COMPILE, PIP_COMPILE_SIGN
from trueup.locks.pyproject import load
from trueup.locks.report import Place, Unhashed

_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*==[ \t]*([^\s;\\]+)", re.MULTILINE)
_URL = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*@", re.MULTILINE)
_OWN = ("pip", "setuptools", "wheel", "distribute")  # left out of the output unless it is asked for
_LINE = re.compile(r"^[ \t]*([^#\s-][^#\n]*?)[ \t]*(?:\\[ \t]*)?(?:#[^\n]*)?$", re.MULTILINE)
_INCLUDE = re.compile(r"^[ \t]*(?:-r|--requirement)[ \t=]+(\S+)", re.MULTILINE)
_COMMAND = re.compile(r"^#[ \t]+((?:pip-compile|uv pip compile|python -m piptools compile)[^\n]*)$", re.MULTILINE)
_PLAIN_COMMAND = re.compile(r"[\w ./@:=,+*\[\]'\"~-]+")
_LEFT_OUT = re.compile(r"--(?:no-emit-package|unsafe-package)[= ]([\w.-]+)")
MOST_SOURCES = 50


class Source(NamedTuple):
    """One requirement of a source file."""

    wanted: pep508.Wanted
    place: Place


def judge(lock: str, files: Files) -> None:
    """See `formats.Judge`."""
    text = files.text(lock)
    if text is None or merge_markers(files.report, lock, text):
        return
    command = _COMMAND.search(text, 0, 2000)
    is_pip = PIP_COMPILE_SIGN in text[:2000]
    if command is None:
        files.report.undecided(lock, "what it was made from: its head names no command")
        return
    names = _sources(command[1])
    # The file's own words: nothing that a shell would do more with is handed on as a command to run.
    mend = command[1] if _PLAIN_COMMAND.fullmatch(command[1]) else PIP_COMPILE.relock
    asked: list[Source] = []
    for name in names:
        path = _find(lock.rpartition("/")[0], name, files)
        if path is None:
            files.report.undecided(lock, f"whether it fits {name}, which is not in the repository")
            return
        if path.endswith((".py", ".cfg")):
            files.report.undecided(lock, f"what {path} asks for")
            return
        asked += _read(path, command[1], files)
    if not names:
        files.report.undecided(lock, "what it was made from: its head names no file")
        return
    left_out = {pep508.normalised(one) for one in _LEFT_OUT.findall(command[1])}
    _compare(lock, text, [one for one in asked if one.wanted.name not in left_out], files, mend)
    _hashes(lock, text, files, mend)
    if not is_pip and "--universal" not in command[1]:
        files.report.undecided(lock, "requirements with markers: it was compiled for one environment")


def _sources(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    found = [word for word in words if word.endswith((".in", "pyproject.toml", "setup.py", "setup.cfg"))]
    options = {
        words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-o", "--output-file", "-c", "--constraint")
    }
    texts = [word for word in words[1:] if word.endswith(".txt") and not word.startswith("-") and word not in options]
    return [one.partition("=")[2] if one.startswith("-") else one for one in (*found, *texts)][:MOST_SOURCES]


def _find(folder: str, name: str, files: Files) -> str | None:
    """The source as the command's writer saw it: from the lock's folder, or from one above it."""
    parts = folder.split("/") if folder else []
    for end in range(len(parts), -1, -1):
        path, above = join("/".join(parts[:end]), name)
        if not above and files.exists(path):
            return path
    return None


def _read(path: str, command: str, files: Files) -> list[Source]:
    if path.endswith("pyproject.toml"):
        project = load(path.rpartition("/")[0], files)
        if project is None:
            return []
        extras = {pep508.normalised(one) for one in re.findall(r"--extra[= ]([^\s]+)", command)}
        every = "--all-extras" in command
        wanted = [one for one in project.requirements() if not one.extra or every or one.extra in extras]
        return [Source(one.wanted, one.place) for one in wanted]
    found: list[Source] = []
    waiting = [path]
    for one in waiting:  # grows while it is read; each file once
        text = files.text(one) or ""
        for line in _LINE.finditer(text):
            read = pep508.read(re.sub(r"\s+--hash=\S+", "", line[1]).strip())
            if read is not None:
                found.append(Source(read, Place(one, text.count("\n", 0, line.start(1)) + 1, 1)))
        for include in _INCLUDE.finditer(text):
            further, above = join(one.rpartition("/")[0], include[1])
            if not above and further not in waiting and len(waiting) < MOST_SOURCES and files.exists(further):
                waiting.append(further)
    return found


def _compare(lock: str, text: str, asked: list[Source], files: Files, mend: str) -> None:
    pins: dict[str, list[tuple[str, int]]] = {}
    for found in _PIN.finditer(text):
        pins.setdefault(pep508.normalised(found[1]), []).append((found[2], text.count("\n", 0, found.start()) + 1))
    others = {
        pep508.normalised(one)
        for one in re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*@", text, re.MULTILINE)
    }
    for wanted, place in asked:
        name = wanted.name
        if name not in pins:
            if wanted.marker is None and name not in others and name not in _OWN:
                message = f"{wanted.text!r} is asked for here, and {lock} holds no {name}"
                files.report.fault("missing-requirement", place, name, message, mend)
            continue
        versions = wanted.versions
        if versions is not None and all(pep508.is_inside(version, versions) is False for version, _ in pins[name]):
            has = ", ".join(f"{lock}:{line} has {version}" for version, line in pins[name])
            message = f"{wanted.text!r} is asked for here, and {has}"
            files.report.fault("outside-requirement", place, name, message, mend)
    for name, line in _direct(text, {place.path for _, place in asked}):
        if name not in {one.wanted.name for one in asked}:
            message = f"{name} was asked for by a file that does not ask for it any more"
            files.report.fault("stale-manifest-data", Place(lock, line, 1), name, message, mend)


def _direct(text: str, sources: set[str]) -> Iterator[tuple[str, int]]:
    """Pins whose `# via` names nothing but a source, with their lines."""
    heads = list(_PIN.finditer(text))
    for at, found in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(text)
        via = re.findall(r"^[ \t]+#(?:[ \t]+via)?[ \t]*([^\n]*)$", text[found.end() : end], re.MULTILINE)
        reasons = [reason.strip() for reason in via if reason.strip()]
        names = [reason.removeprefix("-r ") for reason in reasons]
        if reasons and all(reason.startswith("-r ") for reason in reasons):
            known = [
                any(path == name or path.endswith(f"/{name}") or name.endswith(path) for path in sources)
                for name in names
            ]
            if all(known):
                yield pep508.normalised(found[1]), text.count("\n", 0, found.start()) + 1


def _hashes(lock: str, text: str, files: Files, mend: str) -> None:
    """With one hash in it, pip refuses whatever has none."""
    if "--hash=" not in text:
        return
    missing: list[Unhashed] = []
    heads = list(_PIN.finditer(text))
    for at, found in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(text)
        if "--hash=" not in text[found.start() : end]:
            place = functools.partial(place_at, lock, text, found.start())
            missing.append(Unhashed(f"{found[1]}=={found[2]}", pep508.normalised(found[1]), place, mend))
    files.report.missing_checksums(missing, "no hash, where other packages have one")
