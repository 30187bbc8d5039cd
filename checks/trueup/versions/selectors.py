"""Declared places: `toml:pyproject.toml#project.version`, `dockerfile:ARG VLLM_REF`, `regex:scripts/*.sh#…`.

Each form names files by a glob, and a place in them. Every file of the repository is hostile, the configuration with
it: a regular expression is a small, safe kind, and is looked for line by line.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from trueup.reading.json_tree import NotJson
from trueup.reading.json_tree import read as read_json
from trueup.reading.tree import Node, Object
from trueup.versions import names
from trueup.versions.model import Unreadable
from trueup.versions.readers.sink import IMAGE

FORMS = ("toml", "json", "yaml", "dockerfile", "regex", "text", "pin")
MOST_SECONDS = 2.0  # that all regular expressions of a run may take
LONGEST_LINE = 1000
LONGEST_PATTERN = 300
_VERSION = "{version}"
_QUANTIFIED_GROUP = re.compile(r"(?<!\\)(?:\\\\)*\)[*+{]")
_STEP = re.compile(r"""\.?(?:"([^"]*)"|'([^']*)'|\[(\d{0,9})\]|([^.\[\]"']+))""")


class BadPlace(ValueError):
    """A place that is written in no form that there is; the text says what is wrong."""


class Selector(NamedTuple):
    """`form:glob#place`."""

    form: str
    glob: str
    place: str

    @property
    def text(self) -> str:
        """As it is written in the configuration."""
        return f"{self.form}:{self.glob}#{self.place}"


class Spot(NamedTuple):
    """What a selector found: `[start, end)` of the file's text, in code points."""

    start: int
    end: int


def parse(text: str) -> Selector:
    """Reads a declared place. Raises `BadPlace`."""
    form, colon, rest = text.partition(":")
    if not colon or form not in FORMS:
        raise BadPlace(f"a place begins with its form and a colon, one of: {', '.join(FORMS)}")
    glob, mark, place = rest.partition("#")
    if not mark and form == "dockerfile":
        glob, place = "*[dD]ockerfile*", rest
    if not glob or not place:
        raise BadPlace(f"write {form}:FILE#PLACE")
    if form == "regex":
        _check_regex(place)
    if form == "text" and place.count(_VERSION) != 1:
        raise BadPlace("a text holds {version} once, where the version stands")
    if form == "dockerfile" and not re.fullmatch(r"(?:ARG|ENV) \w+|FROM \S+", place):
        raise BadPlace("write ARG NAME, ENV NAME or FROM IMAGE")
    if form in ("toml", "json", "yaml"):
        steps(place)
    return Selector(form, glob, place)


def _check_regex(pattern: str) -> None:
    if len(pattern) > LONGEST_PATTERN:
        raise BadPlace(f"a regular expression has at most {LONGEST_PATTERN} characters")
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadPlace(f"no regular expression: {error}") from None
    if _QUANTIFIED_GROUP.search(pattern) or re.search(r"\\[1-9]|\(\?(?!:|P<)", pattern):
        raise BadPlace("repeated groups, back references and look-around are not supported: they may run for ever")
    if compiled.groups != 1:
        raise BadPlace("a regular expression has one group: the version; write (?:…) for others")


def steps(place: str) -> list[str | int | None]:
    """`images[].tag` as `images`, any item, `tag`. Raises `BadPlace`."""
    found: list[str | int | None] = []
    position = 0
    while position < len(place):
        step = _STEP.match(place, position)
        if step is None:
            raise BadPlace(f"{place!r} is no path of keys: write project.version, images[0].tag, images[].tag")
        key = next((step[n] for n in (1, 2, 4) if step[n] is not None), None)
        found.append(key if key is not None else int(step[3]) if step[3] else None)
        position = step.end()
    return found


class Clock:
    """How long regular expressions have run."""

    def __init__(self) -> None:
        self._left = MOST_SECONDS

    def search(self, pattern: str, text: str) -> list[Spot]:
        """Where the one group of a pattern stands, line by line; `Unreadable` once the time is up."""
        import regex  # which, unlike the standard library's, can be told when to give up

        compiled = regex.compile(pattern)
        found: list[Spot] = []
        offset = 0
        for line in text.split("\n"):
            started = time.perf_counter()
            if len(line) <= LONGEST_LINE:
                try:
                    for match in compiled.finditer(line, timeout=max(self._left, 0.001)):
                        if match[1]:
                            found.append(Spot(offset + match.start(1), offset + match.end(1)))
                except TimeoutError:
                    self._left = 0.0
            self._left -= time.perf_counter() - started
            if self._left <= 0:
                raise Unreadable(
                    f"the regular expressions of the configuration took longer than {MOST_SECONDS:g} s", offset
                )
            offset += len(line) + 1
        return found


