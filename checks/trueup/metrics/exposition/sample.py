"""One sample line, token by token, with the column of whatever is wrong."""

from __future__ import annotations

import re
from typing import NamedTuple

from trueup.metrics.exposition.faults import Refused
from trueup.metrics.exposition.numbers import milliseconds, number, seconds

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PLAIN_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^{}\\]*\})? +([^ \t#]+)")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*)"(,)?')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_BLANKS = re.compile(r"[ \t]*")
_TOKEN = re.compile(r"[^ \t]+")
_LONGEST_EXEMPLAR = 128
_PLAIN = {"\\": "\\", '"': '"', "n": "\n"}


class Label(NamedTuple):
    """A label, and where its name begins and its value ends (0-based)."""

    name: str
    value: str
    start: int
    end: int


class Sample(NamedTuple):
    """A sample. `start` and `value_start` are 0-based offsets in the line."""

    name: str
    labels: tuple[Label, ...]
    value: float
    timestamp: float | None
    exemplar_start: int | None
    line: int
    start: int
    name_end: int
    value_start: int
    value_end: int
    is_quoted: bool

    def label(self, name: str) -> Label | None:
        """The label of this name."""
        return next((label for label in self.labels if label.name == name), None)

    @property
    def key(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """What makes it one series."""
        return self.name, frozenset((label.name, label.value) for label in self.labels)

    def group(self, without: str | None) -> frozenset[tuple[str, str]]:
        """Its labels without `le` or `quantile`."""
        return frozenset((label.name, label.value) for label in self.labels if label.name != without)


def parse_sample(text: str, line: int, *, openmetrics: bool) -> Sample:
    """A sample from a line without its newline. Raises `Refused`."""
    return _plain(text, line, openmetrics=openmetrics) or _parse(text, line, openmetrics=openmetrics)


def _plain(text: str, line: int, *, openmetrics: bool) -> Sample | None:
    """A line without escapes, timestamp and white space that only one of the formats has; `None` for any other."""
    found = _PLAIN_LINE.fullmatch(text)
    value = number(found[3]) if found else None
    if found is None or value is None or (openmetrics and found.start(3) != found.end(1) + len(found[2] or "") + 1):
        return None
    labels: list[Label] = []
    inside = found[2]
    if inside:
        at, end = found.start(2) + 1, found.end(2) - 1
        while at < end:
            pair = _PAIR.match(text, at, end)
            if pair is None or (pair[3] and pair.end() == end):
                return None
            labels.append(Label(pair[1], pair[2], at, pair.end(2) + 1))
            at = pair.end()
            if not pair[3] and at != end:
                return None
        if len({label.name for label in labels}) != len(labels) or any(one.name.startswith("__") for one in labels):
            return None
    return Sample(
        found[1], tuple(labels), value, None, None, line, 0, found.end(1), found.start(3), found.end(3), False
    )


def _parse(text: str, line: int, *, openmetrics: bool) -> Sample:
    start = 0 if openmetrics else _skip(text, 0)
    position = start
    found = NAME.match(text, position)
    name, is_quoted = "", False
    if found:
        name, position = found[0], found.end()
    elif not text.startswith("{", position):
        raise Refused("bad-name", position, _token_end(text, position), _bad_name(text, position))
    name_end = position
    position = position if openmetrics else _skip(text, position)
    labels: list[Label] = []
    if text.startswith("{", position):
        quoted, labels, position = _labels(text, position, openmetrics=openmetrics, may_name=not name)
        if quoted is not None:
            name, is_quoted = quoted.value, True
            start, name_end = quoted.start, quoted.end
        if not name:
            raise Refused("bad-name", start, position, "no metric name stands before or inside the braces")
        _separated(text, position, openmetrics=openmetrics)
    elif position == name_end and position < len(text) and text[position] not in " \t":
        end = _token_end(text, start)
        raise Refused("bad-name", start, end, f"{_cut(text[start:end])!r} is no metric name")
    value_start = _next(text, position, openmetrics=openmetrics)
    found = _TOKEN.match(text, value_start)
    if found is None:
        raise Refused("bad-line", start, len(text), "a sample without a value")
    value = number(found[0])
    if value is None:
        raise Refused("bad-value", value_start, found.end(), f"{_cut(found[0])!r} is no value")
    timestamp, exemplar = _rest(text, found.end(), openmetrics=openmetrics)
    return Sample(
        name, tuple(labels), value, timestamp, exemplar, line, start, name_end, value_start, found.end(), is_quoted
    )


def _rest(text: str, position: int, *, openmetrics: bool) -> tuple[float | None, int | None]:
    """The timestamp behind the value, and where an exemplar begins."""
    if position == len(text):
        return None, None
    start = _next(text, position, openmetrics=openmetrics)
    timestamp: float | None = None
    if start == len(text):
        raise Refused("bad-line", position, len(text), "white space behind the value")
    if not text.startswith("#", start):
        found = _TOKEN.match(text, start)
        if found is None:
            raise Refused("bad-line", position, len(text), "two spaces in a row")
        timestamp = seconds(found[0]) if openmetrics else milliseconds(found[0])
        if timestamp is None:
            unit = "seconds, a number" if openmetrics else "milliseconds, an integer"
            raise Refused("bad-timestamp", start, found.end(), f"{_cut(found[0])!r} is no timestamp ({unit})")
        position = found.end()
        if position == len(text):
            return timestamp, None
        start = _next(text, position, openmetrics=openmetrics)
        if start == len(text):
            raise Refused("bad-line", position, len(text), "white space behind the timestamp")
        if not text.startswith("#", start):
            raise Refused("bad-line", start, len(text), "something stands behind the timestamp")
    if not openmetrics:
        raise Refused("bad-exemplar", start, len(text), "the text format has no exemplars")
    _exemplar(text, start)
    return timestamp, start


def _exemplar(text: str, start: int) -> None:
    if not text.startswith("# {", start):
        raise Refused("bad-exemplar", start, len(text), "an exemplar is written `# {LABELS} VALUE`")
    try:
        _, labels, position = _labels(text, start + 2, openmetrics=True, may_name=False)
    except Refused as error:
        raise Refused("bad-exemplar", error.start, error.end, error.message) from None
    size = sum(len(label.name) + len(label.value) for label in labels)
    if size > _LONGEST_EXEMPLAR:
        raise Refused("bad-exemplar", start, position, f"its labels have {size} characters, more than 128")
    parts = text[position:].split(" ")
    if parts[0] or len(parts) not in (2, 3) or number(parts[1]) is None:
        raise Refused("bad-exemplar", start, len(text), "an exemplar is written `# {LABELS} VALUE`")
    if len(parts) == 3 and seconds(parts[2]) is None:
        raise Refused("bad-exemplar", start, len(text), f"{_cut(parts[2])!r} is no timestamp of an exemplar")


def _labels(text: str, position: int, *, openmetrics: bool, may_name: bool) -> tuple[Label | None, list[Label], int]:
    """A quoted metric name (Prometheus 3), the labels, and the offset behind the closing brace."""
    opening = position
    position += 1
    quoted: Label | None = None
    labels: list[Label] = []
    names: set[str] = set()
    first = True
    while True:
        start = _skip(text, position)
        if openmetrics and start != position:
            raise Refused("bad-line", position, start, "OpenMetrics has no white space between braces")
        position = start
        if text.startswith("}", position):
            return quoted, labels, position + 1
        found = LABEL_NAME.match(text, position)
        quoted_name = None if found else _QUOTED.match(text, position)
        if found is None and quoted_name is None:
            if position >= len(text):
                raise Refused("bad-line", opening, len(text), "the closing brace is missing")
            end = _label_end(text, position)
            raise Refused("bad-name", position, end, f"{_cut(text[position:end])!r} is no label name")
        token = found or quoted_name
        assert token is not None
        name = _unescaped(text, token, openmetrics=openmetrics) if quoted_name else token[0]
        equals = token.end() if openmetrics else _skip(text, token.end())
        if quoted_name and first and may_name and text[equals : equals + 1] in (",", "}"):
            quoted = Label("__name__", name, token.start(), token.end())
            position = equals
        else:
            label = _label(text, name, token.start(), equals, openmetrics=openmetrics)
            if name in names:
                raise Refused("duplicate-label", label.start, label.end, f"the label {_cut(name)!r} stands here twice")
            names.add(name)
            labels.append(label)
            position = label.end if openmetrics else _skip(text, label.end)
        first = False
        if text.startswith(",", position):
            position += 1
            if openmetrics and text.startswith("}", position):
                raise Refused("bad-line", position - 1, position, "OpenMetrics has no comma before the closing brace")
        elif not text.startswith("}", position):
            if position >= len(text):
                raise Refused("bad-line", opening, len(text), "the closing brace is missing")
            raise Refused(
                "bad-line", position, _label_end(text, position), "a comma or a closing brace must stand here"
            )


def _label(text: str, name: str, start: int, equals: int, *, openmetrics: bool) -> Label:
    if not text.startswith("=", equals):
        end = _label_end(text, start)
        if text[equals : equals + 1] in (" ", "\t", ",", "}", ""):
            raise Refused("bad-line", start, end, f"the label {_cut(name)!r} has no value")
        raise Refused("bad-name", start, end, f"{_cut(text[start:end])!r} is no label name")
    if name.startswith("__"):
        raise Refused("bad-name", start, equals, f"label names that begin with __ are reserved: {_cut(name)!r}")
    opening = equals + 1 if openmetrics else _skip(text, equals + 1)
    found = _QUOTED.match(text, opening)
    if found is None:
        missing = "is never closed" if text.startswith('"', opening) else "stands in no quotes"
        raise Refused("bad-line", opening, len(text), f"the value of the label {_cut(name)!r} {missing}")
    return Label(name, _unescaped(text, found, openmetrics=openmetrics), start, found.end())


def _unescaped(text: str, quoted: re.Match[str], *, openmetrics: bool) -> str:
    inner = quoted[1]
    if "\\" not in inner:
        return inner
    for escape in _ESCAPE.finditer(text, quoted.start(1), quoted.end(1)):
        if escape[1] not in _PLAIN and not openmetrics:
            message = f'{escape[0]} is no escape: only \\\\, \\" and \\n are'
            raise Refused("bad-escape", escape.start(), escape.end(), message, "\\" + escape[0])
    return _ESCAPE.sub(lambda found: _PLAIN.get(found[1], found[0]), inner)


def _separated(text: str, position: int, *, openmetrics: bool) -> None:
    if openmetrics and position < len(text) and text[position] != " ":
        raise Refused("bad-line", position, position + 1, "a space must stand behind the closing brace")


def _next(text: str, position: int, *, openmetrics: bool) -> int:
    """Where the next token begins: behind one space in OpenMetrics, behind any blanks in the text format."""
    if not openmetrics:
        return _skip(text, position)
    return position + 1 if text.startswith(" ", position) else position


def _skip(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    assert found is not None
    return found.end()


def _token_end(text: str, position: int) -> int:
    found = re.compile(r"[^ \t{]+").match(text, position)
    return found.end() if found else min(position + 1, len(text))


def _label_end(text: str, position: int) -> int:
    found = re.compile(r'[^ \t,=}"]+').match(text, position)
    return found.end() if found else min(position + 1, len(text))


def _bad_name(text: str, position: int) -> str:
    token = text[position : _token_end(text, position)]
    return f"{_cut(token)!r} is no metric name" if token.strip() else "no metric name stands here"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
