"""YAML that holds `{{ … }}` of Helm: made readable without being filled in, every character in its place.

The signs inside the braces that mean something to YAML become letters of Unicode's private use, and come back when a
scalar is read. A line that only steers (`{{- if … }}`) becomes a comment.
"""

from __future__ import annotations

import re

_SIGNS = "{}\"':#|&*!%@`,[]<>-?"
_HIDE = {ord(sign): 0xE000 + index for index, sign in enumerate(_SIGNS)}
_SHOW = {hidden: sign for sign, hidden in _HIDE.items()}
_TEMPLATE = re.compile(r"\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*+\}\}")
_LINE_START = re.compile(r"^[^\n]", re.MULTILINE)
_COMMENT = re.compile(r"\{\{-?[ \t]*+/\*(?:[^*]++|\*(?!/))*+\*/[ \t]*+-?\}\}")
_STEERING = re.compile(r"^([ \t]*+)(\{\{-?[^\n]{0,2000}\}\})[ \t]*+\r?$", re.MULTILINE)


def hidden(text: str) -> str:
    """The text with its templates hidden; of the same length."""
    if "/*" in text:
        text = _COMMENT.sub(lambda found: _LINE_START.sub("#", found[0]), text)
    text = _STEERING.sub(lambda found: f"{found[1]}#{found[0][len(found[1]) + 1 :]}", text)
    return _TEMPLATE.sub(lambda found: found[0].translate(_HIDE), text)


def shown(value: str) -> str:
    """A scalar's value as it was written."""
    return value.translate(_SHOW)
