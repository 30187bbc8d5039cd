"""Versions in shell text: what is installed, pulled, cloned and downloaded, and the variables that are set.

No shell's grammar: words and separators, with continuation lines, quotes and comments, which is enough for
`pip install vllm==0.14.0`. What is not understood is passed over.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import NamedTuple

from trueup.versions import names, numbers
from trueup.versions.model import Strength
from trueup.versions.readers.requirement import read_requirement
from trueup.versions.readers.sink import Sink

_TOKEN = re.compile(
    r"""
      (?P<space> (?:[ \t\r]|\\\r?\n)++ )
    | (?P<comment> \#[^\n]*+ )
    | (?P<end> \n | ;;? | &&? | \|\|? | [(){}] )
    | (?P<word> (?:
          \$\{[^}\n]*+\}? | \$\([^)\n]*+\)?
        | "(?:[^"\\]|\\.)*+"? | '[^']*+'? | `[^`\n]*+`?
        | \\. | [^\s;&|(){}"'`\\] | \\ )++ )
    """,
    re.VERBOSE | re.DOTALL,
)
# A line with those that a backslash joins to it.
_LOGICAL_LINE = re.compile(r"(?:[^\\\n]++|\\\r?\n|\\[^\n]|\\\Z)++")
_COMMENT_LINE = re.compile(r"^[ \t]*#[^\n]*\n", re.MULTILINE)
# A command without any of these names no version.
_SIGNS = ("=", "@", ":", "version", "branch", "-b ")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*(?:\?|:{1,3}|\+)?=\s*")
_DEFAULT = re.compile(r"\$\{([A-Za-z_]\w*):?[-=](?P<value>[^${}\s\"']{1,100})\}")
# Lengths are bounded: a text of nothing but beginnings of URLs would take quadratic time.
_URL = re.compile(
    r"""(?:github\.com/(?P<repo>[\w.-]{1,100}+/[\w.-]{1,100}+)/(?:releases/download|archive/refs/tags|archive)/
        | raw\.githubusercontent\.com/(?P<raw>[\w.-]{1,100}+/[\w.-]{1,100}+)/(?:refs/tags/)? )
        (?P<ref>[^\s/"'?#)]{1,100}?)(?:\.tar\.gz|\.zip)?(?=[/\s"'?#)]|\Z)
      | github\.com/(?P<kustomize>[\w.-]{1,100}+/[\w.-]{1,100}+)[\w./-]{0,300}+
        \?(?:[\w=&]{0,300}&)?ref=(?P<kref>[\w./-]{1,100})
      | git\+(?:https|ssh)://[\w.@-]{1,300}/(?P<pip>[\w.-]{1,100}+/[\w.-]{1,100}?)(?:\.git)?@(?P<pref>[^\s"'\#;&]{1,100})""",
    re.VERBOSE,
)
_SKIPPED = frozenset("sudo env exec time then do if else while ! $ > >>> command nohup xargs RUN - @".split())
_DOCKER_VALUES = frozenset("-p --publish -v --volume -e --env --name --network --mount -w -u --user --label -l".split())


class _Word(NamedTuple):
    text: str  # without quotes around it
    start: int


def scan(sink: Sink, start: int, end: int, where: str, *, assignments: bool = True, escape: str = "") -> None:
    """Adds the pins of the shell text at `[start, end)` of the file.

    `escape`: the text is a Dockerfile's, whose lines this character joins; there a comment ends no command.
    """
    text = sink.text[start:end]
    if escape:
        text = _COMMENT_LINE.sub(lambda found: " " * len(found[0]), text)
    if escape == "`":
        text = re.sub(r"`\r?\n", lambda found: " " * len(found[0]), text)
    for line in _LOGICAL_LINE.finditer(text):
        written = line[0]
        if any(sign in written for sign in _SIGNS):
            _line(sink, written, start + line.start(), where, assignments)
    scan_urls(sink, start, end, where)
    if "${" in text:
        for default in _DEFAULT.finditer(sink.text, start, end):
            sink.variable(default[1], default.start("value"), default.end("value"), f"{where} ${default[1]}")


def _line(sink: Sink, text: str, offset: int, where: str, assignments: bool) -> None:
    words: list[_Word] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            position += 1
            continue
        position = found.end()
        kind = found.lastgroup
        if kind == "word":
            words.append(_unquoted(found[0], offset + found.start()))
        elif kind == "end":
            _command(sink, words, where, assignments)
            words = []
    _command(sink, words, where, assignments)


def scan_urls(sink: Sink, start: int, end: int, where: str) -> None:
    """Adds the releases and tags of repositories that URLs name."""
    for found in _URL.finditer(sink.text, start, end):
        for name, ref in (("repo", "ref"), ("raw", "ref"), ("kustomize", "kref"), ("pip", "pref")):
            if found[name] and found[ref] and _is_ref(found[ref]):
                sink.add("github", names.repository(found[name]), found.start(ref), found.end(ref), f"{where} url")
                break


def _is_ref(text: str) -> bool:
    return "$" in text or numbers.is_specific(text)


def assign(sink: Sink, name: str, start: int, end: int, where: str) -> None:
    """A variable that is set to the words at `[start, end)`, quotes and all."""
    word = _unquoted(sink.text[start:end], start)
    if (default := _DEFAULT.fullmatch(word.text)) is not None:
        start = word.start + default.start("value")
        sink.variable(name, start, start + len(default["value"]), f"{where} {name}")
    else:
        sink.variable(name, word.start, word.start + len(word.text), f"{where} {name}")


def _unquoted(text: str, start: int) -> _Word:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        return _Word(text[1:-1], start + 1)
    return _Word(text, start)


def _command(sink: Sink, words: list[_Word], where: str, assignments: bool) -> None:
    index = 0
    while index < len(words):
        word = words[index]
        set_here = _ASSIGNMENT.match(word.text)
        if word.text in ("export", "readonly", "local", "declare", "ARG", "ENV", "set"):
            index += 1
        elif set_here is not None:
            if assignments:
                value = word.text[set_here.end() :]
                offset = word.start + set_here.end()
                assign(sink, set_here[1], offset, offset + len(value), where)
            index += 1
        elif word.text in _SKIPPED:
            index += 1
        else:
            break
    words = words[index:]
    if not words:
        return
    program = words[0].text.rpartition("/")[2].lstrip("@-")
    rest = words[1:]
    if re.fullmatch(r"python[\d.]*|\$\{?\w*PYTHON\w*\}?", program) and len(rest) > 1 and rest[0].text == "-m":
        program, rest = rest[1].text, rest[2:]
    if program in ("uv", "pixi", "rye", "micromamba", "mamba") and rest and rest[0].text in ("pip", "tool"):
        rest = rest[1:]
    reader = _READERS.get(re.sub(r"\d+(\.\d+)?$", "", program))
    if reader is not None and rest:
        reader(sink, rest, where)


def _python(sink: Sink, words: list[_Word], where: str) -> None:
    if words[0].text not in ("install", "add", "run", "download", "wheel"):
        words = words[next((i for i, w in enumerate(words) if w.text == "install"), len(words)) :]
    for previous, word in itertools.pairwise(words):
        text = word.text.removeprefix("--with=").removeprefix("--from=")
        if previous.text in ("-r", "-c", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t"):
            continue
        read_requirement(sink, text, word.start + len(word.text) - len(text), where)


def _node(sink: Sink, words: list[_Word], where: str) -> None:
    for word in words:
        found = re.fullmatch(r"((?:@[\w.-]+/)?[A-Za-z][\w.-]*)@([\^~]?)(\d[\w.+-]*)", word.text)
        if found is not None:
            strength = Strength.FLOOR if found[2] else Strength.EXACT
            sink.add("npm", found[1], word.start + found.start(3), word.start + found.end(3), where, strength)


def _apt(sink: Sink, words: list[_Word], where: str) -> None:
    if words[0].text.startswith("-"):
        words = words[1:]
    for word in words[1:]:
        found = re.fullmatch(r"([a-z0-9][a-z0-9.+-]+)=([\w.+:~-]+)", word.text)
        if found is not None:
            sink.add("apt", found[1], word.start + found.start(2), word.start + found.end(2), where)


def _go(sink: Sink, words: list[_Word], where: str) -> None:
    for word in words[1:]:
        found = re.fullmatch(r"([\w.-]+\.[a-z]+/[\w./-]+)@(\S+)", word.text)
        if found is not None and words[0].text in ("install", "get", "run"):
            sink.add("go", found[1].lower(), word.start + found.start(2), word.start + found.end(2), where)


def _cargo(sink: Sink, words: list[_Word], where: str) -> None:
    if words[0].text not in ("install", "add", "binstall"):
        return
    name = next((word for word in words[1:] if not word.text.startswith("-")), None)
    for previous, word in itertools.pairwise(words):
        if previous.text in ("--version", "--vers") and name is not None:
            sink.add("cargo", name.text, word.start, word.start + len(word.text), where)
        elif found := re.fullmatch(r"([A-Za-z][\w-]*)@=?(\d\S*)", word.text):
            sink.add("cargo", found[1], word.start + found.start(2), word.start + found.end(2), where)


def _docker(sink: Sink, words: list[_Word], where: str) -> None:
    previous = ""
    for word in words:
        text, start = word.text, word.start
        if previous == "--build-arg" or text.startswith("--build-arg="):
            text = text.removeprefix("--build-arg=")
            start += len(word.text) - len(text)
            name, _, value = text.partition("=")
            if value:
                assign(sink, name, start + len(name) + 1, start + len(text), f"{where} --build-arg")
        elif not text.startswith("-") and previous not in _DOCKER_VALUES and ":" in text and "://" not in text:
            sink.image(text, start, where)
        previous = word.text


def _helm(sink: Sink, words: list[_Word], where: str) -> None:
    plain = [word for index, word in enumerate(words) if not word.text.startswith("-") and not _takes(words, index)]
    for previous, word in itertools.pairwise(words):
        text = word.text.removeprefix("--version=")
        if (previous.text == "--version" or text != word.text) and len(plain) > 1:
            chart = plain[-1].text.rpartition("/")[2].lower()
            start = word.start + len(word.text) - len(text)
            sink.add("chart", chart, start, start + len(text), where)


def _takes(words: list[_Word], index: int) -> bool:
    """Whether a word is the value of the option before it."""
    before = words[index - 1].text if index else ""
    return (
        before.startswith("-")
        and "=" not in before
        and before not in ("-i", "--install", "--wait", "--create-namespace")
    )


def _git(sink: Sink, words: list[_Word], where: str) -> None:
    if words[0].text != "clone":
        return
    url = next((word.text for word in words if re.match(r"https?://|git@|ssh://", word.text)), None)
    for previous, word in itertools.pairwise(words):
        text = word.text.removeprefix("--branch=")
        if url and (previous.text in ("-b", "--branch") or text != word.text):
            start = word.start + len(word.text) - len(text)
            if _is_ref(text):
                sink.add("github", names.repository(url), start, start + len(text), where)


_READERS: dict[str, Callable[[Sink, list[_Word], str], None]] = {
    **dict.fromkeys(("pip", "uv", "pipx", "uvx", "poetry", "pdm", "rye"), _python),
    **dict.fromkeys(("npm", "pnpm", "yarn", "npx", "bun", "bunx", "corepack"), _node),
    **dict.fromkeys(("apt", "apt-get"), _apt),
    **dict.fromkeys(("docker", "podman", "nerdctl", "kind", "ctr", "crane", "crictl", "minikube", "buildah"), _docker),
    "go": _go,
    "cargo": _cargo,
    "helm": _helm,
    "git": _git,
}