def find(selector: Selector, path: str, text: str, clock: Clock) -> list[Spot]:
    """The places in a file that a selector names. Raises `Unreadable` where the file is not in its format."""
    if selector.form == "regex":
        return clock.search(selector.place, text)
    if selector.form == "text":
        before, _, after = selector.place.partition(_VERSION)
        return clock.search(re.escape(before) + r"([0-9A-Za-z](?:[\w.+-]{0,98}[0-9A-Za-z])?)" + re.escape(after), text)
    readers: dict[str, Callable[[Selector, str, str], list[Spot]]] = {
        "toml": _in_toml,
        "json": _in_json,
        "yaml": _in_yaml,
        "dockerfile": _in_dockerfile,
        "pin": _pins,
    }
    return readers[selector.form](selector, path, text)


def _in_toml(selector: Selector, path: str, text: str) -> list[Spot]:
    from trueup.versions.readers.toml_files import parse_toml

    wanted = steps(selector.place)
    toml = parse_toml(text)
    found = []
    for key, (start, end) in toml.spans.items():
        if _matches(wanted, list(key)):
            quoted = text[start] in "\"'"
            found.append(Spot(start + quoted, end - quoted))
    return found


def _matches(wanted: list[str | int | None], path: list[str | int]) -> bool:
    return len(wanted) == len(path) and all(
        isinstance(key, int) if want is None else want == key for want, key in zip(wanted, path, strict=True)
    )


def _in_json(selector: Selector, path: str, text: str) -> list[Spot]:
    try:
        nodes = [read_json(text)]
    except NotJson as error:
        raise Unreadable(f"no JSON: {error.message}", error.offset) from None
    for step in steps(selector.place):
        nodes = [inner for node in nodes for inner in _inner(node, step)]
    quoted = [(node, isinstance(node.value, str)) for node in nodes if not isinstance(node.value, list | Object)]
    return [Spot(node.start + quote, node.end - quote) for node, quote in quoted]


def _inner(node: Node, step: str | int | None) -> list[Node]:
    if isinstance(node.value, Object):
        return [one.node for one in node.value.members if one.key == step]
    if isinstance(node.value, list) and not isinstance(step, str):
        return node.value if step is None else node.value[step : step + 1]
    return []


def _in_yaml(selector: Selector, path: str, text: str) -> list[Spot]:
    from trueup.reading.yaml_tree import Mapping, NotYaml, Scalar, Sequence, Tree, read

    try:
        nodes: list[Tree] = read(text).items
    except NotYaml as error:
        raise Unreadable(f"no YAML: {error.message}", error.offset) from None
    for step in steps(selector.place):
        inner: list[Tree] = []
        for node in nodes:
            if isinstance(node, Mapping):
                inner += [value for key, value in node.members if key.value == step]
            elif isinstance(node, Sequence) and not isinstance(step, str):
                inner += node.items if step is None else node.items[step : step + 1]
        nodes = inner
    return [Spot(node.start, node.end) for node in nodes if isinstance(node, Scalar) and node.verbatim]


def _in_dockerfile(selector: Selector, path: str, text: str) -> list[Spot]:
    from trueup.versions.readers import docker

    instruction, _, name = selector.place.partition(" ")
    found = []
    for one in docker.instructions(text, 0, len(text)):
        if one.name != instruction:
            continue
        if instruction == "FROM":
            image = IMAGE.search(text, one.start, one.end)
            if image is not None and names.image(image["name"]) == names.image(name):
                found.append(Spot(*image.span("tag")))
            continue
        setting = re.compile(rf"""(?<!\S){re.escape(name)}(?:=|[ \t]+)["']?([^\s"']+)""").search(
            text, one.start, one.end
        )
        if setting is not None:
            found.append(Spot(*setting.span(1)))
    return found


def _pins(selector: Selector, path: str, text: str) -> list[Spot]:
    from trueup.versions.readers import read_pins

    wanted = selector.place
    return [
        Spot(pin.start, pin.end)
        for pin in read_pins(path, text)
        if wanted in (pin.thing, pin.name) or (":" not in wanted and wanted in names.families(pin.kind, pin.name))
    ]
