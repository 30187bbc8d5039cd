"""Strings of source files that hold queries or names of metrics, with their places.

Formatting leaves holes (`{model}`, `%s`): they become variables of the same length, so that every place stays. No
language is parsed; a string counts only where it is PromQL by itself, or a metric's name as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# A string that is not closed takes its line with it (or, of three quotes, the rest), so that time stays linear; but not
# after one apostrophe, which may stand in a comment or before a lifetime.
_STRING = re.compile(
    r"(?P<prefix>\b[rRbBuUfF]{1,2}|\br\#{1,3}|(?<!\w))(?:"
    r"\"\"\"(?P<long>(?:[^\"\\]|\\.|\"(?!\"\"))*+)(?:\"\"\"|\\?\Z)"
    r"|'''(?P<other>(?:[^'\\]|\\.|'(?!''))*+)(?:'''|\\?\Z)"
    r"|\"(?P<double>(?:[^\"\\\n]|\\.)*+)(?P<open>\"|\\?$)"
    r"|'(?P<single>(?:[^'\\\n]|\\.){0,500}+)'"
    r"|`(?P<raw>[^`]*+)`)",
    re.DOTALL | re.MULTILINE,
)
_HOLE = re.compile(r"\{[A-Za-z_0-9.!:\[\]'()]{0,100}\}")
_PERCENT = re.compile(r"%(?:\([A-Za-z_]\w{0,50}\))?[sdvq]")
_LONGEST = 20_000


class CodeString(NamedTuple):
    """A string's content with its holes filled by variables, and where the content begins."""

    text: str
    start: int


def strings_of(text: str) -> Iterator[CodeString]:
    """The strings of a source text, in order."""
    for found in _STRING.finditer(text):
        group = next(name for name in ("long", "other", "double", "single", "raw") if found[name] is not None)
        content = found[group]
        if 3 <= len(content) <= _LONGEST and found["open"] in ('"', None):
            yield CodeString(_filled(content, "f" in found["prefix"].lower()), found.start(group))


def _filled(content: str, is_formatted: bool) -> str:
    """Holes as variables; doubled braces as one and a space."""
    if is_formatted or "{{" in content:
        content = content.replace("{{", "\0 ").replace("}}", " \1")
        content = _HOLE.sub(lambda hole: _variable(len(hole[0])), content)
        content = content.replace("\0", "{").replace("\1", "}")
    return _PERCENT.sub(lambda hole: _variable(len(hole[0])), content).replace('\\"', ' "').replace("\\n", "  ")


def _variable(size: int) -> str:
    return "$" + "x" * (size - 1)
