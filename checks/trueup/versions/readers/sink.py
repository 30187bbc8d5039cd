"""Takes the pins of one file as readers find them, and knows the variables that the file itself sets."""

from __future__ import annotations

import re
from typing import NamedTuple

from trueup.versions import names, numbers
from trueup.versions.model import Pin, Strength

MOST_PINS = 20_000  # of one file; the rest of a hostile one is left out
IMAGE = re.compile(
    r"(?P<name>(?:[A-Za-z0-9][\w.-]*(?::\d+)?/)*[A-Za-z0-9][\w.-]*):(?P<tag>[\w][\w.-]{0,127})(?:@sha256:[0-9a-f]{64})?"
)
# What every pin has somewhere near: most texts of a repository have none of it, and need no more reading.
_SIGNS = ("==", "ersion", "VERSION", "image", "uses:", "install", "github", "_REF", "_TAG", "_COMMIT", "_SHA", "rev:")
_SIGN = re.compile(r"[:=@][\"']?v?\d|[tT]ag:|_(?:VER|REV)\b")
_USE = re.compile(r"(?P<prefix>[vV]?)\$(?:\{(?P<braced>\w+)(?::?[-=?][^}]*)?\}|(?P<bare>\w+)|\((?P<make>\w+)\))")


def may_hold_pins(text: str, start: int, end: int) -> bool:
    """Whether the text at `[start, end)` is worth reading."""
    return any(text.find(sign, start, end) >= 0 for sign in _SIGNS) or _SIGN.search(text, start, end) is not None


class Variable(NamedTuple):
    """What a file sets a variable to."""

    start: int
    end: int
    where: str


class Sink:
    """Collects pins of the file's text; readers of a part of it give offsets of the whole."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pins: list[Pin] = []
        self.variables: dict[str, Variable] = {}

    def add(
        self,
        kind: str,
        name: str,
        start: int,
        end: int,
        where: str,
        strength: Strength = Strength.EXACT,
        *,
        choice: bool = False,
        bound: str = "",
        stated: tuple[int, int] | None = None,
    ) -> None:
        """A pin whose version stands at `[start, end)`; what is none, and no known variable's, is left out."""
        text = self.text[start:end]
        if len(self.pins) >= MOST_PINS or not name or "$" in name or "{" in name:
            return
        if numbers.parse(text) is None:
            used = _USE.fullmatch(text)
            known = self.variables.get(used["braced"] or used["bare"] or used["make"]) if used is not None else None
            if known is None or numbers.parse(self.text[known.start : known.end]) is None:
                return
            start, end, where = known.start, known.end, f"{known.where} as {kind}"
        self.pins.append(Pin(kind, name, self.text[start:end], start, end, where, strength, choice, bound, stated))

    def variable(self, name: str, start: int, end: int, where: str, *, choice: bool = False) -> None:
        """A variable that is set to the text at `[start, end)`: a version, an image, or anything."""
        text = self.text[start:end]
        self.variables[name] = Variable(start, end, where)
        if (found := IMAGE.fullmatch(text)) and "/" in found["name"] and numbers.parse(found["tag"]):
            self.image(text, start, where)
        elif names.is_version_variable(name) and (numbers.is_specific(text) or _is_plain_number(name, text)):
            # A name that says too little means something else in every file.
            kind_name = name if names.of_variable(name) is not None else f"#{name}"
            self.add("variable", kind_name, start, end, where, choice=choice)

    def image(self, reference: str, start: int, where: str, *, choice: bool = False) -> None:
        """An image's reference that stands at `start`, as it is written."""
        found = IMAGE.fullmatch(reference)
        if found is not None:
            name = self.expanded(found["name"])
            # A port is no tag, and a bare number of many digits is one, or a build's number.
            if name is not None and not (found["tag"].isdigit() and len(found["tag"]) > 3):
                self.add("image", names.image(name), start + found.start("tag"), start + found.end("tag"), where)
            return
        # Variables: `python:${PYTHON_VERSION}-slim`, `${IMAGE}:${TAG}`, `${IMAGE}`.
        used = _USE.fullmatch(reference)
        if used is not None:
            known = self.variables.get(used["braced"] or used["bare"] or used["make"])
            if known is not None and IMAGE.fullmatch(self.text[known.start : known.end]):
                self.image(self.text[known.start : known.end], known.start, known.where)
            return
        head, colon, tag = reference.rpartition(":")
        used = _USE.match(tag)
        if colon and used is not None and not head.endswith("$"):
            name = self.expanded(head)
            if name is not None:
                at = start + len(head) + 1
                self.add("image", names.image(name), at, at + used.end(), where, choice=choice)

    def expanded(self, text: str) -> str | None:
        """A text with the file's variables filled in; `None` where one is not known."""
        if "$" not in text:
            return text
        unknown = False

        def fill(found: re.Match[str]) -> str:
            nonlocal unknown
            known = self.variables.get(found["braced"] or found["bare"] or found["make"])
            if known is None:
                unknown = True
                return ""
            return found["prefix"] + self.text[known.start : known.end]

        filled = _USE.sub(fill, text)
        return None if unknown or "$" in filled else filled


def _is_plain_number(name: str, text: str) -> bool:
    """`NODE_VERSION=20`; a format's or a schema's version is a bare number too."""
    return text.isdigit() and len(text) <= 3 and names.of_variable(name) in ("node", "go", "java", "jdk", "python")
