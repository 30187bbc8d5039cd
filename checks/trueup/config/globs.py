"""Path patterns as in `.gitignore`, as regular expressions that take linear time.

The patterns come from the checked repository, which may be hostile: a plain translation
(`*` to `[^/]*`) lets `*a*a*a*a*a*a*a*b` run for years. What stands between two stars has a fixed
length, so its first place is as good as any later one: each such part is an atomic group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_FOLDERS = "(?:[^/]++/)*?"
_STARS = re.compile(r"\*{2,}")


class BadGlob(ValueError):
    """A pattern that cannot match what its writer meant; the text says why."""


class Glob(NamedTuple):
    """One pattern. `floating`: it may begin at any folder; else at the root, or wherever it says itself."""

    negated: bool
    floating: bool
    folders_only: bool
    covering: str  # what is matched, or a folder above it; the end is still to be added
    exact: str  # what is matched itself


def parse(glob: str) -> Glob:
    """Reads a pattern; a `BadGlob` where Git would quietly match nothing, or something else than it seems."""
    negated = glob.startswith("!")
    body = glob[1:] if negated else glob
    _refuse(body)
    folders_only = body.endswith("/")
    body = body.removesuffix("/")
    anchored = "/" in body
    segments = body.removeprefix("/").split("/")
    if any(part in ("", ".", "..") for part in segments):
        raise BadGlob("an empty part, `.` or `..` between slashes matches nothing")
    if not anchored and _STARS.fullmatch(segments[0]):
        segments = ["*"]
    groups: list[list[str]] = [[]]
    for index, part in enumerate(segments):
        if not _STARS.fullmatch(part):
            groups[-1].append(_segment(part))
        elif index == len(segments) - 1:
            groups[-1].append("**")
        elif groups[-1] or len(groups) == 1:
            groups.append([])
    leading = anchored and len(groups) > 1 and not groups[0]
    if leading:
        groups = groups[1:]
    floating = not anchored or (leading and len(groups) == 1)
    covering, exact = (_sequence(groups, rest, anywhere=leading) for rest in ("[^/]++", "(?s:.)++"))
    return Glob(negated, floating, folders_only, covering, exact)


def covering_pattern(globs: Iterable[Glob]) -> re.Pattern[str]:
    """One expression that is found in the paths which a list without negations matches."""
    floating: list[str] = []
    rooted: list[str] = []
    for glob in globs:
        end = "(?=/)" if glob.folders_only else r"(?=/|\Z)"
        (floating if glob.floating else rooted).append(glob.covering + end)
    parts = [rf"\A(?:{'|'.join(rooted)})"] if rooted else []
    if floating:
        parts.append(rf"\A{_FOLDERS}(?:{'|'.join(floating)})")
    return re.compile("|".join(parts) or r"(?!)")


def exact_pattern(glob: Glob) -> re.Pattern[str]:
    """An expression that is found in the paths which this pattern matches themselves (not through a folder)."""
    start = rf"\A{_FOLDERS}" if glob.floating else r"\A"
    return re.compile(rf"{start}(?:{glob.exact})\Z")


def text_pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for texts that are no paths: `*` stands for any characters, `?` for one."""
    alternatives = []
    for pattern in patterns:
        chunks = [re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", pattern)]
        alternatives.append(_starred(chunks, "."))
    return re.compile(rf"(?s:{'|'.join(alternatives)})\Z")


def _refuse(body: str) -> None:
    if body.startswith("#"):
        raise BadGlob(r"a `#` at the beginning is a comment in .gitignore; write `\#`")
    if body != body.rstrip(" ") and not body.rstrip(" ").endswith("\\"):
        raise BadGlob(r"Git ignores a space at the end; write `\ `")
    if body in ("", "/"):
        raise BadGlob("it matches nothing")
    if "\0" in body:
        raise BadGlob("no path holds a NUL character")


def _sequence(groups: list[list[str]], rest: str, *, anywhere: bool) -> str:
    """The groups between `**`, each at its first place; a `**` at the very end is `rest`.

    `anywhere`: a `**` stands before the first group too.
    """
    *firsts, last = ["/".join(rest if part == "**" else part for part in group) for group in groups]
    if not firsts:
        return last
    begin = "" if anywhere else f"{firsts.pop(0)}/"
    return begin + "".join(f"(?>{_FOLDERS}{text}/)" for text in firsts) + _FOLDERS + last


def _segment(text: str) -> str:
    """The part between two slashes."""
    chunks = [""]
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if char == "*":
            if chunks[-1] or len(chunks) == 1:
                chunks.append("")
        elif char == "?":
            chunks[-1] += "[^/]"
        elif char == "[":
            expression, index = _bracket(text, index)
            chunks[-1] += expression
        elif char == "\\":
            if index == len(text):
                raise BadGlob(r"a `\` at the end of a part escapes nothing")
            chunks[-1] += re.escape(text[index])
            index += 1
        else:
            chunks[-1] += re.escape(char)
    return "[^/]++" if chunks == ["", ""] else _starred(chunks, "[^/]")


def _starred(chunks: list[str], any_char: str) -> str:
    """Chunks of fixed length with a star between each two."""
    first, *rest = chunks
    if not rest:
        return first
    *middle, last = rest
    tail = f"{any_char}*{last}" if last else f"{any_char}*+"
    return first + "".join(f"(?>{any_char}*?{chunk})" for chunk in middle) + tail


def _bracket(text: str, index: int) -> tuple[str, int]:
    """`[…]` whose content begins at `index`: its expression, and where it ends."""
    negated = text[index : index + 1] in ("!", "^")
    index += negated
    items: list[str] = []
    first = True
    while first or text[index : index + 1] != "]":
        first = False
        low, index = _bracket_char(text, index)
        if text[index : index + 1] == "-" and text[index + 1 : index + 2] not in ("]", ""):
            high, index = _bracket_char(text, index + 1)
            if high < low:
                raise BadGlob(f"the range {low}-{high} is empty")
            items.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            items.append(re.escape(low))
    content = "".join(items)
    return (f"[^/{content}]" if negated else f"(?!/)[{content}]"), index + 1


def _bracket_char(text: str, index: int) -> tuple[str, int]:
    if text[index : index + 2] in ("[:", "[.", "[="):
        raise BadGlob("classes such as `[:alpha:]` are not supported")
    if text[index : index + 1] == "\\":
        index += 1
    if index >= len(text):
        raise BadGlob("its `[` is never closed")
    return text[index], index + 1
